//! [`Clock`], the emulator's own time.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blaxel_core::Timestamp;

use crate::lock::lock;

/// The emulator's clock. It stands still until [`advance`](Self::advance) moves it, or follows the
/// real clock if [`Builder::real_clock`](crate::Builder::real_clock) was set.
///
/// Everything that depends on time reads this clock, such as creation times and the expiry of
/// tokens and cursors. Clones share the same time.
///
/// ```
/// use std::time::Duration;
///
/// let clock = blaxel_emulator::Emulator::offline().clock();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert!(clock.now() > before);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<Mutex<State>>);

struct State {
    /// The time since 1970-01-01T00:00:00Z, without the real time that passed since `following`.
    at: Duration,
    /// The start of following the real clock, if it does.
    following: Option<Instant>,
}

impl Clock {
    /// Creates a clock that starts at `start`, or at the real time if `start` is `None`.
    pub(crate) fn new(start: Option<SystemTime>, follow: bool) -> Self {
        let start = start.unwrap_or_else(SystemTime::now);
        Self(Arc::new(Mutex::new(State {
            at: start.duration_since(UNIX_EPOCH).unwrap_or_default(),
            following: follow.then(Instant::now),
        })))
    }

    /// Returns the current time of this clock. See [`Clock`] for an example.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        timestamp(self.since_epoch())
    }

    /// Moves the clock forward. See [`Clock`] for an example.
    pub fn advance(&self, by: Duration) {
        let mut state = lock(&self.0);
        state.at = state.at.saturating_add(by);
    }

    /// Returns the current time in whole seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn seconds(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    /// Returns the current time since 1970-01-01T00:00:00Z.
    pub(crate) fn since_epoch(&self) -> Duration {
        let state = lock(&self.0);
        let followed = state
            .following
            .map_or(Duration::ZERO, |since| since.elapsed());
        state.at.saturating_add(followed)
    }
}

/// Converts a time since 1970-01-01T00:00:00Z into the API's format.
pub(crate) fn timestamp(since_epoch: Duration) -> Timestamp {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(seconds, since_epoch.subsec_nanos())
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
