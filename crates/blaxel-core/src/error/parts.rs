//! Constructors and modifiers of errors for the crates of this workspace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::context::{CallContext, is_changing};
use crate::description::{OperationInfo, Plane};
use crate::options::Attempts;
use crate::text::{duration, join_with, one_line};

use super::api_error::{ApiError, reports_error};
use super::transient::is_transient_report;
use super::{BoxError, Delivery, Error, ErrorKind, JsonProblem, MAX_TEXT_CHARS, ResponseInfo};

/// Constructors and modifiers of [`Error`] that sibling crates need and users do not.
///
/// It is a trait so that call sites look like other constructors. It is not part of the public API.
pub trait ErrorParts: Sized {
    /// Creates the error of a credential that could not be obtained.
    #[must_use]
    fn credentials(message: impl Into<String>) -> Self;

    /// Creates the error of a connection to `address` that could not be established.
    #[must_use]
    fn connect(address: &str, cause: impl Into<BoxError>) -> Self;

    /// Creates the error of something that took longer than its time limit.
    #[must_use]
    fn timeout(what: &str, limit: Duration) -> Self;

    /// Creates the error of a connection that failed with a request in flight.
    #[must_use]
    fn transport(message: impl Into<String>, cause: impl Into<BoxError>) -> Self;

    /// Creates the error of a stream that ended before its end marker.
    #[must_use]
    fn truncated(message: impl Into<String>) -> Self;

    /// Creates the error of a list that cannot be read further.
    #[must_use]
    fn pagination(message: impl Into<String>) -> Self;

    /// Creates the error of a wait for a state that can no longer be reached.
    #[must_use]
    fn failed(message: impl Into<String>) -> Self;

    /// Creates the error of a successful response whose body is something else than the requested
    /// stream: an error, a page, any text. It keeps the message of the body, or the start of it.
    ///
    /// The kind is [`ErrorKind::Failed`] if the body reports an error.
    #[must_use]
    fn not_a_stream(
        operation: Option<&'static OperationInfo>,
        head: Option<&http::response::Parts>,
        body: &[u8],
    ) -> Self;

    /// Sets the underlying error. An error of `serde_json`, which quotes the value it could not
    /// decode, becomes a [`JsonProblem`], which does not.
    #[must_use]
    fn caused_by(self, cause: impl Into<BoxError>) -> Self;

    /// Sets the operation that failed, unless it is set already.
    #[must_use]
    fn in_operation(self, operation: Option<&'static OperationInfo>) -> Self;

    /// Marks a failure to fetch a credential: `doing` is put before the message, and the request
    /// that needed the credential counts as not sent.
    ///
    /// A response of the token endpoint, whether an error or undecodable, becomes
    /// [`ErrorKind::Credentials`] and can still be read from this error; a failure to reach the
    /// endpoint keeps its kind.
    #[must_use]
    fn while_authenticating(self, doing: impl fmt::Display) -> Self;

    /// Puts the subject of the error before its message, such as "the process `web`". Nothing else of the error
    /// changes.
    #[must_use]
    fn with_subject(self, subject: impl fmt::Display) -> Self;

    /// Sets the status and request id of the response that could not be read.
    #[must_use]
    fn with_head(self, head: &http::response::Parts) -> Self;

    /// Sets the response whose body, or a part of it, reports the failure although its status is a success.
    /// `report` may have any of the formats of error responses.
    #[must_use]
    fn with_report(self, plane: Plane, head: &http::response::Parts, report: &[u8]) -> Self;

    /// Sets the delivery, for a caller who knows it better.
    #[must_use]
    fn with_delivery(self, delivery: Delivery) -> Self;

    /// Sets the number of attempts. A count of 0 changes nothing.
    #[must_use]
    fn with_attempts(self, attempts: Attempts) -> Self;

    /// Adds the facts in the context of the call: the operation, the number of attempts, and
    /// whether an attempt other than this error's may have been processed.
    #[must_use]
    fn with_context(self, context: &CallContext) -> Self;

    /// Adds the facts in the context of the request that opened the connection on which this error occurred, as
    /// [`with_context`](Self::with_context) does. The delivery is that of the message on the connection, so it does not
    /// change: the request that opened it was processed in any case.
    #[must_use]
    fn on_connection(self, opened_by: &CallContext) -> Self;
}

#[doc(hidden)]
impl ErrorParts for Error {
    fn credentials(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Credentials, Delivery::NotSent, message.into())
    }

    fn connect(address: &str, cause: impl Into<BoxError>) -> Self {
        let message = format!("could not connect to {address}");
        Self::new(ErrorKind::Connect, Delivery::NotSent, message).caused_by(cause)
    }

    fn timeout(what: &str, limit: Duration) -> Self {
        let limit = duration(limit);
        let message = format!("timed out: the {what} took longer than its limit of {limit}");
        Self::new(ErrorKind::Timeout, Delivery::Unknown, message)
    }

    fn transport(message: impl Into<String>, cause: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::Transport, Delivery::Unknown, message.into()).caused_by(cause)
    }

    fn truncated(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Truncated, Delivery::Responded, message.into())
    }

    fn pagination(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Pagination, Delivery::Responded, message.into())
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, Delivery::Responded, message.into())
    }

    fn not_a_stream(
        operation: Option<&'static OperationInfo>,
        head: Option<&http::response::Parts>,
        body: &[u8],
    ) -> Self {
        let reports_error = reports_error(body);
        let message = if reports_error {
            "the server reported an error instead of a stream"
        } else {
            "the response is not the expected stream"
        };
        let Some(head) = head else {
            let (head, ()) = http::Response::new(()).into_parts();
            let api = ApiError::of_any(None, &head, body);
            let found = api.message().unwrap_or("it is empty");
            return Self::decode(format!("{message}: {found}")).in_operation(operation);
        };
        let plane = operation.map(OperationInfo::plane);
        let mut error = Self::decode(message).with_head(head);
        if reports_error {
            error.0.kind = ErrorKind::Failed;
        }
        if let Some(response) = &mut error.0.response {
            let api = ApiError::of_any(plane, head, body);
            response.transient = is_transient_report(&api);
            response.api = Some(api);
            response.of_workload = plane == Some(Plane::Run);
        }
        error.in_operation(operation)
    }

    fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(match cause.into().downcast::<serde_json::Error>() {
            Ok(json) => Arc::new(JsonProblem::new(&json)),
            Err(other) => Arc::from(other),
        });
        self
    }

    fn in_operation(mut self, operation: Option<&'static OperationInfo>) -> Self {
        self.0.operation = self.0.operation.or(operation);
        self
    }

    fn while_authenticating(mut self, doing: impl fmt::Display) -> Self {
        let inner = &mut self.0;
        if matches!(inner.kind, ErrorKind::Status | ErrorKind::Decode) {
            inner.kind = ErrorKind::Credentials;
        }
        inner.delivery = Delivery::NotSent;
        self.with_subject(doing)
    }

    fn with_subject(mut self, subject: impl fmt::Display) -> Self {
        let message = &mut self.0.message;
        let subject = subject.to_string();
        let joined = join_with(": ", [subject.as_str(), message.as_str()]);
        *message = one_line(&joined, MAX_TEXT_CHARS);
        self
    }

    fn with_head(mut self, head: &http::response::Parts) -> Self {
        self.0.delivery = Delivery::Responded;
        self.0
            .response
            .get_or_insert_with(|| ResponseInfo::from_head(head));
        self
    }

    fn with_report(mut self, plane: Plane, head: &http::response::Parts, report: &[u8]) -> Self {
        let api = ApiError::reported(plane, head, report);
        self.0.delivery = Delivery::Responded;
        self.0.response = Some(ResponseInfo {
            transient: is_transient_report(&api),
            of_workload: plane == Plane::Run,
            api: Some(api),
            ..ResponseInfo::from_head(head)
        });
        self
    }

    fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = delivery;
        self
    }

    fn with_attempts(mut self, attempts: Attempts) -> Self {
        if attempts.sent > 0 {
            self.0.attempts = attempts;
        }
        self
    }

    fn with_context(mut self, context: &CallContext) -> Self {
        let journal = context.journal();
        // A response to a request that was not counted as sent comes from a layer, or the request has
        // lost its context. Either way an attempt may have been processed.
        let unaccounted = self.0.kind == ErrorKind::Status && journal.is_unsent();
        // The journal knows the statuses only. What the gateway states about the last attempt is in the error.
        let in_journal = match self.proves_unprocessed() {
            true => journal.attempts().unclear,
            false => journal.may_have_been_processed(),
        };
        self.0.attempts.unclear |= in_journal || unaccounted;
        self.on_connection(context)
    }

    fn on_connection(mut self, opened_by: &CallContext) -> Self {
        let journal = opened_by.journal();
        let sent = &mut self.0.attempts.sent;
        *sent = (*sent).max(journal.attempts().sent);
        self.0.changing |= is_changing(opened_by);
        if let Some(credential) = journal.credential() {
            self.0.redact(&credential);
        }
        self.in_operation(opened_by.operation())
    }
}
