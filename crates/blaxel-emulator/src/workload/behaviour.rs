//! How a workload may answer.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::chunks::Chunks;

/// How a workload behaves at a call.
///
/// ```
/// use std::time::Duration;
/// use blaxel_emulator::{Behaviour, Chunks};
/// use http::StatusCode;
/// use serde_json::json;
///
/// let busy = Behaviour::json(json!({"error": "busy"})).status(StatusCode::TOO_MANY_REQUESTS);
/// let slow = Behaviour::text("At last.").after(Duration::from_millis(200));
/// let lines = Behaviour::ndjson(Chunks::new().then("{\"n\": 1}\n").then("{\"n\": 2}\n"));
/// # let _ = (busy, slow, lines);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Behaviour {
    pub(crate) action: Action,
    pub(crate) wait: Duration,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// What the workload does without a script.
    Usual,
    /// What it says, in the form in which it says things.
    Say(ScriptedReply),
    Whole(Bytes),
    Stream(Chunks),
    /// The gateway refuses, and the workload is not reached.
    Gateway {
        status: StatusCode,
        code: String,
        retryable: bool,
    },
}

/// What a workload is told to say.
#[derive(Clone, Debug)]
pub(crate) enum ScriptedReply {
    Text(String),
    /// The tools a model calls: their names and arguments.
    Calls(Vec<(String, Value)>),
}

impl Behaviour {
    fn new(action: Action) -> Self {
        Self {
            action,
            wait: Duration::ZERO,
            status: StatusCode::OK,
            headers: Vec::new(),
        }
    }

    fn typed(self, content_type: &'static str) -> Self {
        self.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// What the workload does without a script.
    pub fn usual() -> Self {
        Self::new(Action::Usual)
    }

    /// An answer in JSON.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "lets the caller write `json!(..)` as the argument"
    )]
    pub fn json(body: Value) -> Self {
        Self::bytes(body.to_string()).typed("application/json")
    }

    /// An answer in plain text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::bytes(body.into()).typed("text/plain; charset=utf-8")
    }

    /// An answer with any bytes and no content type; [`header`](Self::header) adds one.
    pub fn bytes(body: impl Into<Bytes>) -> Self {
        Self::new(Action::Whole(body.into()))
    }

    /// An answer that comes in chunks, with no content type; [`header`](Self::header) adds one.
    pub fn stream(chunks: Chunks) -> Self {
        Self::new(Action::Stream(chunks))
    }

    /// An answer that comes in chunks, as `text/event-stream`. The chunks are sent as they are: they
    /// need not be whole events, nor events at all.
    pub fn events(chunks: Chunks) -> Self {
        Self::stream(chunks).typed("text/event-stream")
    }

    /// An answer that comes in chunks, as `application/x-ndjson`.
    pub fn ndjson(chunks: Chunks) -> Self {
        Self::stream(chunks).typed("application/x-ndjson")
    }

    /// What an agent or a model says instead of its own words, in the form of the request's dialect,
    /// whole or streamed as the request asks. A function says nothing, and does what it usually does.
    pub fn say(text: impl Into<String>) -> Self {
        Self::new(Action::Say(ScriptedReply::Text(text.into())))
    }

    /// A model calls a tool, in the form of the request's dialect, whole or streamed as the request
    /// asks. [`and_call`](Self::and_call) adds another. Where the request offers no tools the model
    /// answers in words, as an agent does always.
    pub fn call_tool(name: impl Into<String>, arguments: Value) -> Self {
        Self::new(Action::Say(ScriptedReply::Calls(vec![(
            name.into(),
            arguments,
        )])))
    }

    /// Adds a call of another tool to that of [`call_tool`](Self::call_tool). Any other behaviour stays
    /// as it is.
    pub fn and_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        if let Action::Say(ScriptedReply::Calls(calls)) = &mut self.action {
            calls.push((name.into(), arguments));
        }
        self
    }

    /// The gateway refuses with a code of its own, and the workload is not reached.
    pub fn gateway(status: StatusCode, code: impl Into<String>, retryable: bool) -> Self {
        Self::new(Action::Gateway {
            status,
            code: code.into(),
            retryable,
        })
    }

    /// The workload is cold: the gateway answers 404 with `WORKLOAD_UNAVAILABLE`, which is retryable.
    pub fn unavailable() -> Self {
        Self::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true)
    }

    /// The status of an answer that is written out, 200 unless set. The answers of
    /// [`usual`](Self::usual), [`say`](Self::say) and [`call_tool`](Self::call_tool) have their own.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a header to an answer that is written out.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Lets the workload begin its answer late by this much real time. Needs a tokio runtime with
    /// timers. The gateway is never late.
    pub fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// What it does, and the head of the answer that is written out.
    pub(crate) fn into_parts(self) -> (Action, Head) {
        (self.action, Head(self.status, self.headers))
    }
}

/// The head of an answer that is written out.
pub(crate) struct Head(StatusCode, Vec<(HeaderName, HeaderValue)>);

impl Head {
    /// The answer, with this body.
    pub(crate) fn with(self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = self.0;
        for (name, value) in self.1 {
            response.headers_mut().append(name, value);
        }
        response
    }
}
