//! Agents: programs that answer requests under an address of their own.
//!
//! Operations: `ListAgents`, `CreateAgent`, `GetAgent`, `UpdateAgent`, `DeleteAgent`.

use serde::{Deserialize, Serialize};

use crate::document::{Document, Spec};
use crate::kind::Kind;
use crate::metadata::Generation;
use crate::workload::{EnvVariable, Repository, RevisionRouting, Trigger, VolumeAttachment};

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
pub type Agent = Document<AgentSpec>;

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

impl Agent {
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

impl Spec for AgentSpec {
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
}
