//! Agents, functions, models, jobs and their executions, applications, and policies.

use std::time::Duration;

use blaxel_core::ApiVersion;
use blaxel_management::Megabytes;
use blaxel_management::agents::Agent;
use blaxel_management::applications::Application;
use blaxel_management::functions::{Function, Transport};
use blaxel_management::jobs::{Job, JobExecutionDraft};
use blaxel_management::models::{Model, Provider};
use blaxel_management::policies::{
    Policy, PolicyKind, PolicyLocation, PolicyLocationKind, PolicySpec,
};
use blaxel_management::workload::{EnvVariable, Port, VolumeAttachment};
use serde_json::json;

use crate::support::life::{CREATE_FIRST, Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Life, World, request, tells};

pub async fn perform(world: &World) {
    agents(world).await;
    functions(world).await;
    models(world).await;
    jobs(world).await;
    executions(world).await;
    applications(world).await;
    policies(world).await;
}

async fn agents(world: &World) {
    let agents = Life::of(world, "Agent", "Agents", Api::agents);
    let plan = Plan {
        draft: Agent::new("bot")
            .display_name("Bot")
            .label("team", "care")
            .image("demo:1")
            .memory(Megabytes::gigabytes(2))
            .env(EnvVariable::plain("MODE", "fast"))
            .env(EnvVariable::hidden("KEY", "k-1")),
        sent: json!({
            "metadata": {"name": "bot", "displayName": "Bot", "labels": {"team": "care"}},
            "spec": {"runtime": {"image": "demo:1", "memory": 2048, "envs": [
                {"name": "MODE", "value": "fast"},
                {"name": "KEY", "value": "k-1", "secret": true},
            ]}},
        }),
        replaced: Change {
            made: |agent| agent.runtime_mut().memory = Some(Megabytes::new(4096)),
            seen: ("/spec/runtime/memory", json!(4096)),
        },
        modified: Change {
            made: |agent| agent.spec.public = Some(true),
            seen: ("/spec/public", json!(true)),
        },
        applying: REPLACE_FIRST,
    };
    agents.begins(&plan).await;
    agents
        .shows_secrets("bot", "/spec/runtime/envs/1/value", "k-1")
        .await;
    agents.has_revisions("bot", 1).await;
    world.emulator.add_agent("other");
    agents.are_paged(&["bot", "other"]).await;
    agents.changes(plan).await;
}

async fn functions(world: &World) {
    let functions = Life::of(world, "Function", "Functions", Api::functions);
    let mut draft = Function::new("search")
        .image("search:1")
        .env(EnvVariable::hidden("KEY", "k-1"));
    draft.runtime_mut().transport = Some(Transport::HttpStream);
    let plan = Plan {
        draft,
        sent: json!({
            "metadata": {"name": "search"},
            "spec": {"runtime": {"image": "search:1", "transport": "http-stream", "envs": [
                {"name": "KEY", "value": "k-1", "secret": true},
            ]}},
        }),
        replaced: Change {
            made: |function| function.runtime_mut().ports = Some(vec![Port::new(9000u32)]),
            seen: ("/spec/runtime/ports", json!([{"target": 9000}])),
        },
        modified: Change {
            made: |function| function.spec.integration_connections = Some(vec!["web".to_owned()]),
            seen: ("/spec/integrationConnections", json!(["web"])),
        },
        applying: REPLACE_FIRST,
    };
    functions.begins(&plan).await;
    functions
        .shows_secrets("search", "/spec/runtime/envs/0/value", "k-1")
        .await;
    functions.has_revisions("search", 1).await;
    functions.are_paged(&["search"]).await;
    functions.changes(plan).await;
}

async fn models(world: &World) {
    let models = Life::of(world, "Model", "Models", Api::models);
    let page = world.api().models().list().await.unwrap();
    world.take();
    let names = page.items.iter().map(|model| model.metadata.name.as_str());
    let mut names: Vec<_> = names.collect();

    let plan = Plan {
        draft: Model::of("fast", Provider::OpenAi, "gpt-4o-mini"),
        sent: json!({
            "metadata": {"name": "fast"},
            "spec": {"runtime": {"type": "openai", "model": "gpt-4o-mini"}},
        }),
        replaced: Change {
            made: |model| model.spec.policies = Some(vec!["frugal".to_owned()]),
            seen: ("/spec/policies", json!(["frugal"])),
        },
        modified: Change {
            made: |model| model.metadata.display_name = Some("Fast".to_owned()),
            seen: ("/metadata/displayName", json!("Fast")),
        },
        applying: REPLACE_FIRST,
    };
    models.begins(&plan).await;
    models.has_revisions("fast", 1).await;
    names.push("fast");
    models.are_paged(&names).await;
    models.changes(plan).await;
}

async fn jobs(world: &World) {
    let jobs = Life::of(world, "Job", "Jobs", Api::jobs);
    let plan = Plan {
        draft: Job::new("nightly")
            .image("nightly:1")
            .env(EnvVariable::hidden("KEY", "k-1"))
            .volume(VolumeAttachment::ephemeral("scratch", "/scratch", 1024)),
        sent: json!({
            "metadata": {"name": "nightly"},
            "spec": {
                "runtime": {"image": "nightly:1", "envs": [
                    {"name": "KEY", "value": "k-1", "secret": true},
                ]},
                "volumes": [{
                    "name": "scratch", "mountPath": "/scratch", "type": "ephemeral", "sizeMb": 1024,
                }],
            },
        }),
        replaced: Change {
            made: |job| job.runtime_mut().max_retries = Some(3),
            seen: ("/spec/runtime/maxRetries", json!(3)),
        },
        modified: Change {
            made: |job| job.spec.enabled = Some(false),
            seen: ("/spec/enabled", json!(false)),
        },
        applying: REPLACE_FIRST,
    };
    jobs.begins(&plan).await;
    jobs.shows_secrets("nightly", "/spec/runtime/envs/0/value", "k-1")
        .await;
    jobs.has_revisions("nightly", 1).await;
    jobs.are_paged(&["nightly"]).await;
    jobs.changes(plan).await;
}

async fn executions(world: &World) {
    world.emulator.add("jobs", "batch").unwrap();
    let executions = Life::of(world, "JobExecution", "JobExecutions", |api| {
        api.jobs().executions("batch")
    })
    .under(["batch"]);
    let draft = JobExecutionDraft::new()
        .task(json!({"page": 1}))
        .task(json!({"page": 2}))
        .variable("MODE", "fast")
        .execution_id("run-1");
    let sent = json!({
        "tasks": [{"page": 1}, {"page": 2}],
        "env": {"MODE": "fast"},
        "executionId": "run-1",
    });
    let started = executions.is_made(&draft, sent).await;
    assert_eq!(started.execution_id.as_deref(), Some("run-1"));
    executions.is_nowhere("run-0").await;
    executions.is_read("run-1").await;
    executions.are_paged(&["run-1"]).await;

    let tasks = Life::of(world, "JobExecutionTask", "JobExecutionTasks", |api| {
        api.jobs().executions("batch").tasks("run-1")
    });
    let tasks = tasks
        .under(["batch", "run-1"])
        .since(ApiVersion::V2026_04_28);
    world.emulator.clock().advance(Duration::from_secs(1));
    let told = executions.is_read("run-1").await;
    let told = told.stats.and_then(|stats| stats.total);
    assert_eq!(told, Some(2));
    let page = tasks.all().list().await.unwrap();
    world.take();
    let names = page.items.into_iter().filter_map(|task| task.metadata.name);
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 2);
    tasks
        .are_paged(&names.iter().map(String::as_str).collect::<Vec<_>>())
        .await;

    let cancelled = executions.all().cancel("run-1").await.unwrap();
    let exchange = world.sent(request("DeleteJobExecution").on(["batch", "run-1"]));
    tells(&cancelled, exchange.answer());
}

async fn applications(world: &World) {
    let applications = Life::of(world, "Application", "Applications", Api::applications);
    let plan = Plan {
        draft: Application::new("shop")
            .image("shop:1")
            .memory(Megabytes::new(1024))
            .env(EnvVariable::plain("MODE", "fast"))
            .bound_to("box"),
        sent: json!({
            "metadata": {"name": "shop"},
            "spec": {
                "image": "shop:1",
                "memory": 1024,
                "envs": [{"name": "MODE", "value": "fast"}],
                "extensions": {"ai.blaxel.experimental/bind-to-sandbox": {"sandbox": "box"}},
            },
        }),
        replaced: Change {
            made: |application| application.spec.port = Some(3000),
            seen: ("/spec/port", json!(3000)),
        },
        modified: Change {
            made: |application| application.metadata.add_label("team", "care"),
            seen: ("/metadata/labels", json!({"team": "care"})),
        },
        applying: CREATE_FIRST,
    };
    applications.begins(&plan).await;
    applications.has_revisions("shop", 1).await;
    applications.are_paged(&["shop"]).await;
    applications.changes(plan).await;
}

async fn policies(world: &World) {
    let policies = Life::of(world, "Policy", "Policies", Api::policies);
    let europe = PolicyLocation::new()
        .kind(PolicyLocationKind::Continent)
        .name("EU");
    let spec = PolicySpec::new()
        .kind(PolicyKind::Location)
        .locations([europe]);
    let plan = Plan {
        draft: Policy::new("only-europe").spec(spec),
        sent: json!({
            "metadata": {"name": "only-europe"},
            "spec": {"type": "location", "locations": [{"type": "continent", "name": "EU"}]},
        }),
        replaced: Change {
            made: |policy| policy.spec.sandbox = Some(true),
            seen: ("/spec/sandbox", json!(true)),
        },
        modified: Change {
            made: |policy| policy.metadata.display_name = Some("Europe".to_owned()),
            seen: ("/metadata/displayName", json!("Europe")),
        },
        applying: REPLACE_FIRST,
    };
    policies.begins(&plan).await;
    policies.are_paged(&["only-europe"]).await;

    let mut agent = Agent::new("european");
    agent.spec.policies = Some(vec!["only-europe".to_owned()]);
    world.api().agents().create(&agent).await.unwrap();
    world.take();
    let usages = policies.all().usages("only-europe").await.unwrap();
    let exchange = world.sent(request("GetPolicyUsages").on(["only-europe"]));
    tells(&usages, exchange.answer());
    assert_eq!(usages.agents.unwrap().len(), 1);
    policies.changes(plan).await;
}
