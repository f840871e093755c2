//! Functions: tool servers for models, which speak the Model Context Protocol (MCP).
//!
//! [`Function`] has the desired state in a [`FunctionSpec`], with the image and the resources in its
//! [`FunctionRuntime`]. [`Management::functions`] returns the collection.

use blaxel_core::{HttpService, Idempotency, OperationInfo, open_enum};
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
    /// The desired state of a function.
    pub struct FunctionSpec {
        /// `true` if the function serves requests. The server's default is `true`.
        pub enabled: Option<bool>,
        /// `true` if the function can be called without a credential. It requires the third
        /// [`Generation`]. The server's default is `false`.
        pub public: Option<bool>,
        /// The region that the function runs in. If there is none, it runs wherever its policies permit.
        pub region: Option<String>,
        /// The names of the integration connections whose credentials the function uses.
        pub integration_connections: Option<Vec<String>>,
        /// The names of the policies that apply.
        pub policies: Option<Vec<String>>,
        /// The distribution of requests among revisions.
        pub revision: Option<RevisionRouting>,
        /// The runtime: image, resources and environment.
        pub runtime: Option<FunctionRuntime>,
        /// The triggers that start it in addition to calls.
        pub triggers: Option<Vec<Trigger>>,
    }

    /// The runtime of a function: image, resources and environment.
    pub struct FunctionRuntime {
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
        /// The transport of MCP.
        pub transport: Option<Transport>,
        /// The ports that it listens on.
        pub ports: Option<Vec<Port>>,
        /// The environment variables.
        pub envs: Option<Vec<EnvVariable>>,
    }
}

open_enum! {
    /// The transport of MCP to a function.
    pub enum Transport {
        /// MCP over a WebSocket.
        WebSocket = "websocket",
        /// MCP over HTTP, with responses that may be streamed.
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
    /// Returns the collection of the workspace's functions (`/functions`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for function in management.functions().all().await? {
    ///     println!("{} is {:?}", function.metadata.name, function.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn functions(&self) -> Collection<Function, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl Listed for Function {
    const LIST: OperationInfo = OperationInfo::new("ListFunctions", Method::GET, "/functions")
        .with_parameters(NAMED_PAGE_QUERY);
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
