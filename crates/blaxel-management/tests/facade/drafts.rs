//! The promise: every member that a user sets has a setter on the resource itself, however deeply it is nested.

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

/// Asserts that a draft serializes to this metadata and spec.
#[track_caller]
fn assert_draft(draft: &impl Document, metadata: &Value, spec: &Value) {
    let expected = json!({"metadata": metadata, "spec": spec});
    assert_eq!(serde_json::to_value(draft).unwrap(), expected);
}

#[test]
fn setters_cover_workloads() {
    let trigger = Trigger::new().kind(TriggerKind::Cron);
    let scratch = VolumeAttachment::new().name("scratch");
    assert_draft(
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
    assert_draft(
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
    assert_draft(
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
    assert_draft(
        &Model::of("fast", Provider::OpenAi, "gpt-4o-mini")
            .connection("a")
            .policy("frugal"),
        &json!({"name": "fast"}),
        &json!({
            "integrationConnections": ["a"], "policies": ["frugal"],
            "runtime": {"type": "openai", "model": "gpt-4o-mini"},
        }),
    );
    assert_draft(
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
fn setters_cover_sandboxes_storage_and_network() {
    let time: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
    assert_draft(
        &Sandbox::new("box")
            .enabled(true)
            .vpc("office")
            .volume(VolumeAttachment::persistent("data", "/data"))
            .port(Port::new(3000))
            .expires(time)
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
    assert_draft(
        &Preview::new("web")
            .display_name("Web")
            .port(3000)
            .public(true)
            .prefix_url("demo"),
        &json!({"name": "web", "displayName": "Web"}),
        &json!({"port": 3000, "public": true, "prefixUrl": "demo"}),
    );
    assert_draft(
        &Volume::new("data")
            .external_id("e-1")
            .region("us-pdx-1")
            .size(Megabytes::gigabytes(1))
            .template("model:1"),
        &json!({"name": "data", "externalId": "e-1"}),
        &json!({"region": "us-pdx-1", "size": 1024, "template": "model:1"}),
    );
    assert_draft(
        &VolumeTemplate::new("corpus")
            .default_size(2048)
            .description("All of it"),
        &json!({"name": "corpus"}),
        &json!({"defaultSize": 2048, "description": "All of it"}),
    );
    assert_draft(
        &Drive::new("handbook")
            .region("us-pdx-1")
            .permission(DrivePermission::new().mode(DriveMode::Read)),
        &json!({"name": "handbook"}),
        &json!({"region": "us-pdx-1", "permissions": [{"mode": "read"}]}),
    );
    assert_draft(
        &EgressGateway::new("west")
            .display_name("West")
            .region("us-pdx-1"),
        &json!({"name": "west", "displayName": "West"}),
        &json!({"region": "us-pdx-1"}),
    );
    assert_draft(
        &CustomDomain::new("a.example.com")
            .label("team", "care")
            .domain_type(DomainKind::Applications)
            .region("us-pdx-1"),
        &json!({"name": "a.example.com", "labels": {"team": "care"}}),
        &json!({"domainType": "applications", "region": "us-pdx-1"}),
    );
}

#[test]
fn timestamps_are_sent_as_they_are_written() {
    let time: Timestamp = "2026-12-31T23:59:59.5+02:00".parse().unwrap();
    let written = json!("2026-12-31T23:59:59.5+02:00");
    let schedule = Schedule::at(time.clone(), ScheduleInput::run("true"));
    assert_eq!(serde_json::to_value(schedule).unwrap()["value"], written);
    let policy = ExpirationPolicy::on_date(time.clone());
    assert_eq!(serde_json::to_value(policy).unwrap()["value"], written);
    let token = PreviewToken::until("guest", time);
    assert_eq!(
        serde_json::to_value(token).unwrap()["spec"]["expiresAt"],
        written
    );
}
