//! Settings of one call, beside those of the client.

use std::time::Duration;

/// What a call does otherwise than its client.
///
/// Options travel in the body of a request, so every layer can read them, and they cost nothing
/// where there are none. A client with options of its own puts them on all its requests:
/// `client.with_options(CallOptions::new().attempts(1))`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    deadline: Option<Duration>,
    attempts: Option<u32>,
    idempotent: Option<bool>,
}

impl CallOptions {
    /// Nothing otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the whole call may take, over all its attempts.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// How often the request may be sent in all; 0 counts as 1.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// Whether the operation may take place twice without harm, where the caller knows better than
    /// its description. A `POST` that is said to be idempotent is tried again like a `PUT`.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// The limit on the whole call, if it has one of its own.
    #[must_use]
    pub fn own_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The number of attempts, if it has one of its own.
    #[must_use]
    pub fn own_attempts(&self) -> Option<u32> {
        self.attempts
    }

    /// What the caller says about idempotency, if anything.
    #[must_use]
    pub fn own_idempotent(&self) -> Option<bool> {
        self.idempotent
    }
}

/// How often a request was sent, and what is known of the times before the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempts {
    /// How often; 0 where nobody counts.
    pub sent: u32,
    /// Whether one before the last may have been processed although it failed.
    pub unclear: bool,
}

impl Attempts {
    /// So many, of which all before the last are known not to have been processed.
    #[must_use]
    pub fn new(sent: u32) -> Self {
        Self {
            sent,
            unclear: false,
        }
    }
}
