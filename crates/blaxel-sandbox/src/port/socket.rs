//! [`WebSocketRequest`], a WebSocket to a port.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::__private::workload::Target;
use blaxel_core::{CallOptions, Error, HttpService, OperationInfo, Plane, RequestWriter};
use http::Method;

use super::route::{Route, check_header};
use crate::websocket::{Options, WebSocket};

/// Opens a WebSocket: `GET /port/{port}`.
static OPEN: OperationInfo =
    OperationInfo::new("OpenPortSocket", Method::GET, "/port/{port}").with_plane(Plane::Run);

/// A WebSocket to a port that is about to be opened. [`PortService::websocket`](super::PortService::websocket) creates
/// it.
#[must_use = "nothing is sent until `connect` is called"]
pub struct WebSocketRequest<S> {
    route: Route<S>,
    path: String,
    additions: Target,
    settings: Options,
    invalid: Option<Error>,
}

impl<S: HttpService> WebSocketRequest<S> {
    pub(super) fn new(route: Route<S>, path: String) -> Self {
        Self {
            route,
            path,
            additions: Target::default(),
            settings: Options::new(),
            invalid: None,
        }
    }

    /// Adds a header to the handshake, such as `Origin`. The credential cannot be replaced.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        if let Err(error) = check_header(&name) {
            self.invalid.get_or_insert(error);
        }
        self.additions.add_header(name, value);
        self
    }

    /// Adds a query parameter to those of the path. The value is escaped; a name may be added several times.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.additions.add_query(name, value);
        self
    }

    /// Adds a subprotocol to offer, after those added before. None by default.
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.settings = self.settings.protocol(protocol);
        self
    }

    /// Sets the settings of the WebSocket, such as its limits. They replace the subprotocols added before.
    pub fn settings(mut self, settings: Options) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the options of the handshake. They replace those of the port, of the sandbox and of the client.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.route = self.route.with_options(options);
        self
    }

    /// Opens the WebSocket.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a reserved port and if a part of the request is invalid; the error of the program, or of
    /// the platform if nothing listens on the port, if the handshake is refused; and the other errors of
    /// [`WebSocket::connect`].
    pub async fn connect(self) -> Result<WebSocket, Error> {
        let service = self.route.service().clone();
        let settings = self.settings.clone();
        let request = self
            .write()
            .map_err(|error| error.in_operation(Some(&OPEN)))?;
        WebSocket::connect(&service, request, settings).await
    }

    fn write(self) -> Result<RequestWriter, Error> {
        if let Some(error) = self.invalid {
            return Err(error);
        }
        let mut request = self.route.start(&OPEN, &self.path)?;
        self.additions.write_additions(&mut request)?;
        Ok(request)
    }
}

impl<S> fmt::Debug for WebSocketRequest<S> {
    /// Formats the destination without its query, and never headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        f.debug_struct("WebSocketRequest")
            .field("route", &self.route)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}
