//! How often and how patiently.

use std::time::Duration;

/// How often a call is tried again, and how long it waits in between.
///
/// Which failures are tried again is not a matter of taste, so it cannot be set:
///
/// - An operation that may take place twice without harm (its
///   [`Idempotency`](blaxel_core::Idempotency) is safe or idempotent) is tried again when the connection
///   failed, when no answer came in time, on the statuses 408, 425, 429, 502, 503 and 504, on a
///   sleeping workload, and when the server says that it may be. A workload's own 4xx is its answer.
/// - Any other operation is sent once more, and only on proof that the first request was not
///   processed: no connection was made, it was never written, or the peer refused its stream.
/// - A conflict (409) is an answer. A body that comes only once is never sent again.
/// - A server's `x-should-retry: false` is the last word.
///
/// Between two attempts lies what the server asks for, or else a random time up to a limit that
/// doubles each time. All clones of a client share a budget, so that a server in trouble is not
/// buried under retries: a retry takes 5 of it, or 10 where no answer came, each success gives 1
/// back, and it holds 500.
///
/// ```
/// use std::time::Duration;
/// use blaxel_transport::{Client, RetryPolicy};
///
/// let client = Client::builder()
///     .api_key("bl_example")
///     .workspace("my-team")
///     .retry(RetryPolicy::new().attempts(5).longest_delay(Duration::from_secs(2)))
///     .build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RetryPolicy {
    pub(super) attempts: u32,
    pub(super) base: Duration,
    pub(super) longest: Duration,
    pub(super) longest_hint: Duration,
    pub(super) seed: Option<u64>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            longest_hint: Duration::from_secs(30),
            seed: None,
        }
    }
}

impl RetryPolicy {
    /// Three attempts in all, with delays of up to 200 ms and 400 ms between them.
    pub fn new() -> Self {
        Self::default()
    }

    /// One attempt.
    pub fn none() -> Self {
        Self::new().attempts(1)
    }

    /// So many attempts in all; 0 counts as 1. Three by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The longest delay before the second attempt; it doubles with each one. 200 ms by default.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base = delay;
        self
    }

    /// The longest delay before any attempt, where the server asks for none. 5 seconds by default.
    pub fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest = delay;
        self
    }

    /// The longest delay that a server may ask for. If it asks for more, the call ends at once, and
    /// its error tells how long by [`retry_after`](blaxel_core::Error::retry_after). 30 seconds by
    /// default.
    pub fn longest_hint(mut self, delay: Duration) -> Self {
        self.longest_hint = delay;
        self
    }

    /// Draws the delays from this seed, so that they are the same in each run of a test.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}
