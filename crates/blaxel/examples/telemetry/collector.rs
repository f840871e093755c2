//! A collector for OTLP over HTTP with JSON, which keeps what it receives.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A collector in this process. It refuses the first token that it sees, as one that has expired.
pub(crate) struct Collector {
    url: String,
    received: Received,
    task: JoinHandle<()>,
}

/// An export that was received.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// `traces`, `metrics` or `logs`.
    pub(crate) signal: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) is_accepted: bool,
}

/// A span that was received.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    /// The type of the span, such as `agent.run`; empty for the spans of libraries.
    pub(crate) kind: String,
    pub(crate) trace: String,
    /// The workload that the span belongs to.
    pub(crate) workload: Option<String>,
}

#[derive(Clone, Default)]
struct Received {
    exports: Arc<Mutex<Vec<Export>>>,
    has_refused: Arc<AtomicBool>,
}

impl Collector {
    /// Starts the collector on a free port of this machine.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let received = Received::default();
        let router = Router::new()
            .route("/v1/{signal}", post(receive))
            .with_state(received.clone());
        let task = tokio::spawn(async {
            // It runs until the collector is dropped.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            url,
            received,
            task,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the exports, in order of arrival.
    pub(crate) fn exports(&self) -> Vec<Export> {
        let exports = self.received.exports.lock();
        exports.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns all accepted exports as one text.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.exports()
            .iter()
            .map(|export| export.body.to_string())
            .collect()
    }

    /// Returns the spans of all accepted exports.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let exports = self.exports();
        let traces = exports
            .iter()
            .filter(|export| export.is_accepted && export.signal == "traces");
        let scopes = traces
            .flat_map(|export| items(&export.body["resourceSpans"]))
            .flat_map(|resource| items(&resource["scopeSpans"]));
        scopes
            .flat_map(|scope| items(&scope["spans"]))
            .map(Span::read)
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Export {
    /// Returns an attribute of the resource.
    pub(crate) fn resource(&self, key: &str) -> Option<&str> {
        let resources = ["resourceSpans", "resourceMetrics", "resourceLogs"];
        let mut resources = resources.iter().flat_map(|name| items(&self.body[*name]));
        attribute(&resources.next()?["resource"], key)
    }
}

impl Span {
    fn read(span: &Value) -> Self {
        let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            kind: attribute(span, "span.type").unwrap_or_default().to_owned(),
            trace: text("traceId"),
            workload: attribute(span, "workload.id").map(str::to_owned),
        }
    }
}

async fn receive(
    State(received): State<Received>,
    Path(signal): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let is_accepted = received.has_refused.swap(true, Ordering::Relaxed);
    let export = Export {
        signal,
        headers,
        body,
        is_accepted,
    };
    let exports = received.exports.lock();
    exports.unwrap_or_else(PoisonError::into_inner).push(export);
    match is_accepted {
        true => (StatusCode::OK, Json(json!({}))),
        false => (
            StatusCode::UNAUTHORIZED,
            Json(json!({"message": "the token has expired"})),
        ),
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Returns the text of an attribute.
fn attribute<'a>(holder: &'a Value, key: &str) -> Option<&'a str> {
    let mut attributes = items(&holder["attributes"]);
    attributes.find(|it| it["key"] == key)?["value"]["stringValue"].as_str()
}
