//! Agents: programs that answer requests under an address of their own.

use blaxel_core::{HttpService, Idempotency, OperationInfo};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, Created, Deleted, Fetched, Listed, PAGE_QUERY, Replaced, Revised, SHOW_SECRETS,
    Secretive,
};
use crate::metadata::{Event, Generation, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::runtime_setters;
use crate::workload::{
    EnvVariable, Repository, Revision, RevisionRouting, Trigger, VolumeAttachment,
};

document! {
    /// An agent.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::agents::Agent;
    ///
    /// let agent = Agent::new("support-bot")
    ///     .display_name("Support")
    ///     .label("team", "care")
    ///     .image("my-team/support-bot:latest")
    ///     .memory(Megabytes::gigabytes(2));
    /// assert_eq!(agent.metadata.name, "support-bot");
    /// ```
    pub struct Agent {
        pub metadata: Metadata,
        pub spec: AgentSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

record! {
    /// What an agent is to be.
    pub struct AgentSpec {
        /// Whether it answers. The server takes `true` by default.
        pub enabled: Option<bool>,
        /// Whether anybody may call it without a credential. The server takes `false` by default.
        pub public: Option<bool>,
        /// The region it runs in; everywhere if there is none.
        pub region: Option<String>,
        /// The names of the policies it is under.
        pub policies: Option<Vec<String>>,
        /// Where its source is kept.
        pub repository: Option<Repository>,
        /// Which revisions answer.
        pub revision: Option<RevisionRouting>,
        /// What it runs on.
        pub runtime: Option<AgentRuntime>,
        /// What starts it besides a call.
        pub triggers: Option<Vec<Trigger>>,
        /// The volumes it mounts.
        pub volumes: Option<Vec<VolumeAttachment>>,
    }

    /// What an agent runs on.
    pub struct AgentRuntime {
        /// The container image.
        pub image: Option<String>,
        /// Its memory. The platform gives one processor for each 2048 MB.
        pub memory: Option<Megabytes>,
        /// How many of it there are at least.
        pub min_scale: Option<u32>,
        /// How many of it there are at most.
        pub max_scale: Option<u32>,
        /// The generation of the platform's machinery.
        pub generation: Option<Generation>,
        /// Its environment variables.
        pub envs: Option<Vec<EnvVariable>>,
    }
}

resource! { Agent { metadata: metadata, labels: metadata.labels, status: status } }

runtime_setters! { Agent: AgentRuntime }

deep_setters! { Agent:
    spec AgentSpec {
        enabled: bool,
        public: bool,
        policy: [String policies],
        repository: Repository,
        revision: RevisionRouting,
        trigger: [Trigger triggers],
        volume: [VolumeAttachment volumes],
    }
    runtime AgentRuntime { min_scale: u32, max_scale: u32, generation: Generation }
}

impl<S: HttpService> Management<S> {
    /// The agents of the workspace.
    #[must_use]
    pub fn agents(&self) -> Collection<Agent, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Agent {
    const LIST: OperationInfo =
        OperationInfo::new("ListAgents", Method::GET, "/agents").with_parameters(PAGE_QUERY);
    type Item = Self;
}

impl Created for Agent {
    const CREATE: OperationInfo = OperationInfo::new("CreateAgent", Method::POST, "/agents")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Agent {
    const GET: OperationInfo = OperationInfo::new("GetAgent", Method::GET, "/agents/{agentName}")
        .with_parameters(SHOW_SECRETS);
}

impl Secretive for Agent {}

impl Replaced for Agent {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdateAgent", Method::PUT, "/agents/{agentName}");
}

impl Applied for Agent {}

impl Deleted for Agent {
    const DELETE: OperationInfo =
        OperationInfo::new("DeleteAgent", Method::DELETE, "/agents/{agentName}");
    type Response = Self;
}

impl Revised for Agent {
    const REVISIONS: OperationInfo = OperationInfo::new(
        "ListAgentRevisions",
        Method::GET,
        "/agents/{agentName}/revisions",
    );
    type Revision = Revision;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Agent }

#[cfg(feature = "upload")]
crate::upload::uploadable! { Agent }
