//! Waiting for a server that cannot be reached for a while.

use std::time::Duration;

use blaxel_core::Error;
use tokio::time::{Instant, sleep};

/// Time limit on an outage: a sandbox that wakes up, an update of its API, a lost network.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Time limit for responses that cannot be decoded: pages of a proxy go away, other responses do not.
const DECODE_LIMIT: Duration = Duration::from_secs(15);

const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The failures since the last contact with the server, and the delay before the next attempt.
#[derive(Debug)]
pub(super) struct Outage {
    since: Option<Instant>,
    delay: Duration,
}

impl Default for Outage {
    fn default() -> Self {
        Self {
            since: None,
            delay: FIRST_DELAY,
        }
    }
}

impl Outage {
    /// Ends the outage.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Ends the outage, but keeps the delay, for a contact that may be a short one.
    pub(super) fn contact(&mut self) {
        self.since = None;
    }

    /// Waits before the next attempt after a failure.
    ///
    /// # Errors
    ///
    /// Returns the error if it does not go away by itself, or if the outage has lasted too long.
    pub(super) async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let limit = match error.status() {
            _ if error.is_decode() => DECODE_LIMIT,
            _ if error.is_transient() => LIMIT,
            Some(status) if status.is_server_error() => LIMIT,
            _ => return Err(error),
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= limit {
            return Err(error);
        }
        let delay = self.delay;
        self.delay = delay.saturating_mul(2).min(MAX_DELAY);
        let asked = error.retry_after().unwrap_or_default();
        sleep(delay.max(asked.min(MAX_DELAY))).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::__private::ErrorParts;

    fn status(status: u16) -> Error {
        let (head, ()) = http::Response::builder()
            .status(status)
            .body(())
            .unwrap()
            .into_parts();
        Error::from_response(None, &head, b"")
    }

    async fn lasts(error: impl Fn() -> Error) -> Duration {
        let (mut outage, start) = (Outage::default(), Instant::now());
        while outage.pause(error()).await.is_ok() {}
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_has_a_limit_by_its_kind() {
        let about = |limit: Duration| limit..limit + MAX_DELAY;
        assert!(about(LIMIT).contains(&lasts(|| status(503)).await));
        assert!(about(LIMIT).contains(&lasts(|| status(500)).await));
        assert!(about(LIMIT).contains(&lasts(|| Error::transport("x", "y")).await));
        assert!(about(DECODE_LIMIT).contains(&lasts(|| Error::decode("x")).await));
        for fatal in [401, 403, 404, 400] {
            assert!(lasts(|| status(fatal)).await.is_zero(), "{fatal}");
        }
    }
}
