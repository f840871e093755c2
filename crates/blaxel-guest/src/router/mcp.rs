//! The MCP server: the API of the sandbox as tools, over streamable HTTP.
//!
//! It has no sessions: each request is served on its own, and answered with a JSON document. The
//! tools do what the routes do, by the same functions.

mod arguments;
mod code;
mod files;
mod grep;
mod processes;
mod schema;
mod server;
mod tools;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

use self::server::Sandbox;
use super::call::Call;
use super::respond;
use super::route::Route;
use crate::version::ServerVersion;

/// The path of the server.
pub(super) const PATH: &str = "/mcp";

pub(super) const ROUTES: &[Route] = &[
    Route {
        operation: "CallSandboxMcp",
        method: Method::POST,
        pattern: PATH,
        since: ServerVersion::August,
        handler: |call| Box::pin(serve(call)),
    },
    Route {
        operation: "StreamSandboxMcp",
        method: Method::GET,
        pattern: PATH,
        since: ServerVersion::August,
        handler: |_| Box::pin(async { without_stream() }),
    },
];

async fn serve(call: Call) -> Response {
    if !accepts_both(&call.head.headers) {
        let problem = "the client must accept application/json and text/event-stream";
        return respond::text(
            StatusCode::BAD_REQUEST,
            "text/plain; charset=utf-8",
            problem,
        );
    }
    let sandbox = Sandbox(call.state);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        // The platform's edge has checked the caller before.
        .disable_allowed_hosts();
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(sandbox.clone()), sessions, config);
    let mut request = Request::from_parts(call.head, call.body);
    let headers = request.headers_mut();
    // The library knows no wildcards, and requires a host, which a request without a socket lacks.
    let both = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(ACCEPT, both);
    headers
        .entry(HOST)
        .or_insert(HeaderValue::from_static("localhost"));
    let mut response = service.handle(request).await.map(Body::new);
    if response.status() == StatusCode::OK {
        let uncached = HeaderValue::from_static("no-cache, no-transform");
        response.headers_mut().insert(CACHE_CONTROL, uncached);
    }
    response
}

/// Returns `true` if a client accepts a document as well as a stream, as the transport demands.
fn accepts_both(headers: &HeaderMap) -> bool {
    let (mut document, mut stream) = (false, false);
    let values = headers.get_all(ACCEPT).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let range = range.split(';').next().unwrap_or_default().trim();
        match range.to_ascii_lowercase().as_str() {
            "application/json" | "application/*" => document = true,
            "text/event-stream" | "text/*" => stream = true,
            "*/*" => (document, stream) = (true, true),
            _ => {}
        }
    }
    document && stream
}

fn without_stream() -> Response {
    let error = "there are no streams: send messages by POST";
    respond::json(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": error}))
}
