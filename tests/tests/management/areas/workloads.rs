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

use crate::support::lifecycle::{CREATE_FIRST, Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

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
    let agents = Lifecycle::of(world, "Agent", "Agents", Api::agents);
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
            apply: |agent| agent.runtime_mut().memory = Some(Megabytes::new(4096)),
            expected: ("/spec/runtime/memory", json!(4096)),
        },
        modified: Change {
            apply: |agent| agent.spec.public = Some(true),
            expected: ("/spec/public", json!(true)),
        },
        applying: REPLACE_FIRST,
    };
    agents.create_and_modify(&plan).await;
    agents
        .assert_secret_masked("bot", "/spec/runtime/envs/1/value", "k-1")
        .await;
    agents.assert_revisions("bot", 1).await;
    world.emulator.add_agent("other");
    agents.list_in_pages(&["bot", "other"]).await;
    agents.change(plan).await;
}

async fn functions(world: &World) {
    let functions = Lifecycle::of(world, "Function", "Functions", Api::functions);
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
            apply: |function| function.runtime_mut().ports = Some(vec![Port::new(9000u32)]),
            expected: ("/spec/runtime/ports", json!([{"target": 9000}])),
        },
        modified: Change {
            apply: |function| function.spec.integration_connections = Some(vec!["web".to_owned()]),
            expected: ("/spec/integrationConnections", json!(["web"])),
        },
        applying: REPLACE_FIRST,
    };
    functions.create_and_modify(&plan).await;
    functions
        .assert_secret_masked("search", "/spec/runtime/envs/0/value", "k-1")
        .await;
    functions.assert_revisions("search", 1).await;
    functions.list_in_pages(&["search"]).await;
    functions.change(plan).await;
}

async fn models(world: &World) {
    let models = Lifecycle::of(world, "Model", "Models", Api::models);
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
            apply: |model| model.spec.policies = Some(vec!["frugal".to_owned()]),
            expected: ("/spec/policies", json!(["frugal"])),
        },
        modified: Change {
            apply: |model| model.metadata.display_name = Some("Fast".to_owned()),
            expected: ("/metadata/displayName", json!("Fast")),
        },
        applying: REPLACE_FIRST,
    };
    models.create_and_modify(&plan).await;
    models.assert_revisions("fast", 1).await;
    names.push("fast");
    models.list_in_pages(&names).await;
    models.change(plan).await;
}

async fn jobs(world: &World) {
    let jobs = Lifecycle::of(world, "Job", "Jobs", Api::jobs);
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
            apply: |job| job.runtime_mut().max_retries = Some(3),
            expected: ("/spec/runtime/maxRetries", json!(3)),
        },
        modified: Change {
            apply: |job| job.spec.enabled = Some(false),
            expected: ("/spec/enabled", json!(false)),
        },
        applying: REPLACE_FIRST,
    };
    jobs.create_and_modify(&plan).await;
    jobs.assert_secret_masked("nightly", "/spec/runtime/envs/0/value", "k-1")
        .await;
    jobs.assert_revisions("nightly", 1).await;
    jobs.list_in_pages(&["nightly"]).await;
    jobs.change(plan).await;
}

async fn executions(world: &World) {
    world.emulator.add("jobs", "batch").unwrap();
    let executions = Lifecycle::of(world, "JobExecution", "JobExecutions", |api| {
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
    let started = executions.create(&draft, sent).await;
    assert_eq!(started.execution_id.as_deref(), Some("run-1"));
    executions.assert_missing("run-0").await;
    executions.get("run-1").await;
    executions.list_in_pages(&["run-1"]).await;

    let tasks = Lifecycle::of(world, "JobExecutionTask", "JobExecutionTasks", |api| {
        api.jobs().executions("batch").tasks("run-1")
    });
    let tasks = tasks
        .under(["batch", "run-1"])
        .since(ApiVersion::V2026_04_28);
    world.emulator.clock().advance(Duration::from_secs(1));
    let counted = executions.get("run-1").await;
    let counted = counted.stats.and_then(|stats| stats.total);
    assert_eq!(counted, Some(2));
    let page = tasks.all().list().await.unwrap();
    world.take();
    let names = page.items.into_iter().filter_map(|task| task.metadata.name);
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 2);
    tasks
        .list_in_pages(&names.iter().map(String::as_str).collect::<Vec<_>>())
        .await;

    let cancelled = executions.all().cancel("run-1").await.unwrap();
    let exchange = world.assert_sent(request("DeleteJobExecution").path_params(["batch", "run-1"]));
    assert_keeps_all(&cancelled, exchange.response());
}

async fn applications(world: &World) {
    let applications = Lifecycle::of(world, "Application", "Applications", Api::applications);
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
            apply: |application| application.spec.port = Some(3000),
            expected: ("/spec/port", json!(3000)),
        },
        modified: Change {
            apply: |application| application.metadata.add_label("team", "care"),
            expected: ("/metadata/labels", json!({"team": "care"})),
        },
        applying: CREATE_FIRST,
    };
    applications.create_and_modify(&plan).await;
    applications.assert_revisions("shop", 1).await;
    applications.list_in_pages(&["shop"]).await;
    applications.change(plan).await;
}

async fn policies(world: &World) {
    let policies = Lifecycle::of(world, "Policy", "Policies", Api::policies);
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
            apply: |policy| policy.spec.sandbox = Some(true),
            expected: ("/spec/sandbox", json!(true)),
        },
        modified: Change {
            apply: |policy| policy.metadata.display_name = Some("Europe".to_owned()),
            expected: ("/metadata/displayName", json!("Europe")),
        },
        applying: REPLACE_FIRST,
    };
    policies.create_and_modify(&plan).await;
    policies.list_in_pages(&["only-europe"]).await;

    let mut agent = Agent::new("european");
    agent.spec.policies = Some(vec!["only-europe".to_owned()]);
    world.api().agents().create(&agent).await.unwrap();
    world.take();
    let usages = policies.all().usages("only-europe").await.unwrap();
    let exchange = world.assert_sent(request("GetPolicyUsages").path_params(["only-europe"]));
    assert_keeps_all(&usages, exchange.response());
    assert_eq!(usages.agents.unwrap().len(), 1);
    policies.change(plan).await;
}
