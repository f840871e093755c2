//! Parts of errors that only the crates of this workspace put together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::context::CallContext;
use crate::description::OperationInfo;
use crate::options::Attempts;

use super::{Answer, BoxError, Delivery, Error, ErrorKind};

/// Constructors and modifiers of [`Error`] that sibling crates need and users do not.
///
/// It is a trait so that a call site reads like any other constructor; it is not part of the
/// public API.
pub trait ErrorParts: Sized {
    /// No credential could be had.
    #[must_use]
    fn credentials(message: impl Into<String>) -> Self;

    /// No connection could be made to an address.
    #[must_use]
    fn connect(address: &str, cause: impl Into<BoxError>) -> Self;

    /// A time limit ran out: which one, and how long it was.
    #[must_use]
    fn timeout(limit: &str, after: Duration) -> Self;

    /// The connection failed with a request under way.
    #[must_use]
    fn transport(message: impl Into<String>, cause: impl Into<BoxError>) -> Self;

    /// A stream ended before its end mark.
    #[must_use]
    fn truncated(message: impl Into<String>) -> Self;

    /// A list does not lead on.
    #[must_use]
    fn pagination(message: impl Into<String>) -> Self;

    /// Creates the error of a wait for a state that can no longer be reached.
    #[must_use]
    fn failed(message: impl Into<String>) -> Self;

    /// Names the lower error behind this one.
    #[must_use]
    fn caused_by(self, cause: impl Into<BoxError>) -> Self;

    /// Names the operation that failed, unless one is named already.
    #[must_use]
    fn in_operation(self, operation: Option<&'static OperationInfo>) -> Self;

    /// Says that the failure was met while a credential was fetched: `doing` is put before the
    /// message, and the request that needed the credential counts as not sent.
    ///
    /// An answer of the token endpoint, whether a refusal or not understood, becomes
    /// [`ErrorKind::Credentials`] and can be read from this error as before; a failure to reach the
    /// endpoint keeps its kind.
    #[must_use]
    fn while_authenticating(self, doing: impl fmt::Display) -> Self;

    /// Keeps status and request id of the response whose reading failed.
    #[must_use]
    fn with_head(self, head: &http::response::Parts) -> Self;

    /// Says how far the request got, where that is known better.
    #[must_use]
    fn with_delivery(self, delivery: Delivery) -> Self;

    /// Says how often the request was sent; 0 times says nothing.
    #[must_use]
    fn with_attempts(self, attempts: Attempts) -> Self;

    /// Adds what the context of the call knows: the operation, the attempts, and whether one of them
    /// may have been processed that this error does not speak of.
    #[must_use]
    fn settled(self, context: &CallContext) -> Self;
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

    fn timeout(limit: &str, after: Duration) -> Self {
        let message = format!("the {limit} limit of {after:?} ran out");
        Self::new(ErrorKind::Timeout, Delivery::Unknown, message)
    }

    fn transport(message: impl Into<String>, cause: impl Into<BoxError>) -> Self {
        Self::new(ErrorKind::Transport, Delivery::Unknown, message.into()).caused_by(cause)
    }

    fn truncated(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Truncated, Delivery::Answered, message.into())
    }

    fn pagination(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Pagination, Delivery::Answered, message.into())
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, Delivery::Answered, message.into())
    }

    fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
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
        inner.message = match inner.message.as_str() {
            "" => doing.to_string(),
            message => format!("{doing}: {message}"),
        };
        self
    }

    fn with_head(mut self, head: &http::response::Parts) -> Self {
        self.0.delivery = Delivery::Answered;
        self.0.answer.get_or_insert_with(|| Answer::from_head(head));
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

    fn settled(mut self, context: &CallContext) -> Self {
        let journal = context.journal();
        let attempts = &mut self.0.attempts;
        attempts.sent = attempts.sent.max(journal.attempts().sent);
        // A status that came although nothing is known to have been sent is the answer of a layer, or
        // the request has lost its context: it rules out nothing.
        let unaccounted = self.0.kind == ErrorKind::Status && journal.is_unsent();
        attempts.unclear |= journal.may_have_been_processed() || unaccounted;
        self.0.changing |= context.is_changing();
        self.in_operation(context.operation())
    }
}
