//! Agents: programs that answer requests under an address of their own.
//!
//! Operations: `ListAgents`, `CreateAgent`, `GetAgent`, `UpdateAgent`, `DeleteAgent`.

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Resource};
use crate::metadata::{Event, Generation, Metadata, Status};

/// An agent.
///
/// ```
/// use blaxel_management::agents::Agent;
///
/// let agent = Agent::new("support-bot")
///     .display_name("Support")
///     .label("team", "care")
///     .image("my-team/support-bot:latest")
///     .memory_mb(2048);
/// assert_eq!(agent.metadata.name, "support-bot");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Agent {
    /// Its name, and what the platform notes about it.
    pub metadata: Metadata,
    /// What it is to be.
    pub spec: AgentSpec,
    /// Where it stands. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What happened to it. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
}

/// What an agent is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AgentSpec {
    /// Whether it answers. The server takes `true` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether anybody may call it without a credential. The server takes `false` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// The region it runs in; everywhere if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The names of the policies it is under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// Where its source is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// Which revisions answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionRouting>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<AgentRuntime>,
    /// What starts it besides a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<Trigger>>,
    /// The volumes it mounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<VolumeAttachment>>,
}

/// What an agent runs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AgentRuntime {
    /// The container image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Memory in MB. The platform gives one processor for each 2048 of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// How many of it there are at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_scale: Option<u32>,
    /// How many of it there are at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_scale: Option<u32>,
    /// The generation of the platform's machinery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// Its environment variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envs: Option<Vec<EnvVariable>>,
}

/// An environment variable of a workload.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// Its value. Secret ones come back masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the value is kept secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
}

impl EnvVariable {
    /// A variable that anybody who can read the agent may see.
    #[must_use]
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            secret: None,
        }
    }

    /// A variable that the server shows masked.
    #[must_use]
    pub fn secret(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            secret: Some(true),
        }
    }
}

impl std::fmt::Debug for EnvVariable {
    /// Leaves the value out: even a plain variable holds a secret now and then.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvVariable")
            .field("name", &self.name)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// Where a workload's source is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Repository {
    /// What kind of place it is, such as `git`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How requests are shared out among revisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RevisionRouting {
    /// The id of the revision that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// The id of the revision that is tried out beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// The share of requests that the canary gets, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_percent: Option<u32>,
    /// How long a caller stays with a revision, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky_session_ttl: Option<u32>,
    /// The share of requests that the active revision gets, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<u32>,
}

open_enum! {
    /// What kind of event starts a workload.
    pub enum TriggerKind {
        /// A request that waits for the answer.
        Http = "http",
        /// A request that does not wait.
        HttpAsync = "http-async",
        /// A schedule.
        Cron = "cron",
    }
}

/// Something that starts a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Trigger {
    /// Its id; the server gives one if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What kind it is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TriggerKind>,
    /// Whether it works. The server takes `true` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its particulars, which differ by kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<TriggerConfiguration>,
}

/// The particulars of a [`Trigger`].
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TriggerConfiguration {
    /// The path it is called under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How callers are authenticated, such as `blaxel` or `public`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_type: Option<String>,
    /// Where the result of an asynchronous call is posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The key by which callbacks are signed; shown once, then masked. Set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_secret: Option<String>,
    /// How often a failed run is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<u32>,
    /// The schedule, as cron writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The tasks it hands over, of any shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<serde_json::Value>>,
    /// How long a run may take, in seconds, at most 900.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

impl std::fmt::Debug for TriggerConfiguration {
    /// Leaves the callback secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TriggerConfiguration")
            .field("path", &self.path)
            .field("authentication_type", &self.authentication_type)
            .field("callback_url", &self.callback_url)
            .field("retry", &self.retry)
            .field("schedule", &self.schedule)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

open_enum! {
    /// How long a volume lives.
    pub enum VolumeKind {
        /// Beyond the workload that mounts it.
        Persistent = "persistent",
        /// As long as the workload.
        Ephemeral = "ephemeral",
    }
}

/// A volume in the file system of a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VolumeAttachment {
    /// The name of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// Whether it can only be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// How large an ephemeral one is, in MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_mb: Option<u32>,
    /// How long it lives.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<VolumeKind>,
}

impl Agent {
    /// An agent of that name, with everything else left to the server.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            metadata: Metadata::new(name),
            ..Self::default()
        }
    }

    /// What people are shown instead of the name.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.metadata.display_name = Some(name.into());
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.add_label(name, value);
        self
    }

    /// The region to run in.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.spec.region = Some(region.into());
        self
    }

    /// The container image to run.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.runtime_mut().image = Some(image.into());
        self
    }

    /// Memory in MB.
    #[must_use]
    pub fn memory_mb(mut self, memory: u32) -> Self {
        self.runtime_mut().memory = Some(memory);
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, variable: EnvVariable) -> Self {
        self.runtime_mut()
            .envs
            .get_or_insert_default()
            .push(variable);
        self
    }

    /// What it runs on, to be filled in.
    pub fn runtime_mut(&mut self) -> &mut AgentRuntime {
        self.spec.runtime.get_or_insert_default()
    }
}

impl Resource for Agent {
    const KIND: Kind = Kind::new(
        [
            "ListAgents",
            "CreateAgent",
            "GetAgent",
            "UpdateAgent",
            "DeleteAgent",
        ],
        "/agents",
        "/agents/{agentName}",
    );

    fn name(&self) -> &str {
        &self.metadata.name
    }
}
