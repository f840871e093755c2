//! The ports of a sandbox: HTTP requests and WebSockets to the programs that listen there.
//!
//! `route.rs` writes every request to a port, `request.rs` has the builder of requests and `service.rs` the tower
//! service. `refusal.rs` tells the responses of the platform from those of the program.

#[cfg(feature = "wait")]
mod ready;
mod refusal;
mod reply;
mod request;
mod route;
mod service;
#[cfg(feature = "websocket")]
mod socket;

use std::fmt;

use blaxel_core::{CallOptions, HttpService};
use http::Method;

use self::route::Route;

pub use self::reply::PortReply;
pub use self::request::PortRequest;
#[cfg(feature = "websocket")]
pub use self::socket::WebSocketRequest;
use crate::sandbox::SandboxHandle;

impl<S: HttpService> SandboxHandle<S> {
    /// Returns the program that listens on a port of the sandbox. Nothing is sent before it is used.
    ///
    /// The port must be declared when the sandbox is created, with `Sandbox::port`. The sandbox itself uses the ports
    /// 80, 443 and 8080; a request to one of them fails.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let page = sandbox.port(3000).get("/").await?;
    /// println!("{} {}", page.status(), page.text().await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn port(&self, port: u16) -> PortService<S> {
        PortService {
            route: Route::new(self.remote().clone(), port),
        }
    }
}

/// A program that listens on a port of a sandbox. [`SandboxHandle::port`] returns it.
///
/// Requests are sent to `/port/{port}` of the sandbox, with its credential or the token of its session. Any response of
/// the program is returned, also one with an error status. If the platform responds instead, because nothing listens on
/// the port or the sandbox is not there, the call fails.
///
/// # As a service
///
/// It is a [`tower_service::Service`] over `http::Request`, for proxies and generated clients. The path and the query
/// of the request go to the program, and its scheme and host are ignored. Requests can come from anybody:
///
/// - Headers that describe a connection, the header `Host`, and credentials of the platform are removed. The
///   transport removes the header `Authorization` too.
/// - The segments `.` and `..` are refused, also escaped ones, so that no path leads out of the port.
/// - Both bodies are streamed, and the response is returned as soon as its headers are received.
///
/// It cannot upgrade connections; `websocket` does.
///
/// ```no_run
/// # use blaxel_core::{Error, HttpService};
/// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
/// use blaxel_core::Body;
/// use tower::ServiceExt;
///
/// let request = http::Request::get("/search?q=rust").body(Body::empty()).unwrap();
/// let response = sandbox.port(3000).oneshot(request).await?;
/// println!("{}", response.status());
/// # Ok(())
/// # }
/// ```
pub struct PortService<S> {
    route: Route<S>,
}

impl<S: HttpService> PortService<S> {
    /// Returns the number of the port.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.route.port()
    }

    /// Sets the options of all requests to the port. They replace those of the sandbox and of the client.
    #[must_use]
    pub fn options(self, options: CallOptions) -> Self {
        Self {
            route: self.route.with_options(options),
        }
    }

    /// Prepares a `GET` of a path. See [`request`](Self::request).
    pub fn get(&self, path: impl Into<String>) -> PortRequest<S> {
        self.request(Method::GET, path)
    }

    /// Prepares a `POST` to a path. See [`request`](Self::request).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let port = sandbox.port(3000);
    /// let reply = port.post("/items").json(&serde_json::json!({"name": "a"})).send().await?;
    /// let item: serde_json::Value = reply.error_for_status().await?.json().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn post(&self, path: impl Into<String>) -> PortRequest<S> {
        self.request(Method::POST, path)
    }

    /// Prepares a request with any method but `CONNECT` (`/port/{port}/{path}`).
    ///
    /// The path may have a query. Both are written as in a URL: escapes are kept, and characters that a URL cannot
    /// contain are escaped.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// use http::Method;
    ///
    /// let port = sandbox.port(3000);
    /// let reply = port.request(Method::DELETE, "/items/7?force=1").send().await?;
    /// println!("{}", reply.status());
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: impl Into<String>) -> PortRequest<S> {
        PortRequest::new(self.route.clone(), method, path.into())
    }

    /// Prepares a WebSocket to a path, which is written as that of [`request`](Self::request).
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # async fn example(sandbox: blaxel_sandbox::SandboxHandle<impl HttpService>) -> Result<(), Error> {
    /// let mut socket = sandbox.port(3000).websocket("/feed").protocol("v1").connect().await?;
    /// socket.send("hello").await?;
    /// while let Some(message) = socket.try_next().await? {
    ///     println!("{message:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "websocket")]
    #[cfg_attr(docsrs, doc(cfg(feature = "websocket")))]
    pub fn websocket(&self, path: impl Into<String>) -> WebSocketRequest<S> {
        WebSocketRequest::new(self.route.clone(), path.into())
    }
}

impl<S: Clone> Clone for PortService<S> {
    fn clone(&self) -> Self {
        Self {
            route: self.route.clone(),
        }
    }
}

impl<S> fmt::Debug for PortService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PortService").field(&self.route).finish()
    }
}
