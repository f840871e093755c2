//! Helpers of the tests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel_core::{Body, CallContext, CallOptions, Error, HttpService};
use blaxel_emulator::Emulator;
use blaxel_inference::Inference;
use blaxel_inference::mcp::McpServer;
use serde_json::{Value, json};

/// Creates an emulator with two functions.
pub(crate) fn emulator() -> Emulator {
    let emulator = Emulator::offline();
    for name in ["search", "deep-thought"] {
        emulator.add("functions", name).unwrap();
    }
    emulator
}

pub(crate) fn function(emulator: &Emulator, name: &str) -> McpServer<impl HttpService + use<>> {
    Inference::new(emulator.service()).function(name)
}

/// Waits until a condition holds, for at most ten seconds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("timed out waiting until {what}");
}

/// A request as a scripted server received it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: http::Method,
    pub(crate) uri: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) options: CallOptions,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the method of the message in the body.
    pub(crate) fn message(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }
}

pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;

pub(crate) fn seen(log: &Log) -> Vec<Seen> {
    log.lock().unwrap().clone()
}

/// Creates a server that responds by a function, and the log of its requests.
pub(crate) fn script(
    respond: impl Fn(&Seen) -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> (impl HttpService, Log) {
    let log = Log::default();
    let written = Arc::clone(&log);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let options = CallContext::of(request.extensions()).unwrap().options();
        let (head, body) = request.into_parts();
        let seen = Seen {
            method: head.method,
            uri: head.uri.to_string(),
            headers: head.headers,
            options,
            body: serde_json::from_slice(&body.bytes().unwrap()).unwrap_or_default(),
        };
        let response = respond(&seen);
        written.lock().unwrap().push(seen);
        std::future::ready(Ok::<_, Error>(response))
    });
    (service, log)
}

pub(crate) fn empty(status: u16) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = status.try_into().unwrap();
    response
}

pub(crate) fn content(kind: &'static str, body: impl Into<Body>) -> http::Response<Body> {
    let mut response = http::Response::new(body.into());
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static(kind));
    response
}

/// Creates the response with the result of a request, as JSON.
pub(crate) fn result(seen: &Seen, result: Value) -> http::Response<Body> {
    let message = json!({"jsonrpc": "2.0", "id": seen.body["id"], "result": result});
    content("application/json", message.to_string())
}

/// Returns the response of a server without sessions to the first messages of a session; `None` for all
/// other messages.
pub(crate) fn greeting(seen: &Seen) -> Option<http::Response<Body>> {
    match seen.message() {
        "initialize" => Some(result(
            seen,
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "scripted", "version": "1"},
            }),
        )),
        "notifications/initialized" => Some(empty(202)),
        _ if seen.method != http::Method::POST => Some(empty(405)),
        _ => None,
    }
}

/// Creates a response with these events.
pub(crate) fn events(messages: &[(&str, Value)]) -> http::Response<Body> {
    let events = messages.iter().map(|(fields, message)| match message {
        Value::Null => format!("{fields}data: \n\n"),
        message => format!("{fields}data: {message}\n\n"),
    });
    content("text/event-stream", events.collect::<String>())
}

/// Returns the response of a server with sessions, which keeps a stream open, to messages that are not calls.
pub(crate) fn session(seen: &Seen) -> http::Response<Body> {
    if seen.method == http::Method::GET {
        return content("text/event-stream", Body::new(Silent));
    }
    let mut response = greeting(seen).unwrap_or_else(|| empty(202));
    if seen.message() == "initialize" {
        let id = http::HeaderValue::from_static("s-1");
        response.headers_mut().insert("mcp-session-id", id);
    }
    response
}

/// A body that sends nothing and does not end.
struct Silent;

impl http_body::Body for Silent {
    type Data = bytes::Bytes;
    type Error = Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Error>>> {
        std::task::Poll::Pending
    }
}
