//! Agents: programs that serve requests at a URL of their own.
//!
//! [`Agent`] has the desired state in an [`AgentSpec`], with the image and the resources in its
//! [`AgentRuntime`]. [`Management::agents`] returns the collection.

use blaxel_core::{HttpService, Idempotency, OperationInfo};
use http::Method;

use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, Created, Deleted, Fetched, Listed, NAMED_PAGE_QUERY, Replaced, Revised, SHOW_SECRETS,
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
    /// An agent: a program that serves requests at a URL of its own.
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
    /// The desired state of an agent.
    pub struct AgentSpec {
        /// `true` if the agent serves requests. The server's default is `true`.
        pub enabled: Option<bool>,
        /// `true` if the agent can be called without a credential. The server's default is `false`.
        pub public: Option<bool>,
        /// The region that the agent runs in. If there is none, it runs in all regions.
        pub region: Option<String>,
        /// The names of the policies that apply.
        pub policies: Option<Vec<String>>,
        /// The source code repository.
        pub repository: Option<Repository>,
        /// The distribution of requests among revisions.
        pub revision: Option<RevisionRouting>,
        /// The runtime: image, resources and environment.
        pub runtime: Option<AgentRuntime>,
        /// The triggers that start it in addition to calls.
        pub triggers: Option<Vec<Trigger>>,
        /// The volumes to mount.
        pub volumes: Option<Vec<VolumeAttachment>>,
    }

    /// The runtime of an agent: image, resources and environment.
    pub struct AgentRuntime {
        /// The container image.
        pub image: Option<String>,
        /// The memory. The platform assigns one CPU per 2048 MB.
        pub memory: Option<Megabytes>,
        /// The minimum number of instances.
        pub min_scale: Option<u32>,
        /// The maximum number of instances.
        pub max_scale: Option<u32>,
        /// The generation of the platform's infrastructure.
        pub generation: Option<Generation>,
        /// The environment variables.
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
    /// Returns the collection of the workspace's agents (`/agents`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for agent in management.agents().all().await? {
    ///     println!("{} is {:?}", agent.metadata.name, agent.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn agents(&self) -> Collection<Agent, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Agent {
    const LIST: OperationInfo =
        OperationInfo::new("ListAgents", Method::GET, "/agents").with_parameters(NAMED_PAGE_QUERY);
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
