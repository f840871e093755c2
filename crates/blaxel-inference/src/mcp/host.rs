//! The kinds of resources that have MCP servers.

use blaxel_core::__private::workload::{Resource, get_function, get_sandbox};
use blaxel_core::{Error, HttpService, OperationInfo, Plane};
use http::Method;

/// The path of the MCP endpoint below a workload's address.
pub(super) const SUFFIX: &str = "mcp";

/// The requests of a session.
pub(super) struct Operations {
    /// Sends one message to the server. Its effect is unknown, so it is not idempotent.
    pub(super) call: OperationInfo,
    /// Receives messages of the server that are not responses, and resumes an interrupted response.
    pub(super) listen: OperationInfo,
    /// Ends the session.
    pub(super) end: OperationInfo,
    /// Opens a connection for a session by WebSocket.
    #[cfg(feature = "mcp-websocket")]
    pub(super) open: OperationInfo,
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
            #[cfg(feature = "mcp-websocket")]
            open: OperationInfo::new("OpenMcpServer", Method::GET, path)
                .with_plane(Plane::Run)
                .streaming(),
        }
    }
}

/// The kind of resource that has an MCP server.
#[derive(Clone, Copy)]
pub(super) enum Host {
    Function,
    Sandbox,
}

impl Host {
    pub(super) fn operations(self) -> &'static Operations {
        static FUNCTION: Operations = Operations::at("/functions/{functionName}");
        static SANDBOX: Operations = Operations::at("/sandboxes/{sandboxName}");
        match self {
            Self::Function => &FUNCTION,
            Self::Sandbox => &SANDBOX,
        }
    }

    /// Reads the resource `name`.
    pub(super) async fn resource(
        self,
        service: &impl HttpService,
        name: &str,
    ) -> Result<Resource, Error> {
        match self {
            Self::Function => get_function(service, name).await,
            Self::Sandbox => get_sandbox(service, name).await,
        }
    }
}
