//! [`Behavior`], the response of a workload to one call.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::chunks::Chunks;

/// The response of a workload to a call. Planned by a [`Script`](crate::Script).
///
/// ```
/// use std::time::Duration;
/// use blaxel_emulator::{Behavior, Chunks};
/// use http::StatusCode;
/// use serde_json::json;
///
/// let busy = Behavior::json(json!({"error": "busy"})).status(StatusCode::TOO_MANY_REQUESTS);
/// let slow = Behavior::text("At last.").after(Duration::from_millis(200));
/// let lines = Behavior::ndjson(Chunks::new().then("{\"n\": 1}\n").then("{\"n\": 2}\n"));
/// # let _ = (busy, slow, lines);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Behavior {
    pub(crate) action: Action,
    pub(crate) wait: Duration,
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// The response without a script.
    Usual,
    /// A reply in the format of the request's dialect.
    Say(ScriptedReply),
    Whole(Bytes),
    Stream(Chunks),
    /// An error of the gateway. The workload is not reached.
    Gateway {
        status: StatusCode,
        code: String,
        retryable: bool,
    },
}

/// The contents of a scripted reply.
#[derive(Clone, Debug)]
pub(crate) enum ScriptedReply {
    Text(String),
    /// The tools that a model calls: their names and arguments.
    Calls(Vec<(String, Value)>),
}

impl Behavior {
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

    /// Returns the behavior without a script.
    pub fn usual() -> Self {
        Self::new(Action::Usual)
    }

    /// Creates a JSON response. See [`Behavior`] for an example.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "lets the caller write `json!(..)` as the argument"
    )]
    pub fn json(body: Value) -> Self {
        Self::bytes(body.to_string()).typed("application/json")
    }

    /// Creates a plain-text response. See [`Behavior`] for an example.
    pub fn text(body: impl Into<String>) -> Self {
        Self::bytes(body.into()).typed("text/plain; charset=utf-8")
    }

    /// Creates a response with any bytes and no content type. [`header`](Self::header) adds one.
    ///
    /// ```
    /// use blaxel_emulator::Behavior;
    /// use http::header::{CONTENT_TYPE, HeaderValue};
    ///
    /// let png = Behavior::bytes(&b"\x89PNG"[..])
    ///     .header(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    /// # let _ = png;
    /// ```
    pub fn bytes(body: impl Into<Bytes>) -> Self {
        Self::new(Action::Whole(body.into()))
    }

    /// Creates a response that is sent chunk by chunk, with no content type.
    /// [`header`](Self::header) adds one.
    ///
    /// ```
    /// use blaxel_emulator::{Behavior, Chunks};
    ///
    /// let stream = Behavior::stream(["a", "b"].into_iter().collect::<Chunks>());
    /// let events = Behavior::events(Chunks::new().then("data: half an ev").then("ent\n\n"));
    /// # let _ = (stream, events);
    /// ```
    pub fn stream(chunks: Chunks) -> Self {
        Self::new(Action::Stream(chunks))
    }

    /// Creates a response with the content type `text/event-stream`. The chunks are sent as they
    /// are and need not be whole events, nor events at all. See [`stream`](Self::stream).
    pub fn events(chunks: Chunks) -> Self {
        Self::stream(chunks).typed("text/event-stream")
    }

    /// Creates a response with the content type `application/x-ndjson`. See [`Behavior`] for an
    /// example.
    pub fn ndjson(chunks: Chunks) -> Self {
        Self::stream(chunks).typed("application/x-ndjson")
    }

    /// Replaces the text that an agent or a model replies with.
    ///
    /// The response has the format of the request's dialect and is streamed if the request asks for
    /// it. A function ignores this and behaves as usual.
    ///
    /// ```
    /// use blaxel_emulator::Behavior;
    /// use serde_json::json;
    ///
    /// let text = Behavior::say("It rains.");
    /// let tools = Behavior::call_tool("weather", json!({"city": "Oslo"}))
    ///     .and_call("weather", json!({"city": "Bergen"}));
    /// # let _ = (text, tools);
    /// ```
    pub fn say(text: impl Into<String>) -> Self {
        Self::new(Action::Say(ScriptedReply::Text(text.into())))
    }

    /// Makes a model call a tool. [`and_call`](Self::and_call) adds another.
    ///
    /// The response has the format of the request's dialect and is streamed if the request asks for
    /// it. If the request offers no tools the model replies with its usual text; an agent always
    /// does. See [`say`](Self::say).
    pub fn call_tool(name: impl Into<String>, arguments: Value) -> Self {
        Self::new(Action::Say(ScriptedReply::Calls(vec![(
            name.into(),
            arguments,
        )])))
    }

    /// Adds a call of another tool to that of [`call_tool`](Self::call_tool). Any other behavior
    /// is unchanged. See [`say`](Self::say).
    pub fn and_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        if let Action::Say(ScriptedReply::Calls(calls)) = &mut self.action {
            calls.push((name.into(), arguments));
        }
        self
    }

    /// Creates an error of the gateway with any code. The workload is not reached.
    ///
    /// ```
    /// use blaxel_emulator::Behavior;
    /// use http::StatusCode;
    ///
    /// let limit = Behavior::gateway(StatusCode::PAYMENT_REQUIRED, "USAGE_LIMIT_EXCEEDED", false);
    /// let cold = Behavior::unavailable();
    /// # let _ = (limit, cold);
    /// ```
    pub fn gateway(status: StatusCode, code: impl Into<String>, retryable: bool) -> Self {
        Self::new(Action::Gateway {
            status,
            code: code.into(),
            retryable,
        })
    }

    /// Creates the error of a cold workload: 404 with the code `WORKLOAD_UNAVAILABLE`, which is
    /// retryable. See [`gateway`](Self::gateway).
    pub fn unavailable() -> Self {
        Self::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true)
    }

    /// Sets the status of a response whose body is given. The default is 200.
    /// [`usual`](Self::usual), [`say`](Self::say) and [`call_tool`](Self::call_tool) have their own
    /// status. See [`Behavior`] for an example.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a header to a response whose body is given. See [`bytes`](Self::bytes) for an example.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Delays the start of the workload's response by this much real time. Needs a tokio runtime
    /// with timers. Errors of the gateway are never delayed. No delay by default. See [`Behavior`]
    /// for an example.
    pub fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Splits the behavior into its action and the head of a response whose body is given.
    pub(crate) fn into_parts(self) -> (Action, Head) {
        (self.action, Head(self.status, self.headers))
    }
}

/// The status and headers of a response whose body is given.
pub(crate) struct Head(StatusCode, Vec<(HeaderName, HeaderValue)>);

impl Head {
    /// Returns the response with this body.
    pub(crate) fn with(self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = self.0;
        for (name, value) in self.1 {
            response.headers_mut().append(name, value);
        }
        response
    }
}
