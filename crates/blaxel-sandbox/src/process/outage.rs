//! Waiting for a server that cannot be reached for a while.

use std::time::Duration;

use blaxel_core::Error;
use tokio::time::{Instant, sleep};

/// Time limit on an outage: a sandbox that wakes up, an update of its API, a lost network.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Maximum number of responses that cannot be decoded: pages of a proxy go away, other responses do not.
const UNDECODABLE: u32 = 8;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The failures since the last contact with the server, and the delay before the next attempt.
#[derive(Debug)]
pub(super) struct Outage {
    since: Option<Instant>,
    delay: Duration,
    undecodable: u32,
}

impl Default for Outage {
    fn default() -> Self {
        Self {
            since: None,
            delay: FIRST_DELAY,
            undecodable: 0,
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
        self.undecodable += u32::from(error.is_decode());
        let since = *self.since.get_or_insert_with(Instant::now);
        let is_over = since.elapsed() >= LIMIT || self.undecodable > UNDECODABLE;
        if is_over || !may_pass(&error) {
            return Err(error);
        }
        let delay = self.delay;
        self.delay = delay.saturating_mul(2).min(MAX_DELAY);
        let asked = error.retry_after().unwrap_or_default();
        sleep(delay.max(asked.min(MAX_DELAY))).await;
        Ok(())
    }
}

/// Returns `true` for a failure that may go away by itself.
fn may_pass(error: &Error) -> bool {
    let by_server = error
        .status()
        .is_some_and(|status| status.is_server_error());
    error.is_transient() || error.is_decode() || by_server
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
        assert!(lasts(|| Error::decode("x")).await < MAX_DELAY * UNDECODABLE);
        for fatal in [401, 403, 404, 400] {
            assert!(lasts(|| status(fatal)).await.is_zero(), "{fatal}");
        }
    }
}
