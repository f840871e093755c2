//! Requests to a server on a local guest.

use axum::body::{Body, to_bytes};
use axum::response::Response;
use blaxel_guest::Server;
use http::{Method, Request};
use serde_json::Value;
use tower_service::Service as _;

pub(crate) async fn send(server: &Server, method: Method, path: &str, body: Value) -> Response {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(body.to_string())).unwrap();
    server.router().call(request).await.unwrap()
}

/// Sends a request, and returns the JSON of the response.
pub(crate) async fn call(server: &Server, method: Method, path: &str, body: Value) -> Value {
    let response = send(server, method, path, body).await;
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
