//! Agents, functions, models, jobs, applications, and policies.

use blaxel_management::Megabytes;
use blaxel_management::agents::Agent;
use blaxel_management::models::{Model, Provider};
use blaxel_management::workload::EnvVariable;
use serde_json::json;

use crate::support::life::{Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Life, World};

pub async fn perform(world: &World) {
    agents(world).await;
    models(world).await;
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

async fn models(world: &World) {
    let models = Life::of(world, "Model", "Models", Api::models);
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
    models.changes(plan).await;
}
