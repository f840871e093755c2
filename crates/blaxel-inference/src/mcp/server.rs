//! A handle on a server, before a session is started.

use std::fmt;
use std::sync::Arc;

use blaxel_core::__private::WithOptions;
use blaxel_core::__private::workload::{Target, WorkloadAddress};
use blaxel_core::{Error, HttpService};

use super::client::McpClient;
use super::host::Host;
use super::model::Notification;
use super::session;
use super::shared::{Listener, Shared};
use crate::setters::target_setters;

/// A handle on an MCP server. It is obtained from [`Inference::function`](crate::Inference::function)
/// or [`Inference::sandbox`](crate::Inference::sandbox).
///
/// The setters apply to all requests of the handle and of the sessions that it starts.
#[derive(Clone)]
pub struct McpServer<S> {
    service: S,
    target: Target,
    host: Host,
    client: (String, String),
    listener: Option<Listener>,
}

impl<S: HttpService> McpServer<S> {
    fn new(
        service: S,
        name: String,
        override_address: Option<WorkloadAddress>,
        host: Host,
    ) -> Self {
        let own = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self {
            service,
            target: Target::new(name, override_address),
            host,
            client: (own.0.to_owned(), own.1.to_owned()),
            listener: None,
        }
    }

    pub(crate) fn function(
        service: S,
        name: String,
        override_address: Option<WorkloadAddress>,
    ) -> Self {
        Self::new(service, name, override_address, Host::Function)
    }

    pub(crate) fn sandbox(
        service: S,
        name: String,
        override_address: Option<WorkloadAddress>,
    ) -> Self {
        Self::new(service, name, override_address, Host::Sandbox)
    }

    /// Looks up the server's own address, its `metadata.url`, and returns the handle with it
    /// (`GET /functions/{functionName}` or `GET /sandboxes/{sandboxName}`).
    ///
    /// Nothing is sent if an address is already known. A server without an address of its own is called
    /// under the origin of the run plane. See [`Inference::sandbox`](crate::Inference::sandbox) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such function or sandbox, and the other errors of a read.
    pub async fn resolve(mut self) -> Result<Self, Error> {
        if !self.target.has_address() {
            let service = WithOptions::new(self.service.clone(), self.target.options());
            let resource = self.host.resource(&service, self.target.name()).await?;
            self.target.set_address(resource.address());
        }
        Ok(self)
    }

    target_setters!();

    /// Sets the name and version that the client sends to the server. The default is those of this crate.
    #[must_use]
    pub fn client_info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.client = (name.into(), version.into());
        self
    }

    /// Sets a function that is called with each notification of the server, in order of arrival. It must not
    /// block. The progress of a call goes to [`ToolCall::on_progress`] instead, if that is set.
    ///
    /// A stream for notifications is kept open only if there is a listener (`GET .../mcp`): it keeps the
    /// server awake. A server that offers no such stream is accepted.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// let mcp = inference
    ///     .function("search")
    ///     .client_info("my-app", "1.0")
    ///     .on_notification(|notification| println!("{}", notification.method))
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`ToolCall::on_progress`]: super::ToolCall::on_progress
    #[must_use]
    pub fn on_notification(
        mut self,
        listener: impl Fn(Notification) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Starts a session (`POST /{workspace}/functions/{functionName}/mcp` with `initialize`, or the same below
    /// the address of the handle).
    ///
    /// It requires a tokio runtime with its timer enabled, on which two tasks serve the session until the
    /// client is closed or dropped. It is cancel safe: if the future is dropped, no session and no task remains.
    ///
    /// The time limit on a call applies to the start of the session as a whole.
    ///
    /// See [`on_notification`](Self::on_notification) for an example.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no such server, [`Error::is_unavailable`] if it cannot
    /// respond now; [`Error::is_timeout`] if it does not start the session in time; [`Error::is_input`] outside of a
    /// tokio runtime with its timer enabled; a [`JsonRpcError`](super::JsonRpcError) if the server refuses;
    /// [`Error::is_decode`] if it is not an MCP server.
    pub async fn connect(&self) -> Result<McpClient, Error> {
        let (target, listener) = (self.target.clone(), self.listener.clone());
        let shared = Shared::new(target, self.host.operations(), listener);
        session::start(self.service.clone().boxed(), shared, self.client.clone()).await
    }

    /// Starts a session by WebSocket, for a server that does not speak streamable HTTP
    /// (`GET /{workspace}/functions/{functionName}` with an upgrade, or the same at the address of the handle).
    ///
    /// The messages are those of [`connect`](Self::connect), each in a text, and so are the limits: 32 MiB for a
    /// message, and the time limit of each call. A server that is silent for a minute, and does not answer a ping after
    /// half of it, counts as gone. The credential is sent in the headers of the request for the upgrade, which needs a
    /// service that upgrades connections, such as `blaxel_transport::Client`.
    ///
    /// The session is that of its connection. If it is cut, the calls in flight fail, and
    /// [`Error::maybe_applied`] says that they may have been executed; further calls fail without being sent. Connect
    /// again then.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(inference: blaxel_inference::Inference<impl HttpService>) -> Result<(), Error> {
    /// let server = inference.function("search").resolve().await?;
    /// let mcp = match server.connect().await {
    ///     // An old server, which speaks WebSocket alone.
    ///     Err(error) if error.is_not_found() || error.is_decode() => server.connect_websocket().await?,
    ///     connected => connected?,
    /// };
    /// println!("{}", mcp.server_info().name);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and [`Error::is_decode`] if the server or the service cannot upgrade the
    /// connection. A server that speaks streamable HTTP only mostly responds with an error status; the error then says
    /// so.
    #[cfg(feature = "mcp-websocket")]
    #[cfg_attr(docsrs, doc(cfg(feature = "mcp-websocket")))]
    pub async fn connect_websocket(&self) -> Result<McpClient, Error> {
        let (target, listener) = (self.target.clone(), self.listener.clone());
        let shared = Shared::new(target, self.host.operations(), listener);
        session::start_on_websocket(self.service.clone().boxed(), shared, self.client.clone()).await
    }
}

impl<S> fmt::Debug for McpServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("McpServer")
            .field(&self.target.name())
            .finish()
    }
}
