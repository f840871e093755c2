//! Settings of one call, beside those of the client.

use std::time::Duration;

/// Per-call overrides of the client's settings.
///
/// Every layer can read the options of a request. A client puts its own options on all requests that have none:
/// `client.with_options(CallOptions::new().with_attempts(1))`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    deadline: Option<Duration>,
    attempts: Option<u32>,
    idempotent: Option<bool>,
}

impl CallOptions {
    /// Creates options that override nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns these options with a limit on the whole call, over all its attempts.
    pub fn with_deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Returns these options with a maximum number of attempts; 0 counts as 1.
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// Returns these options with the caller's word on whether the operation may take place twice
    /// without harm, where the caller knows better than its description. A `POST` that is said to be
    /// idempotent is retried like a `PUT`.
    pub fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Returns the limit on the whole call, if it is overridden.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Returns the maximum number of attempts, if it is overridden.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// Returns the caller's word on idempotency, if there is one.
    #[must_use]
    pub fn idempotent(&self) -> Option<bool> {
        self.idempotent
    }
}

/// The number of times a request was sent, and the certainty about all but the final outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempts {
    /// Number of times the request was sent; 0 where nobody counted.
    pub sent: u32,
    /// `true` if an attempt whose outcome is not the one reported may have been processed.
    pub unclear: bool,
}

impl Attempts {
    /// Creates a count of attempts of which all before the last are known not to have been processed.
    #[must_use]
    pub fn new(sent: u32) -> Self {
        Self {
            sent,
            unclear: false,
        }
    }
}
