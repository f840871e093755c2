//! The MCP servers of functions.

mod definitions;
mod server;
mod websocket;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use self::server::Function;
use crate::lock::lock;

/// A server with its sessions, which end when it is dropped.
pub(crate) type Service = StreamableHttpService<Function, LocalSessionManager>;

/// The servers of the functions that were called.
pub(crate) struct Servers {
    pause: Duration,
    running: Mutex<HashMap<String, Service>>,
}

impl Servers {
    /// Creates an empty set of servers. `pause` is the default pause between two steps of a slow
    /// tool.
    pub(crate) fn new(pause: Duration) -> Self {
        Self {
            pause,
            running: Mutex::default(),
        }
    }

    /// Returns the server of a function.
    pub(crate) fn of(&self, function: &str) -> Service {
        let mut running = lock(&self.running);
        if let Some(service) = running.get(function) {
            return service.clone();
        }
        let handler = Function::new(function, self.pause);
        let config = StreamableHttpServerConfig::default()
            // The gateway has checked the caller's credential before.
            .disable_allowed_hosts();
        let sessions = Arc::new(LocalSessionManager::default());
        let service = Service::new(move || Ok(handler.clone()), sessions, config);
        running.insert(function.to_owned(), service.clone());
        service
    }

    /// Returns the session of a function by WebSocket, which runs until one side ends it.
    pub(crate) fn websocket(
        &self,
        function: &str,
        connection: OnUpgrade,
    ) -> impl Future<Output = ()> + Send + use<> {
        let restart = self.of(function).config.cancellation_token.clone();
        let session = websocket::serve(Function::new(function, self.pause), connection);
        async move {
            tokio::select! {
                () = session => {}
                () = restart.cancelled() => {}
            }
        }
    }

    /// Ends all sessions.
    pub(crate) fn restart(&self) {
        for (_, service) in lock(&self.running).drain() {
            service.config.cancellation_token.cancel();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.restart();
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}
