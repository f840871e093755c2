//! The promise: what a user sets of a resource has a setter on the resource itself, however deep it lies.

#![cfg(all(
    feature = "network",
    feature = "sandboxes",
    feature = "storage",
    feature = "workloads"
))]
#![allow(clippy::unwrap_used)]

use blaxel_core::Timestamp;
use blaxel_management::agents::Agent;
use blaxel_management::custom_domains::{CustomDomain, DomainKind};
use blaxel_management::drives::{Drive, DriveMode, DrivePermission};
use blaxel_management::functions::{Function, Transport};
use blaxel_management::jobs::{GithubRunnerConfig, Job};
use blaxel_management::models::{Model, Provider};
use blaxel_management::policies::{Policy, PolicyKind, PolicyLocation, PolicyMaxTokens};
use blaxel_management::sandboxes::{
    ExpirationPolicy, Preview, PreviewToken, Sandbox, Schedule, ScheduleInput,
};
use blaxel_management::volume_templates::VolumeTemplate;
use blaxel_management::volumes::Volume;
use blaxel_management::vpcs::EgressGateway;
use blaxel_management::workload::{
    EnvVariable, Port, RevisionRouting, Trigger, TriggerKind, VolumeAttachment,
};
use blaxel_management::{Document, Generation, Megabytes};
use serde_json::{Value, json};

#[track_caller]
fn is(draft: &impl Document, metadata: &Value, spec: &Value) {
    let expected = json!({"metadata": metadata, "spec": spec});
    assert_eq!(serde_json::to_value(draft).unwrap(), expected);
}

#[test]
fn workloads_are_described_by_setters_alone() {
    let trigger = Trigger::new().kind(TriggerKind::Cron);
    let scratch = VolumeAttachment::new().name("scratch");
    is(
        &Job::new("nightly")
            .display_name("Nightly")
            .external_id("e-1")
            .label("team", "care")
            .region("us-pdx-1")
            .image("demo:1")
            .memory(2048)
            .env(EnvVariable::plain("A", "1"))
            .enabled(true)
            .policy("frugal")
            .trigger(trigger.clone())
            .volume(scratch.clone())
            .github_runner(GithubRunnerConfig::new().repositories(["a/b".to_owned()]))
            .timeout(900)
            .max_retries(2)
            .disk_percent(20)
            .generation(Generation::Mk3)
            .port(Port::new(80)),
        &json!({"name": "nightly", "displayName": "Nightly", "externalId": "e-1",
            "labels": {"team": "care"}}),
        &json!({
            "enabled": true, "region": "us-pdx-1", "policies": ["frugal"],
            "triggers": [{"type": "cron"}], "volumes": [{"name": "scratch"}],
            "githubRunner": {"repositories": ["a/b"]},
            "runtime": {
                "image": "demo:1", "memory": 2048, "maxRetries": 2, "timeout": 900,
                "diskPercent": 20, "generation": "mk3", "ports": [{"target": 80}],
                "envs": [{"name": "A", "value": "1"}],
            },
        }),
    );
    is(
        &Agent::new("bot")
            .public(true)
            .min_scale(1)
            .max_scale(3)
            .revision(RevisionRouting::new().canary_percent(10))
            .trigger(trigger)
            .volume(scratch),
        &json!({"name": "bot"}),
        &json!({
            "public": true, "revision": {"canaryPercent": 10}, "triggers": [{"type": "cron"}],
            "volumes": [{"name": "scratch"}], "runtime": {"minScale": 1, "maxScale": 3},
        }),
    );
    is(
        &Function::new("search")
            .connection("my-openai")
            .transport(Transport::HttpStream)
            .port(Port::new(8080)),
        &json!({"name": "search"}),
        &json!({
            "integrationConnections": ["my-openai"],
            "runtime": {"transport": "http-stream", "ports": [{"target": 8080}]},
        }),
    );
    is(
        &Model::of("fast", Provider::OpenAi, "gpt-4o-mini")
            .connection("a")
            .policy("frugal"),
        &json!({"name": "fast"}),
        &json!({
            "integrationConnections": ["a"], "policies": ["frugal"],
            "runtime": {"type": "openai", "model": "gpt-4o-mini"},
        }),
    );
    is(
        &Policy::new("frugal")
            .kind(PolicyKind::MaxToken)
            .resource_type("model")
            .location(PolicyLocation::new().name("EU"))
            .max_tokens(PolicyMaxTokens::new().total(5)),
        &json!({"name": "frugal"}),
        &json!({
            "type": "maxToken", "resourceTypes": ["model"], "locations": [{"name": "EU"}],
            "maxTokens": {"total": 5},
        }),
    );
}

#[test]
fn what_workloads_use_is_described_by_setters_alone() {
    let moment: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
    is(
        &Sandbox::new("box")
            .enabled(true)
            .vpc("office")
            .volume(VolumeAttachment::persistent("data", "/data"))
            .port(Port::new(3000))
            .expires(moment)
            .termination_grace_period_seconds(30),
        &json!({"name": "box"}),
        &json!({
            "enabled": true, "vpc": "office",
            "volumes": [{"name": "data", "mountPath": "/data", "type": "persistent"}],
            "runtime": {
                "ports": [{"target": 3000}], "expires": "2026-12-31T23:59:59Z",
                "terminationGracePeriodSeconds": 30,
            },
        }),
    );
    is(
        &Preview::new("web")
            .display_name("Web")
            .port(3000)
            .public(true)
            .prefix_url("demo"),
        &json!({"name": "web", "displayName": "Web"}),
        &json!({"port": 3000, "public": true, "prefixUrl": "demo"}),
    );
    is(
        &Volume::new("data")
            .external_id("e-1")
            .region("us-pdx-1")
            .size(Megabytes::gigabytes(1))
            .template("model:1"),
        &json!({"name": "data", "externalId": "e-1"}),
        &json!({"region": "us-pdx-1", "size": 1024, "template": "model:1"}),
    );
    is(
        &VolumeTemplate::new("corpus")
            .default_size(2048)
            .description("All of it"),
        &json!({"name": "corpus"}),
        &json!({"defaultSize": 2048, "description": "All of it"}),
    );
    is(
        &Drive::new("handbook")
            .region("us-pdx-1")
            .permission(DrivePermission::new().mode(DriveMode::Read)),
        &json!({"name": "handbook"}),
        &json!({"region": "us-pdx-1", "permissions": [{"mode": "read"}]}),
    );
    is(
        &EgressGateway::new("west")
            .display_name("West")
            .region("us-pdx-1"),
        &json!({"name": "west", "displayName": "West"}),
        &json!({"region": "us-pdx-1"}),
    );
    is(
        &CustomDomain::new("a.example.com")
            .label("team", "care")
            .domain_type(DomainKind::Applications)
            .region("us-pdx-1"),
        &json!({"name": "a.example.com", "labels": {"team": "care"}}),
        &json!({"domainType": "applications", "region": "us-pdx-1"}),
    );
}

#[test]
fn a_moment_is_taken_alike_and_sent_as_it_is_written() {
    let moment: Timestamp = "2026-12-31T23:59:59.5+02:00".parse().unwrap();
    let written = json!("2026-12-31T23:59:59.5+02:00");
    let schedule = Schedule::at(moment.clone(), ScheduleInput::run("true"));
    assert_eq!(serde_json::to_value(schedule).unwrap()["value"], written);
    let policy = ExpirationPolicy::on_date(moment.clone());
    assert_eq!(serde_json::to_value(policy).unwrap()["value"], written);
    let token = PreviewToken::until("guest", moment);
    assert_eq!(
        serde_json::to_value(token).unwrap()["spec"]["expiresAt"],
        written
    );
}
