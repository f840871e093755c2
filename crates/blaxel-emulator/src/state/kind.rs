//! The kinds of resources: what tells one from another.

use serde_json::json;

use super::Document;

/// A kind of resource. All kinds behave alike; this is what differs.
pub(crate) struct Kind {
    /// How it stands in paths.
    pub(crate) plural: &'static str,
    /// How it is called in messages.
    pub(crate) noun: &'static str,
    pub(crate) list: &'static str,
    pub(crate) create: &'static str,
    pub(crate) get: &'static str,
    pub(crate) update: &'static str,
    pub(crate) delete: &'static str,
    /// The runtime of a resource that the emulator puts in place itself.
    runtime: fn(&str) -> serde_json::Value,
}

pub(crate) static AGENTS: Kind = Kind {
    plural: "agents",
    noun: "Agent",
    list: "ListAgents",
    create: "CreateAgent",
    get: "GetAgent",
    update: "UpdateAgent",
    delete: "DeleteAgent",
    runtime: |name| json!({"image": format!("{name}:latest"), "memory": 2048, "generation": "mk3"}),
};

pub(crate) static MODELS: Kind = Kind {
    plural: "models",
    noun: "Model",
    list: "ListModels",
    create: "CreateModel",
    get: "GetModel",
    update: "UpdateModel",
    delete: "DeleteModel",
    runtime: |name| json!({"type": provider_of(name), "model": name}),
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

pub(crate) static KINDS: [&Kind; 2] = [&AGENTS, &MODELS];

impl Kind {
    /// A plausible document for a resource of this name.
    pub(crate) fn sample(&self, name: &str) -> Document {
        let mut document = Document::new();
        document.insert(
            "metadata".to_owned(),
            json!({"name": name, "displayName": name}),
        );
        document.insert(
            "spec".to_owned(),
            json!({"enabled": true, "runtime": (self.runtime)(name)}),
        );
        document
    }
}
