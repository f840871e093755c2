//! [`Standby`], the uses of a machine, and the time that it was on standby.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use super::Clock;
use crate::lock::lock;

/// A machine that goes on standby when nothing uses it. Nothing runs in the background: its state
/// is computed from the time of its last use.
pub(super) struct Standby {
    /// The time without a use after which it goes on standby.
    after: Duration,
    uses: Mutex<Uses>,
    /// Counts the ends of standbys, so that sleepers compute their remaining time again.
    wakes: watch::Sender<u64>,
    /// Counts the ends of uses, from which the time until the next standby runs.
    ends: watch::Sender<u64>,
}

struct Uses {
    /// The number of current uses.
    current: usize,
    /// The end of the last use, since 1970-01-01T00:00:00Z.
    last: Duration,
    /// The total duration of the standbys that have ended.
    stood_still: Duration,
}

impl Standby {
    pub(super) fn new(after: Duration, last: Duration) -> Self {
        let uses = Uses {
            current: 0,
            last,
            stood_still: Duration::ZERO,
        };
        Self {
            after,
            uses: Mutex::new(uses),
            wakes: watch::Sender::new(0),
            ends: watch::Sender::new(0),
        }
    }

    pub(super) fn is_on(&self, now: Duration) -> bool {
        lock(&self.uses).standby_since(self.after, now).is_some()
    }

    pub(super) fn last_use(&self, now: Duration) -> Duration {
        let uses = lock(&self.uses);
        if uses.current > 0 { now } else { uses.last }
    }

    /// Returns the time that has passed for the machine.
    pub(super) fn passed(&self, now: Duration) -> Duration {
        let uses = lock(&self.uses);
        let at = uses.standby_since(self.after, now).unwrap_or(now);
        at.saturating_sub(uses.stood_still)
    }

    /// Returns a receiver that changes whenever a standby ends.
    pub(super) fn wakes(&self) -> watch::Receiver<u64> {
        self.wakes.subscribe()
    }

    /// Returns a receiver that changes whenever a use ends.
    pub(super) fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
    }

    /// Returns the time until the next standby, or `None` while the machine is used.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        let uses = lock(&self.uses);
        let since = uses.last.saturating_add(self.after);
        (uses.current == 0).then(|| since.saturating_sub(now))
    }

    fn begin_use(&self, now: Duration) {
        let standby = {
            let mut uses = lock(&self.uses);
            let standby = uses.standby_since(self.after, now);
            if let Some(since) = standby {
                uses.stood_still += now.saturating_sub(since);
            }
            uses.current += 1;
            standby
        };
        if standby.is_some() {
            self.wakes
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn end_use(&self, now: Duration) {
        {
            let mut uses = lock(&self.uses);
            uses.current = uses.current.saturating_sub(1);
            uses.last = now;
        }
        self.ends
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Uses {
    /// Returns the start of the current standby.
    fn standby_since(&self, after: Duration, now: Duration) -> Option<Duration> {
        let since = self.last.saturating_add(after);
        (self.current == 0 && since <= now).then_some(since)
    }
}

/// A use of a machine, which keeps it awake until it is dropped. Created by
/// [`Clock::stay_awake`].
#[must_use = "the machine may go on standby as soon as this is dropped"]
pub struct Awake(Clock);

impl Awake {
    pub(super) fn new(clock: Clock) -> Self {
        if let Some(standby) = &clock.standby {
            lock(&clock.time.uses).begun += 1;
            standby.begin_use(clock.since_epoch());
        }
        Self(clock)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(standby) = &self.0.standby {
            standby.end_use(self.0.since_epoch());
            lock(&self.0.time.uses).ended += 1;
        }
    }
}

impl fmt::Debug for Awake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Awake")
    }
}
