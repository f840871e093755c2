//! A sandbox for tests, called without a socket.

use axum::body::{Body, Bytes, to_bytes};
use blaxel_guest::{Builder, Clock, Server, ServerVersion, SimulatedGuest};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower_service::Service as _;

/// A server whose clock stands still.
pub(crate) struct Sandbox(pub(crate) Server);

/// A response that has been read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn august() -> Self {
        Self::with(|builder| builder.version(ServerVersion::August))
    }

    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = Server::builder(SimulatedGuest::new(Clock::standing()));
        Self(set(builder).build())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.router().call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Sends a request with a body; `call` is a method and a path, such as `GET /health`.
    pub(crate) async fn call(&self, call: &str, body: impl Into<Body>) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&format!("GET {path}"), Body::empty()).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
