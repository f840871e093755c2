//! Time as a value.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blaxel_core::Timestamp;

use crate::lock::lock;

/// The emulator's time: it stands still until a test moves it, or follows the real clock.
///
/// Everything that depends on time asks this clock: when resources were created, when tokens and
/// cursors expire. A clone shows and moves the same time.
#[derive(Clone)]
pub struct Clock(Arc<Mutex<State>>);

struct State {
    /// Time since 1970-01-01T00:00:00Z, without what `following` adds.
    at: Duration,
    /// Since when real time is added, if it is.
    following: Option<Instant>,
}

impl Clock {
    /// A clock that starts at `start`, or else at the real time.
    pub(crate) fn new(start: Option<SystemTime>, follow: bool) -> Self {
        let start = start.unwrap_or_else(SystemTime::now);
        Self(Arc::new(Mutex::new(State {
            at: start.duration_since(UNIX_EPOCH).unwrap_or_default(),
            following: follow.then(Instant::now),
        })))
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        timestamp(self.since_epoch())
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let mut state = lock(&self.0);
        state.at = state.at.saturating_add(by);
    }

    /// The time it shows, in whole seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn seconds(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    /// The time it shows, since 1970-01-01T00:00:00Z.
    pub(crate) fn since_epoch(&self) -> Duration {
        let state = lock(&self.0);
        let followed = state
            .following
            .map_or(Duration::ZERO, |since| since.elapsed());
        state.at.saturating_add(followed)
    }
}

/// A time since 1970-01-01T00:00:00Z as the API writes it.
pub(crate) fn timestamp(since_epoch: Duration) -> Timestamp {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(seconds, since_epoch.subsec_nanos())
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
