//! Functions: servers of tools for models, which speak the Model Context Protocol (MCP).

use blaxel_core::{HttpService, Idempotency, OperationInfo, open_enum};
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
use crate::workload::{EnvVariable, Port, Revision, RevisionRouting, Trigger};

document! {
    /// A function: an MCP server.
    ///
    /// ```
    /// use blaxel_management::functions::{Function, Transport};
    ///
    /// let function = Function::new("web-search")
    ///     .image("my-team/web-search:latest")
    ///     .transport(Transport::HttpStream);
    /// assert_eq!(function.metadata.name, "web-search");
    /// ```
    pub struct Function {
        pub metadata: Metadata,
        pub spec: FunctionSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

record! {
    /// What a function is to be.
    pub struct FunctionSpec {
        /// Whether it answers. The server takes `true` by default.
        pub enabled: Option<bool>,
        /// Whether anybody may call it without a credential; only on the third generation. The server
        /// takes `false` by default.
        pub public: Option<bool>,
        /// The region it runs in; where its policies let it, if there is none.
        pub region: Option<String>,
        /// The names of the connections whose credentials it works with.
        pub integration_connections: Option<Vec<String>>,
        /// The names of the policies it is under.
        pub policies: Option<Vec<String>>,
        /// Which revisions answer.
        pub revision: Option<RevisionRouting>,
        /// What it runs on.
        pub runtime: Option<FunctionRuntime>,
        /// What starts it besides a call.
        pub triggers: Option<Vec<Trigger>>,
    }

    /// What a function runs on.
    pub struct FunctionRuntime {
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
        /// How MCP is carried to it.
        pub transport: Option<Transport>,
        /// The ports it listens on.
        pub ports: Option<Vec<Port>>,
        /// Its environment variables.
        pub envs: Option<Vec<EnvVariable>>,
    }
}

open_enum! {
    /// How MCP is carried to a function.
    pub enum Transport {
        /// In a WebSocket.
        WebSocket = "websocket",
        /// In HTTP, with answers that may flow.
        HttpStream = "http-stream",
    }
}

resource! { Function { metadata: metadata, labels: metadata.labels, status: status } }

runtime_setters! { Function: FunctionRuntime }

deep_setters! { Function:
    spec FunctionSpec {
        enabled: bool,
        public: bool,
        connection: [String integration_connections],
        policy: [String policies],
        revision: RevisionRouting,
        trigger: [Trigger triggers],
    }
    runtime FunctionRuntime {
        min_scale: u32,
        max_scale: u32,
        generation: Generation,
        transport: Transport,
        port: [Port ports],
    }
}

impl<S: HttpService> Management<S> {
    /// The functions of the workspace.
    #[must_use]
    pub fn functions(&self) -> Collection<Function, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Function {
    const LIST: OperationInfo =
        OperationInfo::new("ListFunctions", Method::GET, "/functions").with_parameters(PAGE_QUERY);
    type Item = Self;
}

impl Created for Function {
    const CREATE: OperationInfo = OperationInfo::new("CreateFunction", Method::POST, "/functions")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Function {
    const GET: OperationInfo =
        OperationInfo::new("GetFunction", Method::GET, "/functions/{functionName}")
            .with_parameters(SHOW_SECRETS);
}

impl Secretive for Function {}

impl Replaced for Function {
    const REPLACE: OperationInfo =
        OperationInfo::new("UpdateFunction", Method::PUT, "/functions/{functionName}");
}

impl Applied for Function {}

impl Deleted for Function {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteFunction",
        Method::DELETE,
        "/functions/{functionName}",
    );
    type Response = Self;
}

impl Revised for Function {
    const REVISIONS: OperationInfo = OperationInfo::new(
        "ListFunctionRevisions",
        Method::GET,
        "/functions/{functionName}/revisions",
    );
    type Revision = Revision;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Function }

#[cfg(feature = "upload")]
crate::upload::uploadable! { Function }
