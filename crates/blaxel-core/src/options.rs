//! Settings of a single call.

use std::time::Duration;

/// Per-call overrides of the client's settings.
///
/// Every layer can read the options of a request with
/// [`CallContext::options`](crate::CallContext::options). `client.with_options(options)` sets them for
/// all calls through that client. A request whose context has options already keeps those.
///
/// ```
/// use std::time::Duration;
/// use blaxel_core::CallOptions;
///
/// let options = CallOptions::new().with_deadline(Duration::from_secs(5)).with_attempts(1);
/// assert_eq!(options.attempts(), Some(1));
/// assert_eq!(options.idempotent(), None); // as the operation's description says
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    deadline: Option<Duration>,
    idle_limit: Option<Duration>,
    attempts: Option<u32>,
    idempotent: Option<bool>,
}

impl CallOptions {
    /// Creates options that override nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns these options with a time limit on the whole call, all attempts and delays included. By default
    /// the client's limit applies.
    pub fn with_deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Returns these options with a time limit on the silence between two chunks of the response body.
    /// [`Duration::MAX`] sets none, for a stream that may be silent for any time. By default the client's limit
    /// applies.
    pub fn with_idle_limit(mut self, limit: Duration) -> Self {
        self.idle_limit = Some(limit);
        self
    }

    /// Returns these options with a maximum number of attempts; 0 counts as 1. By default the client's number
    /// applies.
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// Returns these options with an override of the operation's idempotency, for a caller who knows better
    /// than its description. By default the description applies.
    ///
    /// With `true`, a `POST` is retried like a `PUT`; with `false`, a request is sent again only if
    /// it is known not to have been processed.
    pub fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Returns the time limit on the whole call, or `None` if the client's applies.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Returns the time limit on the silence between two chunks of the response body, or `None` if the client's
    /// applies.
    #[must_use]
    pub fn idle_limit(&self) -> Option<Duration> {
        self.idle_limit
    }

    /// Returns the maximum number of attempts, or `None` if the client's applies.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// Returns the override of the operation's idempotency, or `None` if its description applies.
    #[must_use]
    pub fn idempotent(&self) -> Option<bool> {
        self.idempotent
    }
}

/// The number of attempts of a call, and whether an earlier one may have been processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempts {
    /// Number of times the request was sent; 0 if nothing was sent, or if the service does not
    /// count attempts.
    pub sent: u32,
    /// `true` if an attempt other than the reported one may have been processed.
    pub unclear: bool,
}

impl Attempts {
    /// Creates a count of attempts of which all but the last are known not to have been processed.
    #[must_use]
    pub fn new(sent: u32) -> Self {
        Self {
            sent,
            unclear: false,
        }
    }
}
