//! MCP servers: functions deployed on Blaxel, and the one that each sandbox has.
//!
//! A server is reached over streamable HTTP at `/mcp` under its address. The protocol is spoken by
//! the official Rust SDK, `rmcp`; its requests are carried by the service that carries all others, so
//! each has fresh credentials, retries and limits as that service has them. The platform's servers
//! take the platform's credential: no OAuth of MCP's own takes place.
//!
//! `rmcp` tells `tracing` of what passes under the target `rmcp`: of notifications from the level `INFO`
//! on, of whole requests and answers from `DEBUG` on. No credential is among that, but whatever tools are
//! told and tell.
//!
//! ```no_run
//! use blaxel_core::{Error, HttpService};
//! use blaxel_inference::Inference;
//! use serde_json::json;
//!
//! async fn tour(client: impl HttpService) -> Result<(), Error> {
//!     let mcp = Inference::new(client).function("search").connect().await?;
//!     for tool in mcp.tools().await? {
//!         println!("{}: {}", tool.name, tool.description.unwrap_or_default());
//!     }
//!     let found = mcp.tool("find").call(&json!({"query": "tower services"})).await?;
//!     println!("{}", found.text());
//!     mcp.close().await
//! }
//! ```

mod client;
mod error;
mod events;
mod exchange;
mod model;
mod session;
mod wire;

use std::fmt;
use std::sync::Arc;

use blaxel_core::{Error, HttpService, OperationInfo, Plane};
use http::Method;
use serde_json::Value;

pub use self::client::{McpClient, ToolCall};
pub use self::error::JsonRpcError;
pub use self::model::{
    BinaryContent, Content, EmbeddedResource, Progress, Prompt, PromptArgument, PromptMessage,
    PromptOutput, Resource, ResourceContents, ResourceTemplate, ServerInfo, TextContent, Tool,
    ToolAnnotations, ToolOutput,
};
use crate::address;
use crate::target::{Address, Target, target_setters};

/// What is under a workload's address for those who speak MCP.
const SUFFIX: &str = "mcp";

/// The three requests that a session is made of.
struct Operations {
    /// Carries one message of ours. Nothing is known of what it does, so it is sent once.
    call: OperationInfo,
    /// Takes up messages of the server that answer nothing, or an answer that broke off.
    listen: OperationInfo,
    /// Ends the session.
    end: OperationInfo,
}

impl Operations {
    const fn at(path: &'static str) -> Self {
        Self {
            call: OperationInfo::new("CallMcpServer", Method::POST, path)
                .with_plane(Plane::Run)
                .streaming(),
            listen: OperationInfo::new("ListenToMcpServer", Method::GET, path)
                .with_plane(Plane::Run)
                .streaming(),
            end: OperationInfo::new("EndMcpSession", Method::DELETE, path).with_plane(Plane::Run),
        }
    }
}

/// What an MCP server belongs to.
#[derive(Clone, Copy)]
enum Host {
    Function,
    Sandbox,
}

impl Host {
    fn operations(self) -> &'static Operations {
        static FUNCTION: Operations = Operations::at("/functions/{functionName}");
        static SANDBOX: Operations = Operations::at("/sandboxes/{sandboxName}");
        match self {
            Self::Function => &FUNCTION,
            Self::Sandbox => &SANDBOX,
        }
    }

    /// Looks up the resource of this name.
    async fn resource(
        self,
        service: &impl HttpService,
        name: &str,
    ) -> Result<address::Resource, Error> {
        match self {
            Self::Function => address::function(service, name).await,
            Self::Sandbox => address::sandbox(service, name).await,
        }
    }
}

/// A message of a server that answers nothing: a list has changed, a line for the log.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// What it is about, such as `notifications/tools/list_changed`.
    pub method: String,
    /// What it says; null for one that says nothing more.
    pub params: Value,
}

type Listener = Arc<dyn Fn(Notification) + Send + Sync>;

/// An MCP server to be connected to. It is got from [`Inference::function`](crate::Inference::function)
/// or [`Inference::sandbox`](crate::Inference::sandbox).
#[derive(Clone)]
pub struct McpServer<S> {
    service: S,
    target: Target,
    host: Host,
    client: (String, String),
    listener: Option<Listener>,
}

impl<S: HttpService> McpServer<S> {
    fn new(service: S, name: &str, forced: Option<Address>, host: Host) -> Self {
        let own = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let mut target = Target::new(name);
        target.set_address(forced);
        Self {
            service,
            target,
            host,
            client: (own.0.to_owned(), own.1.to_owned()),
            listener: None,
        }
    }

    pub(crate) fn function(service: S, name: &str, forced: Option<Address>) -> Self {
        Self::new(service, name, forced, Host::Function)
    }

    pub(crate) fn sandbox(service: S, name: &str, forced: Option<Address>) -> Self {
        Self::new(service, name, forced, Host::Sandbox)
    }

    /// Looks up where the server is, unless an address was handed over or forced: `GetFunction` or
    /// `GetSandbox`. It is kept in this handle and its clones. Without an address of its own the server is
    /// reached below the workspace.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such function or sandbox, and the other errors of a read.
    pub async fn located(mut self) -> Result<Self, Error> {
        if !self.target.has_address() {
            let name = self.target.name();
            let resource = self.host.resource(&self.service, name).await?;
            self.target.set_address(resource.address());
        }
        Ok(self)
    }

    target_setters!();

    /// The name and version by which the client introduces itself. Those of this crate unless set.
    #[must_use]
    pub fn client_info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.client = (name.into(), version.into());
        self
    }

    /// Hears what the server says unasked, in the order it says it. The listener must not block. The
    /// progress of a call goes to [`ToolCall::on_progress`] instead, if that is set.
    ///
    /// Only with a listener is a stream kept open for such messages (`GET .../mcp`): it would keep the
    /// server awake for nothing otherwise. A server that offers no stream is fine.
    #[must_use]
    pub fn on_notification(
        mut self,
        listener: impl Fn(Notification) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Begins a session. `POST /{workspace}/functions/{functionName}/mcp` with `initialize`, or the
    /// same under the address that was given.
    ///
    /// It needs a tokio runtime with time enabled, on which two tasks serve the session until the
    /// client is closed or dropped. It may be dropped while it waits: nothing stays behind.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such server, [`Error::is_unavailable`] if it cannot
    /// answer now; [`Error::is_input`] outside of a tokio runtime; a [`JsonRpcError`] if the server
    /// refuses; [`Error::is_decode`] if it does not speak MCP.
    pub async fn connect(&self) -> Result<McpClient, Error> {
        session::begin(self).await
    }
}

impl<S> fmt::Debug for McpServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("McpServer")
            .field(&self.target.name())
            .finish()
    }
}
