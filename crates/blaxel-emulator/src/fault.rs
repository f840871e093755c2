//! Faults that a test injects into the requests of an operation.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::errors::ErrorResponse;
use crate::lock::lock;

/// A fault that a request meets: a wrong response, a closed connection or a delay. Added by
/// [`Emulator::fault`](crate::Emulator::fault).
///
/// ```
/// use blaxel_emulator::{Emulator, Fault};
/// use http::{StatusCode, header::{HeaderValue, RETRY_AFTER}};
/// use serde_json::json;
///
/// let emulator = Emulator::offline();
/// let busy = Fault::json(StatusCode::SERVICE_UNAVAILABLE, json!({"code": 503, "error": "busy"}))
///     .header(RETRY_AFTER, HeaderValue::from_static("1"));
/// emulator.fault("ListModels", busy, 2)?;
/// emulator.fault("CreateAgent", Fault::disconnect().after_processing(), 1)?;
/// # Ok::<(), blaxel_emulator::UnknownOperation>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    action: Action,
    headers: Vec<(HeaderName, HeaderValue)>,
    after_processing: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Respond(StatusCode, Bytes),
    Gateway {
        status: StatusCode,
        code: String,
        retryable: bool,
    },
    Disconnect,
    Delay(Duration),
}

impl Fault {
    fn new(action: Action) -> Self {
        Self {
            action,
            headers: Vec::new(),
            after_processing: false,
        }
    }

    /// Creates a response with any bytes and no content type. [`header`](Self::header) adds one.
    ///
    /// ```
    /// use blaxel_emulator::Fault;
    /// use http::StatusCode;
    ///
    /// let truncated = Fault::response(StatusCode::OK, "{\"data\": [");
    /// let cdn_error = Fault::html(StatusCode::BAD_GATEWAY);
    /// let cold = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    /// # let _ = (truncated, cdn_error, cold);
    /// ```
    pub fn response(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(Action::Respond(status, body.into()))
    }

    /// Creates a JSON response. See [`Fault`] for an example.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "lets the caller write `json!(..)` as the argument"
    )]
    pub fn json(status: StatusCode, body: Value) -> Self {
        Self::response(status, body.to_string()).header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )
    }

    /// Creates an HTML page, as a content delivery network returns it if it cannot reach the
    /// platform. See [`response`](Self::response).
    #[must_use]
    pub fn html(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let code = status.as_u16();
        let page = format!(
            "<html><head><title>{code} {title}</title></head><body><h1>{code} {title}</h1></body></html>"
        );
        Self::response(status, page)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))
    }

    /// Creates an error of the gateway in front of the workloads, such as `WORKLOAD_UNAVAILABLE`
    /// with status 404. See [`response`](Self::response).
    pub fn gateway(status: StatusCode, code: impl Into<String>, retryable: bool) -> Self {
        Self::new(Action::Gateway {
            status,
            code: code.into(),
            retryable,
        })
    }

    /// Closes the connection without a response. See [`Fault`] for an example.
    #[must_use]
    pub fn disconnect() -> Self {
        Self::new(Action::Disconnect)
    }

    /// Delays the normal response by this much real time. Needs a tokio runtime with timers.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let slow = blaxel_emulator::Fault::delay(Duration::from_millis(300));
    /// # let _ = slow;
    /// ```
    #[must_use]
    pub fn delay(by: Duration) -> Self {
        Self::new(Action::Delay(by))
    }

    /// Adds a header to the response. See [`Fault`] for an example.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Applies the fault only after the operation has taken place, as if the response alone had
    /// been lost. See [`Fault`] for an example.
    #[must_use]
    pub fn after_processing(mut self) -> Self {
        self.after_processing = true;
        self
    }

    pub(crate) fn is_after_processing(&self) -> bool {
        self.after_processing
    }

    /// Returns the delay of the normal response, if that is the fault.
    pub(crate) fn lateness(&self) -> Option<Duration> {
        match self.action {
            Action::Delay(by) => Some(by),
            _ => None,
        }
    }

    /// Returns the faulty response. A delay has none of its own and returns the given `response`.
    pub(crate) fn apply(self, answer: Option<Response>, now: &str) -> Response {
        let mut response = match self.action {
            Action::Respond(status, body) => {
                let mut response = Response::new(body.into());
                *response.status_mut() = status;
                response
            }
            Action::Gateway {
                status,
                code,
                retryable,
            } => ErrorResponse::envelope(
                status,
                &code,
                "a fault requested by the test",
                retryable,
                now,
            )
            .into_response(),
            Action::Disconnect => {
                let mut response = StatusCode::BAD_GATEWAY.into_response();
                response.extensions_mut().insert(Disconnected);
                response
            }
            Action::Delay(_) => answer.unwrap_or_default(),
        };
        response.headers_mut().extend(self.headers);
        response
    }
}

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disconnected;

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed by an injected fault")
    }
}

impl std::error::Error for Disconnected {}

/// The error for an operation that the emulator does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOperation {
    pub(crate) name: String,
    pub(crate) known: Vec<&'static str>,
}

impl fmt::Display for UnknownOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown operation `{}`: the emulator serves {}",
            self.name,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownOperation {}

/// The faults that are still to be applied, by operation, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Faults(Mutex<HashMap<String, VecDeque<(Fault, u32)>>>);

impl Faults {
    pub(crate) fn add(&self, operation: &str, fault: Fault, times: u32) {
        if times > 0 {
            let mut waiting = lock(&self.0);
            waiting
                .entry(operation.to_owned())
                .or_default()
                .push_back((fault, times));
        }
    }

    pub(crate) fn take(&self, operation: &str) -> Option<Fault> {
        let mut waiting = lock(&self.0);
        let queue = waiting.get_mut(operation)?;
        let (fault, times) = queue.front_mut()?;
        *times -= 1;
        if *times > 0 {
            return Some(fault.clone());
        }
        queue.pop_front().map(|(fault, _)| fault)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting_by_operation().values().sum()
    }

    /// Returns the number of faults that no request has met yet, by operation.
    pub(crate) fn waiting_by_operation(&self) -> BTreeMap<String, u32> {
        let waiting = lock(&self.0);
        let counts = waiting.iter().map(|(operation, faults)| {
            let count = faults.iter().map(|(_, times)| times).sum();
            (operation.clone(), count)
        });
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Removes all faults.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}
