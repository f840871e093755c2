//! Agents, functions, models, jobs and applications.

use serde_json::json;

use super::PAGES;
use crate::state::kind::{Kind, Listing, Operations};
use crate::state::secret::{Rule, Secret};
use crate::state::traffic::RevisionFormat;

/// The environment variables of a workload.
pub(super) const ENVS: Secret = Secret {
    path: "spec/runtime/envs/*",
    rule: Rule::Flagged,
};

const TRIGGERS: &str = "spec/triggers/*";

const CALLBACKS: Secret = Secret {
    path: "spec/triggers/*/configuration/callbackSecret",
    rule: Rule::Callback,
};

/// The base of all workloads.
pub(super) const WORKLOAD: Kind = Kind {
    listing: Listing::Paged(PAGES),
    has_url: true,
    ..Kind::RESOURCE
};

/// The base of workloads that are built from an upload and called by triggers.
const TRIGGERED: Kind = Kind {
    uploads: true,
    secrets: &[ENVS, CALLBACKS],
    show_secrets: true,
    triggers: Some(TRIGGERS),
    ..WORKLOAD
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
        revisions: Some("ListAgentRevisions"),
        ..Operations::NONE
    },
    sample: |name| {
        let image = format!("{name}:latest");
        json!({"enabled": true, "runtime": {"image": image, "memory": 2048, "generation": "mk3"}})
    },
    ..TRIGGERED
};

pub(crate) static FUNCTIONS: Kind = Kind {
    path: "functions",
    parameter: "functionName",
    noun: "Function",
    operations: Operations {
        list: Some("ListFunctions"),
        create: Some("CreateFunction"),
        get: Some("GetFunction"),
        update: Some("UpdateFunction"),
        delete: Some("DeleteFunction"),
        revisions: Some("ListFunctionRevisions"),
        ..Operations::NONE
    },
    sample: |name| {
        let image = format!("{name}:latest");
        json!({"enabled": true, "runtime": {"image": image, "memory": 2048, "generation": "mk3",
            "transport": "http-stream"}})
    },
    ..TRIGGERED
};

pub(crate) static JOBS: Kind = Kind {
    path: "jobs",
    parameter: "jobId",
    noun: "Job",
    operations: Operations {
        list: Some("ListJobs"),
        create: Some("CreateJob"),
        get: Some("GetJob"),
        update: Some("UpdateJob"),
        delete: Some("DeleteJob"),
        revisions: Some("ListJobRevisions"),
        ..Operations::NONE
    },
    sample: |name| {
        let image = format!("{name}:latest");
        json!({"enabled": true, "runtime": {"image": image, "memory": 2048, "generation": "mk3",
            "maxRetries": 0, "timeout": 900}})
    },
    ..TRIGGERED
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
        revisions: Some("ListModelRevisions"),
        ..Operations::NONE
    },
    sample: |name| {
        let provider = provider_of(name);
        json!({"enabled": true, "runtime": {"type": provider, "model": name}})
    },
    ..WORKLOAD
};

pub(crate) static APPLICATIONS: Kind = Kind {
    path: "applications",
    parameter: "applicationName",
    noun: "Application",
    operations: Operations {
        list: Some("ListApplications"),
        create: Some("CreateApplication"),
        get: Some("GetApplication"),
        update: Some("UpdateApplication"),
        delete: Some("DeleteApplication"),
        revisions: Some("ListApplicationRevisions"),
        ..Operations::NONE
    },
    uploads: true,
    revisions: RevisionFormat::Content,
    secrets: &[
        Secret {
            path: "spec/envs/*",
            rule: Rule::Flagged,
        },
        Secret {
            path: "spec/revisions/*/envs/*",
            rule: Rule::Flagged,
        },
    ],
    read_only: &["nodeGeneration"],
    has_url: false,
    sample: |name| {
        let image = format!("{name}:latest");
        json!({"enabled": true, "image": image, "memory": 2048, "port": 8080})
    },
    ..WORKLOAD
};

/// Returns the provider of a model, guessed from its name.
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
