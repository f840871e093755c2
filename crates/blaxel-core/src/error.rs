//! The one error type of the SDK.

mod answer;
mod display;
mod parse;
mod parts;
mod transient;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;

pub use self::answer::{ApiError, Origin};
pub use self::parts::ErrorParts;
pub use self::transient::is_transient;
use self::transient::is_transient_answer;
use crate::description::{Idempotency, OperationInfo, Plane};
use crate::options::Attempts;
use crate::source::Source;
use crate::version::ApiVersion;

/// Any error, boxed: what middleware and bodies of other crates fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A failed call, and what is known about it.
///
/// The one-line display names the operation, what happened, the cause and, where the platform gave
/// one, the next step. It holds no secret. Ask the predicates rather than the text:
///
/// ```
/// # fn advise(error: &blaxel_core::Error) -> &'static str {
/// if error.is_not_found() {
///     "create it first"
/// } else if error.maybe_applied() {
///     "look before you try again"
/// } else if error.is_transient() {
///     "try again later"
/// } else {
///     "read the message"
/// }
/// # }
/// ```
///
/// The type is as large as a pointer, so a `Result` stays small. A clone shares the causes.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: Option<&'static OperationInfo>,
    message: String,
    delivery: Delivery,
    attempts: Attempts,
    /// The call belongs to no described operation, and may change something.
    changing: bool,
    answer: Option<Answer>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What is kept of an HTTP response that came with or before the failure.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    api: Option<ApiError>,
    /// The same request can succeed later.
    transient: bool,
    /// It answers a call of a workload.
    of_workload: bool,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given to the SDK is unusable. Nothing was sent.
    Input,
    /// No credential could be had: none is configured, or a token request failed.
    Credentials,
    /// No connection could be made. Nothing was sent.
    Connect,
    /// A time limit ran out.
    Timeout,
    /// The connection failed while a request or its answer was under way.
    Transport,
    /// The server answered with an error status.
    Status,
    /// The server's answer could not be understood, or was larger than allowed.
    Decode,
    /// A stream ended properly as far as the connection goes, but before its end mark: what came is
    /// not all there was to come.
    Truncated,
    /// A list cannot be walked further: its cursors do not lead on.
    Pagination,
    /// What was waited for cannot come about any more: the resource has failed, or is gone.
    Failed,
}

/// How far a request got before its call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// No byte of the request left, or there is proof that it was not processed.
    NotSent,
    /// It may or may not have been processed.
    Unknown,
    /// The server answered.
    Answered,
}

impl Error {
    fn new(kind: ErrorKind, delivery: Delivery, message: String) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            message,
            delivery,
            attempts: Attempts::default(),
            changing: false,
            answer: None,
            cause: None,
        }))
    }

    /// A value is unusable: what it is, where it came from, and what is wrong with it.
    #[must_use]
    pub fn input(what: &str, source: &Source, problem: impl fmt::Display) -> Self {
        let message = format!("invalid {what} ({source}): {problem}");
        Self::new(ErrorKind::Input, Delivery::NotSent, message)
    }

    /// An answer could not be understood.
    #[must_use]
    pub fn decode(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Decode, Delivery::Answered, message.into())
    }

    /// The server answered with an error status. The body is read as far as it tells something,
    /// whatever its shape.
    #[must_use]
    pub fn from_response(
        operation: Option<&'static OperationInfo>,
        head: &http::response::Parts,
        body: &[u8],
    ) -> Self {
        let plane = operation.map(OperationInfo::plane);
        Self::from_answer(operation, plane, head, body)
    }

    /// As [`from_response`](Self::from_response), for a call whose plane is known even if it belongs to
    /// no described operation.
    pub(crate) fn from_answer(
        operation: Option<&'static OperationInfo>,
        plane: Option<Plane>,
        head: &http::response::Parts,
        body: &[u8],
    ) -> Self {
        let api = ApiError::read(plane, head, body);
        let mut error = Self::new(ErrorKind::Status, Delivery::Answered, String::new());
        error.0.operation = operation;
        error.0.answer = Some(Answer {
            transient: is_transient_answer(plane, head, &api),
            of_workload: plane == Some(Plane::Run),
            api: Some(api),
            ..Answer::from_head(head)
        });
        error
    }

    /// Creates the error of a request that certainly was not sent, for transports of a user's own: no
    /// connection could be made, for instance.
    ///
    /// Its kind is [`ErrorKind::Connect`]. An operation that must not take place twice is sent again
    /// after it, and only after it; any other error of a transport leaves open whether the request was
    /// processed.
    #[must_use]
    pub fn not_sent(cause: impl Into<BoxError>) -> Self {
        let message = "the request was not sent".to_owned();
        Self::new(ErrorKind::Connect, Delivery::NotSent, message).caused_by(cause)
    }

    /// Takes an error of another type for one of ours: unchanged if it is one, else as a failure
    /// of the transport.
    #[must_use]
    pub fn from_box(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => *ours,
            Err(other) => Self::transport("a layer or the connection failed", other),
        }
    }
}

impl Answer {
    fn from_head(head: &http::response::Parts) -> Self {
        let text = |name: &str| head.headers.get(name)?.to_str().ok();
        Self {
            status: head.status,
            request_id: text("x-request-id")
                .or_else(|| text("x-amz-cf-id"))
                .map(str::to_owned),
            retry_after: retry_after(text),
            api: None,
            transient: false,
            of_workload: false,
        }
    }
}

/// The wait a server asks for: in milliseconds, in seconds, or until a date.
fn retry_after<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    let number = |name, unit: f64| {
        let seconds = header(name)?.trim().parse::<f64>().ok()? * unit;
        // What no clock can hold is longer than anybody waits.
        (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    };
    let date = |name| httpdate::parse_http_date(header(name)?.trim()).ok();
    // The server's own clock is asked first: ours may be wrong.
    let until = || {
        let now = date("date").unwrap_or_else(SystemTime::now);
        Some(date("retry-after")?.duration_since(now).unwrap_or_default())
    };
    number("retry-after-ms", 0.001)
        .or_else(|| number("retry-after", 1.0))
        .or_else(until)
}

/// The wait that the headers of an answer ask for before another try, as
/// [`Error::retry_after`] tells it.
#[must_use]
pub fn wait_asked_for(headers: &http::HeaderMap) -> Option<Duration> {
    retry_after(|name| headers.get(name)?.to_str().ok())
}

impl Error {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, if one was under way.
    #[must_use]
    pub fn operation(&self) -> Option<&'static OperationInfo> {
        self.0.operation
    }

    /// The HTTP status of the answer, if there was one. It can be a success whose body was unusable.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        Some(self.0.answer.as_ref()?.status)
    }

    /// What the server said about its error status.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        self.0.answer.as_ref()?.api.as_ref()
    }

    /// The server's word for the failure, such as `WORKLOAD_UNAVAILABLE` or `invalid_api_version`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.api()?.code()
    }

    /// The id by which the server's operators find the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.answer.as_ref()?.request_id.as_deref()
    }

    /// How long the server asks to wait before another try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.answer.as_ref()?.retry_after
    }

    /// How often the request was sent; 0 where nobody counted or nothing was sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts.sent
    }

    /// How far the request got; over several attempts, the farthest that is not ruled out.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.0.delivery {
            Delivery::NotSent if self.0.attempts.unclear => Delivery::Unknown,
            last => last,
        }
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.kind() == ErrorKind::Status && self.status() == Some(status)
    }

    /// A value given to the SDK is unusable; nothing was sent.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.kind() == ErrorKind::Input
    }

    /// What was asked for does not exist (404), and it is not merely asleep.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND) && !self.is_unavailable()
    }

    /// A workload exists but cannot answer now: it is starting, waking or being moved. The same call
    /// can succeed in some seconds, so [`is_transient`](Self::is_transient) holds too.
    ///
    /// The gateway says so by `WORKLOAD_UNAVAILABLE`, which comes as a 404, and what stands before it by
    /// a 502 or 503. A workload that answers by such a code or status itself is none of this.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        let Some(api) = self.api() else {
            return false;
        };
        let for_workload = self
            .0
            .answer
            .as_ref()
            .is_some_and(|answer| answer.of_workload);
        match api.origin() {
            Origin::Gateway if api.code() == Some("WORKLOAD_UNAVAILABLE") => true,
            Origin::Gateway | Origin::Edge => {
                for_workload
                    && (self.has_status(StatusCode::BAD_GATEWAY)
                        || self.has_status(StatusCode::SERVICE_UNAVAILABLE))
            }
            _ => false,
        }
    }

    /// The request contradicts what is there (409), a second resource of one name for instance.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.has_status(StatusCode::CONFLICT)
    }

    /// The credential is missing, wrong or expired (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }

    /// The credential is good but does not reach this far (403).
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.has_status(StatusCode::FORBIDDEN)
    }

    /// A plan's limit is used up (402, or a code that says so).
    #[must_use]
    pub fn is_quota(&self) -> bool {
        self.has_status(StatusCode::PAYMENT_REQUIRED)
            || matches!(self.code(), Some("QUOTA_EXCEEDED" | "USAGE_LIMIT_EXCEEDED"))
    }

    /// Too many requests for now (429).
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// A time limit of the client ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// No connection could be made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// The answer could not be understood.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        self.kind() == ErrorKind::Decode
    }

    /// A stream ended before its end mark, so that what came of it is not the whole.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.kind() == ErrorKind::Truncated
    }

    /// What was waited for cannot come about any more: the resource has failed, or is gone.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.kind() == ErrorKind::Failed
    }

    /// The server does not know the API version that was sent; see
    /// [`offered_versions`](Self::offered_versions).
    #[must_use]
    pub fn is_unknown_version(&self) -> bool {
        self.code() == Some("invalid_api_version")
    }

    /// The versions that the server named when it refused one; empty for other errors.
    #[must_use]
    pub fn offered_versions(&self) -> Vec<ApiVersion> {
        match self.api() {
            Some(api) if self.is_unknown_version() => api.offered_versions(),
            _ => Vec::new(),
        }
    }

    /// Returns `true` if the failure may go away by itself: the same call can succeed later.
    ///
    /// It holds for a failure to connect, a lost connection, a time limit and a stream that was cut.
    /// For an error response it is the rule by which a client retries: the header `x-should-retry`,
    /// else the gateway's `retryable`, else the status. A conflict and a workload's own 4xx are answers.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Truncated => true,
            ErrorKind::Status | ErrorKind::Credentials => self
                .0
                .answer
                .as_ref()
                .is_some_and(|answer| answer.transient),
            _ => false,
        }
    }

    /// Whether the request may have taken effect although the call failed: it changes something,
    /// and one of its attempts may have reached the server, which did not refuse that one.
    #[must_use]
    pub fn maybe_applied(&self) -> bool {
        let changes = match self.operation() {
            Some(info) => info.idempotency() != Idempotency::Safe,
            None => self.0.changing,
        };
        let refused = self.status().is_some_and(|status| status.is_client_error());
        let last_arrived = !refused && self.delivery() != Delivery::NotSent;
        changes && (last_arrived || self.0.attempts.unclear)
    }
}

impl Error {
    /// Returns the lower error behind this one, if there is one.
    ///
    /// [`Display`](fmt::Display) prints it, and all below it, after the message. So
    /// [`source`](std::error::Error::source) returns `None`: what prints a chain of sources, as
    /// `anyhow`'s `{:#}` does, would print them a second time.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.cause.as_ref()?.as_ref())
    }

    /// Returns the first error of a type among the causes.
    ///
    /// ```
    /// # fn report(error: &blaxel_core::Error) {
    /// if let Some(problem) = error.find_cause::<std::io::Error>() {
    ///     println!("the socket failed: {:?}", problem.kind());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn find_cause<'a, E: std::error::Error + 'static>(&'a self) -> Option<&'a E> {
        // An error of ours below another's has causes too, though no source.
        let below =
            |cause: &&'a (dyn std::error::Error + 'static)| match cause.downcast_ref::<Self>() {
                Some(ours) => ours.cause(),
                None => cause.source(),
            };
        std::iter::successors(self.cause(), below).find_map(|cause| cause.downcast_ref())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
