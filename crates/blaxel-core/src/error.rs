//! [`Error`], the one error type of the SDK.
//!
//! `api_error.rs` parses error responses, `code.rs` has the platform's codes, `transient.rs` has the rule for transient ones,
//! `parts.rs` the constructors of the sibling crates, and `display.rs` the text of an error.
//!
//! Text from outside is made safe to print where it enters: by [`Error::new`] and the parsers of a
//! response. Only causes are made safe when they are printed.

mod api_error;
mod code;
mod display;
mod json_problem;
mod markup;
mod members;
mod parse;
mod parts;
mod transient;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

pub use self::api_error::{ApiError, DispatchState, ErrorOrigin, is_by_edge};
pub use self::code::ErrorCode;
pub use self::json_problem::JsonProblem;
pub use self::parts::ErrorParts;
use self::transient::is_transient_response;
pub use self::transient::{is_transient, is_unprocessed};
use crate::content_type::{utf8_body, without_mark};
use crate::description::{Idempotency, OperationInfo, Plane};
use crate::header_time::parse_retry_after;
use crate::options::Attempts;
use crate::redact::{SentCredential, redact_sent, redact_text};
use crate::source::Source;
use crate::text::{MAX_NAME_CHARS, one_line};
use crate::version::ApiVersion;

/// Any boxed error, as middleware and foreign bodies return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Maximum number of characters of a message of this workspace, with all that it quotes.
const MAX_TEXT_CHARS: usize = 2000;

/// A failed call, and what is known about it.
///
/// The one-line `Display` output names the operation, what happened, the cause and, if the platform
/// gave one, the next step. It contains no secret and, whatever a server sent, no line end or other
/// control character. Its length is limited. Use the predicates rather than the text:
///
/// ```
/// # fn advise(error: &blaxel_core::Error) -> &'static str {
/// if error.is_not_found() {
///     "create it first"
/// } else if error.maybe_applied() {
///     "check whether it happened before you try again"
/// } else if error.is_transient() {
///     "try again later"
/// } else {
///     "read the message"
/// }
/// # }
/// ```
///
/// The type is as large as a pointer, so a `Result` stays small. Clones share the causes.
#[derive(Clone)]
pub struct Error(Box<Inner>);

/// The content of an [`Error`].
#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: Option<&'static OperationInfo>,
    message: String,
    delivery: Delivery,
    attempts: Attempts,
    /// `true` if the call belongs to no described operation and may change something.
    changing: bool,
    response: Option<ResponseInfo>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The parts of an HTTP response that an error keeps.
#[derive(Clone)]
struct ResponseInfo {
    status: StatusCode,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    api: Option<ApiError>,
    /// `true` if the same request can succeed later.
    transient: bool,
    /// `true` for a response to a call of a workload.
    of_workload: bool,
    /// The source of the credential that the platform refused.
    refused: Option<Source>,
}

/// The kind of failure of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given to the SDK is invalid. Nothing was sent.
    Input,
    /// No credential is available: none is configured, or a token request failed.
    Credentials,
    /// No connection could be established. Nothing was sent.
    Connect,
    /// A time limit expired.
    Timeout,
    /// The connection failed while a request or its response was in flight.
    Transport,
    /// The server responded with an error status.
    Status,
    /// The response could not be decoded, or was larger than the limit.
    Decode,
    /// The connection ended a stream without an error, but before the stream's end marker: the data
    /// received is incomplete.
    Truncated,
    /// A list cannot be read further, because the server sent no usable cursor.
    Pagination,
    /// The awaited state can no longer be reached: the resource has failed or was deleted. Or a model
    /// reports an error inside of a successful response.
    Failed,
}

/// The extent to which the server may have received and processed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// No byte of the request was sent, or it is known not to have been processed.
    NotSent,
    /// The request may or may not have been processed.
    Unknown,
    /// The server responded.
    Responded,
}

impl Error {
    /// Creates an error without operation, attempts, response and cause.
    fn new(kind: ErrorKind, delivery: Delivery, message: String) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            message: one_line(&message, MAX_TEXT_CHARS),
            delivery,
            attempts: Attempts::default(),
            changing: false,
            response: None,
            cause: None,
        }))
    }

    /// Creates the error of an invalid value. `what` is the name of the value, and `problem` the reason
    /// for which it is invalid.
    ///
    /// ```
    /// use blaxel_core::{Error, Source};
    ///
    /// let error = Error::input("port", &Source::variable("PORT"), "it is not a number");
    /// assert!(error.is_input());
    /// assert_eq!(error.to_string(), "invalid port (from the environment variable PORT): it is not a number");
    /// ```
    #[must_use]
    pub fn input(what: &str, source: &Source, problem: impl fmt::Display) -> Self {
        let message = format!("invalid {what} ({source}): {problem}");
        Self::new(ErrorKind::Input, Delivery::NotSent, message)
    }

    /// Creates the error of a response that could not be decoded.
    #[must_use]
    pub fn decode(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Decode, Delivery::Responded, message.into())
    }

    /// Creates the error of a response with an error status. Any body is accepted; see [`ApiError`]
    /// for what is parsed from it.
    ///
    /// ```
    /// use blaxel_core::Error;
    ///
    /// let response = http::Response::builder().status(404).body(r#"{"error": "Job not found"}"#)?;
    /// let (head, body) = response.into_parts();
    /// let error = Error::from_response(None, &head, body.as_bytes());
    /// assert!(error.is_not_found());
    /// assert_eq!(error.api().unwrap().message(), Some("Job not found"));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn from_response(
        operation: Option<&'static OperationInfo>,
        head: &http::response::Parts,
        body: &[u8],
    ) -> Self {
        let plane = operation.map(OperationInfo::plane);
        Self::from_response_on(operation, plane, head, body)
    }

    /// Creates the error as [`from_response`](Self::from_response) does, for a call whose plane is
    /// known even if it belongs to no described operation.
    pub(crate) fn from_response_on(
        operation: Option<&'static OperationInfo>,
        plane: Option<Plane>,
        head: &http::response::Parts,
        body: &[u8],
    ) -> Self {
        let body = Bytes::copy_from_slice(&redact_sent(head, body));
        let api = match utf8_body(&head.headers, body) {
            Ok(body) => ApiError::read(plane, head, &without_mark(body)),
            Err(problem) => ApiError::unreadable(plane, head, &problem),
        };
        let mut error = Self::new(ErrorKind::Status, Delivery::Responded, String::new());
        error.0.operation = operation;
        error.0.response = Some(ResponseInfo {
            transient: is_transient_response(plane, head, &api),
            of_workload: plane == Some(Plane::Run),
            refused: refused_source(plane, head, &api),
            api: Some(api),
            ..ResponseInfo::from_head(head)
        });
        error
    }

    /// Creates the error of a request that was certainly not sent, for custom transports: for
    /// example, no connection could be established.
    ///
    /// Its kind is [`ErrorKind::Connect`]. An operation that is not idempotent is sent again only
    /// after this error; any other error of a transport leaves open whether the request was
    /// processed.
    ///
    /// ```
    /// use blaxel_core::{Delivery, Error};
    ///
    /// let error = Error::not_sent(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
    /// assert_eq!(error.delivery(), Delivery::NotSent);
    /// ```
    #[must_use]
    pub fn not_sent(cause: impl Into<BoxError>) -> Self {
        let message = "the request was not sent".to_owned();
        Self::new(ErrorKind::Connect, Delivery::NotSent, message).caused_by(cause)
    }

    /// Converts a boxed error. An [`Error`] is returned unchanged; any other error becomes a
    /// failure of the transport.
    ///
    /// ```
    /// use blaxel_core::{Error, ErrorKind};
    ///
    /// let error = Error::from_box(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
    /// assert_eq!(error.kind(), ErrorKind::Transport);
    /// assert!(error.cause().is_some());
    /// ```
    #[must_use]
    pub fn from_box(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => *ours,
            Err(other) => Self::transport("a layer or the connection failed", other),
        }
    }
}

/// Returns the source of the credential that was sent, if the platform refuses it. The 401 of a workload is its own.
fn refused_source(
    plane: Option<Plane>,
    head: &http::response::Parts,
    api: &ApiError,
) -> Option<Source> {
    let is_refused = head.status == StatusCode::UNAUTHORIZED
        && (plane != Some(Plane::Run) || api.origin() == ErrorOrigin::Gateway);
    let sent = head.extensions.get::<SentCredential>();
    sent.filter(|_| is_refused).map(|sent| sent.source.clone())
}

impl Inner {
    /// Replaces a credential in the texts that may come from the server.
    fn redact(&mut self, credential: &http::HeaderValue) {
        redact_text(&mut self.message, credential);
        if let Some(response) = &mut self.response {
            if let Some(id) = &mut response.request_id {
                redact_text(id, credential);
            }
            if let Some(api) = &mut response.api {
                api.redact(credential);
            }
        }
    }
}

impl ResponseInfo {
    /// Keeps the status, the request id and the requested wait of a response head.
    fn from_head(head: &http::response::Parts) -> Self {
        let text = |name: &str| head.headers.get(name)?.to_str().ok();
        Self {
            status: head.status,
            request_id: text("x-request-id")
                .or_else(|| text("x-amz-cf-id"))
                .map(|id| one_line(id, MAX_NAME_CHARS)),
            retry_after: parse_retry_after(text),
            api: None,
            transient: false,
            of_workload: false,
            refused: None,
        }
    }
}

impl Error {
    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the operation that failed, or `None` if the error belongs to no operation.
    #[must_use]
    pub fn operation(&self) -> Option<&'static OperationInfo> {
        self.0.operation
    }

    /// Returns the HTTP status of the response, if there was one. It can be a success whose body
    /// could not be decoded.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        Some(self.0.response.as_ref()?.status)
    }

    /// Returns the parsed body of an error response, or of an error inside of a successful response,
    /// and `None` for all other errors.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        self.0.response.as_ref()?.api.as_ref()
    }

    /// Returns the server's error code as it was sent, such as `WORKLOAD_UNAVAILABLE`. It can be any text: a
    /// workload chooses the codes of its own errors.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.api()?.code()
    }

    /// Returns the server's id of the request, if it sent one, to be quoted in a support request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.response.as_ref()?.request_id.as_deref()
    }

    /// Returns the delay before the next attempt that the server asked for, if it asked for one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.response.as_ref()?.retry_after
    }

    /// Returns the number of times the request was sent; 0 if nothing was sent, or if the
    /// service does not count attempts.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts.sent
    }

    /// Returns the extent to which the server may have processed the request.
    ///
    /// It is that of the last attempt. If that is [`Delivery::NotSent`], but an earlier attempt may
    /// have been processed, it is [`Delivery::Unknown`].
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.0.delivery {
            Delivery::NotSent if self.0.attempts.unclear => Delivery::Unknown,
            last => last,
        }
    }

    /// Returns `true` if the server responded with this error status.
    fn has_status(&self, status: StatusCode) -> bool {
        self.kind() == ErrorKind::Status && self.status() == Some(status)
    }

    /// Returns `true` if a value given to the SDK is invalid; nothing was sent.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.kind() == ErrorKind::Input
    }

    /// Returns `true` if the resource does not exist (404). A workload that is merely asleep is
    /// [unavailable](Self::is_unavailable) instead.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND) && !self.is_unavailable()
    }

    /// Returns `true` if a workload exists but cannot respond now: it is starting, waking up or
    /// being moved. The same call can succeed within seconds, so
    /// [`is_transient`](Self::is_transient) is `true` as well, unless the gateway states that it does not help to call
    /// again: an archived sandbox must be unarchived first.
    ///
    /// The gateway reports this with the code `WORKLOAD_UNAVAILABLE` and status 404, or with a 502 or
    /// 503, as the proxies in front of it do. A workload that itself responds with such a code or
    /// status does not count.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        let Some(api) = self.api() else {
            return false;
        };
        let for_workload = self
            .0
            .response
            .as_ref()
            .is_some_and(|response| response.of_workload);
        match api.origin() {
            ErrorOrigin::Gateway if api.code() == Some("WORKLOAD_UNAVAILABLE") => true,
            ErrorOrigin::Gateway | ErrorOrigin::Edge => {
                for_workload
                    && (self.has_status(StatusCode::BAD_GATEWAY)
                        || self.has_status(StatusCode::SERVICE_UNAVAILABLE))
            }
            _ => false,
        }
    }

    /// Returns `true` if the request conflicts with the current state (409), such as a second
    /// resource of the same name.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.has_status(StatusCode::CONFLICT)
    }

    /// Returns `true` if the credential is missing, wrong or expired (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }

    /// Returns `true` if the credential is valid but lacks the permission (403).
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.has_status(StatusCode::FORBIDDEN)
    }

    /// Returns `true` if a limit of the plan is used up (402, or the code `QUOTA_EXCEEDED` or
    /// `USAGE_LIMIT_EXCEEDED`).
    #[must_use]
    pub fn is_quota(&self) -> bool {
        self.has_status(StatusCode::PAYMENT_REQUIRED)
            || matches!(self.code(), Some("QUOTA_EXCEEDED" | "USAGE_LIMIT_EXCEEDED"))
    }

    /// Returns `true` if there were too many requests (429).
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns `true` if a time limit of the client expired.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Returns `true` if no connection could be established.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Returns `true` if the response could not be decoded.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        self.kind() == ErrorKind::Decode
    }

    /// Returns `true` if a stream ended before its end marker, so its data is incomplete.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.kind() == ErrorKind::Truncated
    }

    /// Returns `true` if an awaited state can no longer be reached: the resource has failed or was
    /// deleted; or if a model reports an error inside of a successful response, such as midway in a
    /// stream.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.kind() == ErrorKind::Failed
    }

    /// Returns `true` if the server does not know the API version that was sent; see
    /// [`offered_versions`](Self::offered_versions).
    #[must_use]
    pub fn is_unknown_version(&self) -> bool {
        self.code() == Some("invalid_api_version")
    }

    /// Returns the versions that the server offered when it rejected one; empty for other errors.
    #[must_use]
    pub fn offered_versions(&self) -> Vec<ApiVersion> {
        match self.api() {
            Some(api) if self.is_unknown_version() => api.offered_versions(),
            _ => Vec::new(),
        }
    }

    /// Returns `true` if the failure may go away by itself, so the same call can succeed later.
    ///
    /// This is the case for a failure to connect, a lost connection, a time limit and a truncated
    /// stream. For an error response it is the rule by which the client retries: the header
    /// `x-should-retry`, otherwise the gateway's `retryable`, otherwise the status. A conflict, and
    /// a 4xx of the workload itself, are not transient. For an error that a model reports inside of a
    /// successful response, its code decides: a rate limit or an overloaded server is transient.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Truncated => true,
            ErrorKind::Status | ErrorKind::Credentials | ErrorKind::Failed => self
                .0
                .response
                .as_ref()
                .is_some_and(|response| response.transient),
            _ => false,
        }
    }

    /// Returns `true` if the request may have taken effect although the call failed: it changes
    /// something, and one of its attempts may have reached the server, which did not refuse that
    /// attempt.
    ///
    /// An attempt of which the gateway states that it was not dispatched to the workload
    /// ([`ApiError::dispatch_state`]) has not taken effect.
    #[must_use]
    pub fn maybe_applied(&self) -> bool {
        let changes = match self.operation() {
            Some(info) => info.idempotency() != Idempotency::Safe,
            None => self.0.changing,
        };
        let refused = self.status().is_some_and(|status| status.is_client_error())
            || self.proves_unprocessed();
        let last_may_have_arrived = !refused && self.delivery() != Delivery::NotSent;
        changes && (last_may_have_arrived || self.0.attempts.unclear)
    }
}

impl Error {
    /// Returns `true` for a response of the gateway to a request that the workload has not received.
    fn proves_unprocessed(&self) -> bool {
        self.kind() == ErrorKind::Status && self.api().is_some_and(ApiError::proves_unprocessed)
    }

    /// Returns the underlying error, if there is one.
    ///
    /// [`Display`](fmt::Display) prints it, and all errors below it, after the message. So
    /// [`source`](std::error::Error::source) returns `None`: otherwise code that prints a chain of
    /// sources, such as `anyhow`'s `{:#}`, would print them twice.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.cause.as_ref()?.as_ref())
    }

    /// Returns the first error of type `E` among the causes.
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
        // An `Error` inside a foreign error has causes, although it has no source.
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
