//! Faults that a test injects into the requests of an operation.

mod apply;
mod body;
mod describe;
mod saved;
mod waiting;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::apply::meet;
use self::body::Change;
pub(crate) use self::saved::SavedFault;
pub(crate) use self::waiting::{Faults, stands_for};

/// Stands for the first call of a sandbox on standby.
pub(crate) const WAKE_SANDBOX: &str = "WakeSandbox";

/// A fault that a request meets: a wrong response, a closed connection, a delay, or a change of the
/// usual response. Added by [`Emulator::fault`](crate::Emulator::fault).
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

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Respond(
        #[serde(with = "saved::status")] StatusCode,
        #[serde(with = "saved::text_or_base64")] Bytes,
    ),
    Gateway {
        #[serde(with = "saved::status")]
        status: StatusCode,
        code: String,
        retryable: bool,
    },
    /// End the connection, or the stream, without a response.
    Disconnect(Disconnected),
    Delay(Duration),
    /// Change the body of the usual response.
    Body(Change),
    /// Set a member of the usual response, named by a JSON pointer.
    Member(String, Value),
    /// Reverse the items of a list.
    Reverse,
    /// Show a resource as its last failed deployment left it.
    Outdate,
    /// Process the request twice.
    Twice,
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

    /// Closes the connection without a response, and with all other requests on it. See [`Fault`] for an
    /// example.
    #[must_use]
    pub fn disconnect() -> Self {
        Self::new(Action::Disconnect(Disconnected::Closed))
    }

    /// Refuses the request before it is processed: over HTTP/2, its stream is reset with the code
    /// `REFUSED_STREAM`, and the connection goes on. HTTP/1.1 has no such thing, so there the connection
    /// is closed.
    ///
    /// ```
    /// use blaxel_emulator::Fault;
    ///
    /// let refused = Fault::refused_stream();
    /// let too_fast = Fault::calm_down();
    /// # let _ = (refused, too_fast);
    /// ```
    #[must_use]
    pub fn refused_stream() -> Self {
        Self::new(Action::Disconnect(Disconnected::Refused))
    }

    /// Ends the connection, with all requests on it: over HTTP/2, by the frame `GOAWAY` with the code
    /// `ENHANCE_YOUR_CALM`, which does not tell whether they were processed. HTTP/1.1 has no such thing,
    /// so there the connection is closed. See [`refused_stream`](Self::refused_stream).
    #[must_use]
    pub fn calm_down() -> Self {
        Self::new(Action::Disconnect(Disconnected::Calmed))
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

    /// Closes the connection after so many bytes of the usual response's body. Over HTTP/2, only the
    /// stream ends.
    ///
    /// ```
    /// use blaxel_emulator::Fault;
    /// use serde_json::json;
    ///
    /// let cut = Fault::cut(100);
    /// let torn = Fault::byte_by_byte();
    /// let disturbed = Fault::insert(10, "[keepalive]\n");
    /// let outdated = Fault::member("/status", json!("FAILED"));
    /// let reordered = Fault::reversed();
    /// let repeated = Fault::twice();
    /// # let _ = (cut, torn, disturbed, outdated, reordered, repeated);
    /// ```
    #[must_use]
    pub fn cut(after: u64) -> Self {
        Self::new(Action::Body(Change::cut(after)))
    }

    /// Sends the first 4 KiB of the usual response's body byte by byte. See [`cut`](Self::cut).
    #[must_use]
    pub fn byte_by_byte() -> Self {
        Self::new(Action::Body(Change::split()))
    }

    /// Inserts bytes after so many bytes of the usual response's body. See [`cut`](Self::cut).
    pub fn insert(after: u64, bytes: impl Into<Bytes>) -> Self {
        Self::new(Action::Body(Change::insert(after, bytes.into())))
    }

    /// Sets a member of the usual response, if that is JSON and successful. The member is named by a
    /// JSON pointer, and the object that has it must exist. See [`cut`](Self::cut).
    pub fn member(pointer: impl Into<String>, value: Value) -> Self {
        Self::new(Action::Member(pointer.into(), value))
    }

    /// Reverses the items of a list, or of a page of it. See [`cut`](Self::cut).
    #[must_use]
    pub fn reversed() -> Self {
        Self::new(Action::Reverse)
    }

    /// Shows a resource as its last failed deployment left it: as `FAILED`, and without later events.
    pub(crate) fn outdated() -> Self {
        Self::new(Action::Outdate)
    }

    /// Processes the request twice, as if something between client and server had sent it again. The
    /// response is the second one. A request with a body of more than 16 MiB is processed once. See
    /// [`cut`](Self::cut).
    #[must_use]
    pub fn twice() -> Self {
        Self::new(Action::Twice)
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
}

/// Marks a response that must not be sent, and tells the end that comes instead.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disconnected {
    /// The connection is closed.
    Closed,
    /// The stream is refused.
    Refused,
    /// The connection ends, since the client is told to calm down.
    Calmed,
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed by an injected fault",
            Self::Refused => "the stream was refused by an injected fault",
            Self::Calmed => "the connection was ended by an injected fault: ENHANCE_YOUR_CALM",
        })
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
