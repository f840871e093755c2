//! The user's settings of retries.

use std::time::Duration;

/// The number of attempts of a call, and the delays between them.
///
/// The failures that are retried follow from the operation and cannot be configured:
///
/// - A safe or idempotent operation (see [`Idempotency`](blaxel_core::Idempotency)) is retried when
///   the connection failed, when no response arrived in time, on the statuses 408, 425, 429, 502,
///   503 and 504, on a sleeping workload, and when the server says that it may be. A 4xx of the
///   workload itself is final.
/// - Any other operation is sent once more at most, and only if the first request is known not to
///   have been processed: no connection was established, the request was never written, or the peer
///   refused its stream.
/// - Any operation is retried on one of those statuses if the gateway states that the request was not dispatched
///   to the workload.
/// - A conflict (409) is final. A body that can be read only once is never sent again.
/// - A server's `x-should-retry: false` is final.
/// - If the platform rejects a token (401) that can be renewed, the request is sent once more with
///   a new token, without a delay, if the operation is idempotent or every attempt is known not to
///   have been processed. With a single attempt the 401 is final.
///
/// The delay between two attempts is the one that the server asks for, otherwise a random time up
/// to a limit that doubles with each attempt. All clones of a client share a retry budget, so that
/// a server in trouble is not overloaded with retries: the budget holds 500, a retry takes 5, or 10
/// if there was no response, and each success gives 1 back.
///
/// ```
/// use std::time::Duration;
/// use blaxel_transport::{Client, RetryPolicy};
///
/// let client = Client::builder()
///     .api_key("bl_example")
///     .workspace("my-team")
///     .retry(RetryPolicy::new().attempts(5).max_delay(Duration::from_secs(2)))
///     .build()?;
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RetryPolicy {
    pub(super) attempts: u32,
    pub(super) base: Duration,
    pub(super) max_delay: Duration,
    pub(super) max_retry_after: Duration,
    pub(super) seed: Option<u64>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(200),
            max_delay: Duration::from_secs(5),
            max_retry_after: Duration::from_secs(30),
            seed: None,
        }
    }
}

impl RetryPolicy {
    /// Creates the default policy: three attempts, with delays of up to 200 ms and 400 ms between
    /// them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a policy without retries: one attempt.
    ///
    /// ```
    /// use blaxel_transport::{Client, RetryPolicy};
    ///
    /// let client = Client::builder().api_key("bl_example").retry(RetryPolicy::none()).build()?;
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    pub fn none() -> Self {
        Self::new().attempts(1)
    }

    /// Sets the maximum number of attempts, the first one included; 0 counts as 1. Three by
    /// default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the maximum delay before the second attempt. It doubles with each attempt. 200 ms by
    /// default.
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base = delay;
        self
    }

    /// Sets the maximum delay before any attempt, unless the server asks for one. 5 seconds by
    /// default.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the maximum delay that a server may ask for. If it asks for more, the call ends at
    /// once, and [`retry_after`](blaxel_core::Error::retry_after) of its error returns that delay.
    /// 30 seconds by default.
    pub fn max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// Sets the seed of the random delays, which makes them the same in each run of a test. By
    /// default it is random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}
