//! What runs: agents, models, sandboxes.

use serde_json::json;

use crate::state::Pages;
use crate::state::kind::{Kind, Life, Listing, Operations};

/// Pages that can be asked for by status and external id.
const PAGES: Pages = Pages {
    status: true,
    external_id: true,
    ..Pages::PLAIN
};

/// What all workloads are.
const WORKLOAD: Kind = Kind {
    listing: Listing::Paged(PAGES),
    has_url: true,
    sticky: &["metadata/externalId"],
    ..Kind::RESOURCE
};

pub(crate) static AGENTS: Kind = Kind {
    path: "agents",
    parameter: "agentName",
    noun: "Agent",
    operations: Operations {
        list: Some("ListAgents"),
        create: Some("CreateAgent"),
        get: Some("GetAgent"),
        update: Some("UpdateAgent"),
        delete: Some("DeleteAgent"),
    },
    sample: |name| {
        let image = format!("{name}:latest");
        json!({"enabled": true, "runtime": {"image": image, "memory": 2048, "generation": "mk3"}})
    },
    ..WORKLOAD
};

pub(crate) static MODELS: Kind = Kind {
    path: "models",
    parameter: "modelName",
    noun: "Model",
    operations: Operations {
        list: Some("ListModels"),
        create: Some("CreateModel"),
        get: Some("GetModel"),
        update: Some("UpdateModel"),
        delete: Some("DeleteModel"),
    },
    sample: |name| {
        let provider = provider_of(name);
        json!({"enabled": true, "runtime": {"type": provider, "model": name}})
    },
    ..WORKLOAD
};

pub(crate) static SANDBOXES: Kind = Kind {
    path: "sandboxes",
    parameter: "sandboxName",
    noun: "Sandbox",
    operations: Operations {
        list: Some("ListSandboxes"),
        create: Some("CreateSandbox"),
        get: Some("GetSandbox"),
        update: Some("UpdateSandbox"),
        delete: Some("DeleteSandbox"),
    },
    life: Life::Lingering,
    ..WORKLOAD
};

/// Whose model it is, going by its name.
fn provider_of(name: &str) -> &'static str {
    const FAMILIES: [(&str, &str); 4] = [
        ("claude", "anthropic"),
        ("gemini", "gemini"),
        ("mistral", "mistral"),
        ("deepseek", "deepseek"),
    ];
    let family = FAMILIES.iter().find(|(family, _)| name.starts_with(family));
    family.map_or("openai", |(_, provider)| provider)
}
