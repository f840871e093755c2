//! The upgrades of the server.

use std::time::Duration;

/// The time from the response to an upgrade's request until the new server runs.
const RESTART: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(crate) struct Upgrades(Vec<Upgrade>);

/// An upgrade that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Upgrade {
    pub(crate) version: String,
    pub(crate) base_url: String,
    pub(crate) requested: Duration,
}

impl Upgrades {
    /// The largest number of upgrades that are remembered; further ones replace the last.
    const LIMIT: usize = 1000;

    pub(crate) fn add(&mut self, upgrade: Upgrade) {
        if self.0.len() >= Self::LIMIT {
            self.0.pop();
        }
        self.0.push(upgrade);
    }

    /// Returns the number of upgrades that are complete.
    pub(crate) fn completed(&self, now: Duration) -> usize {
        self.0
            .iter()
            .filter(|upgrade| upgrade.is_completed(now))
            .count()
    }

    /// Returns the last upgrade.
    pub(crate) fn last(&self) -> Option<&Upgrade> {
        self.0.last()
    }

    /// Returns the time of the last restart.
    pub(crate) fn restarted(&self, now: Duration) -> Option<Duration> {
        let completed = self.0.iter().filter(|upgrade| upgrade.is_completed(now));
        completed.map(Upgrade::restart).max()
    }
}

impl Upgrade {
    pub(crate) fn restart(&self) -> Duration {
        self.requested.saturating_add(RESTART)
    }

    pub(crate) fn is_completed(&self, now: Duration) -> bool {
        self.restart() <= now
    }
}
