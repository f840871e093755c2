//! The course of publishing, whatever the registry and the network do.
//!
//! Nothing is remembered between runs: the registry is asked for what is missing before each upload.

use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};

use super::Item;
use super::answer::{Answer, Retry};
use super::pace::Pace;
use crate::release::registry::Standing;

/// The registry, cargo and the clock.
pub(super) trait World {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Returns `true` if the registry shows this version of the crate.
    fn has(&mut self, item: &Item) -> Result<bool>;

    /// Uploads crates, each after those that it depends on, up to the first failure.
    fn upload(&mut self, group: &[&Item]) -> Result<Answer>;
}

/// The first wait after a failure that may go away, and after a refusal that does not tell how long.
const POLL: Duration = Duration::from_secs(5);
const UNTOLD_WAIT: Duration = Duration::from_secs(60);
/// The longest wait after a failure, and the number of failures without a success in between. Then a
/// person goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const FAILURE_LIMIT: u32 = 7;
/// The time that a registry may take to show what it has taken.
const INDEX_LIMIT: Duration = Duration::from_secs(300);

/// Crates on their way to a registry.
pub(super) struct Course<'a, W> {
    /// The crates that were not seen on the registry, each after those that it depends on.
    pub(super) missing: Vec<&'a Item>,
    pace: Pace,
    world: &'a mut W,
    /// The number of failures without a success in between.
    failures: u32,
}

impl<'a, W: World> Course<'a, W> {
    pub(super) fn new(items: &'a [Item], pace: Pace, world: &'a mut W) -> Self {
        let items = items.iter();
        Self {
            missing: items
                .filter(|it| it.standing != Standing::Version)
                .collect(),
            pace,
            world,
            failures: 0,
        }
    }

    /// Uploads what is missing, until the registry shows it all.
    pub(super) fn run(&mut self) -> Result<()> {
        loop {
            self.look_for_missing()?;
            let now = self.world.now();
            let count = self.pace.group(&self.missing, now);
            let group = self.missing.get(..count).unwrap_or_default().to_vec();
            if self.missing.is_empty() {
                return Ok(());
            } else if group.is_empty() {
                self.wait(self.pace.wait(now), "the pace of new names");
                continue;
            }
            let Answer { taken, failure } = self.world.upload(&group)?;
            let answered = self.world.now();
            for item in group.into_iter().filter(|item| taken.contains(&item.name)) {
                self.wait_for_index(item)?;
            }
            if let Some((retry, reason)) = failure {
                self.recover(retry, &reason, answered)?;
            }
        }
    }

    /// Asks the registry for the missing crates. Returns `true` if it has one of them by now.
    fn look_for_missing(&mut self) -> Result<bool> {
        let missing = self.missing.clone().into_iter();
        missing
            .map(|item| self.look(item))
            .try_fold(false, |any, is_there| Ok(any | is_there?))
    }

    /// Asks the registry for a crate until it answers. Returns `true` if the crate is there.
    fn look(&mut self, item: &Item) -> Result<bool> {
        let is_there = loop {
            match self.world.has(item) {
                Ok(is_there) => break is_there,
                Err(error) => self.recover(Retry::Soon, &error.to_string(), self.world.now())?,
            }
        };
        if is_there {
            println!("{item}: published");
            self.missing.retain(|missing| *missing != item);
            self.pace.take(item, self.world.now());
            self.failures = 0;
        }
        Ok(is_there)
    }

    /// Waits until the registry shows a crate that it has taken, and must not be sent again.
    fn wait_for_index(&mut self, item: &Item) -> Result<()> {
        let deadline = self.world.now() + INDEX_LIMIT;
        while !self.look(item)? {
            if self.world.now() >= deadline {
                bail!("the registry has taken {item}, but does not show it after {INDEX_LIMIT:?}");
            }
            self.wait(POLL, "it is taken, and not shown yet");
        }
        Ok(())
    }

    /// Waits after a failure until another attempt may be made.
    fn recover(&mut self, retry: Retry, reason: &str, failed: SystemTime) -> Result<()> {
        let factor = 1 << self.failures;
        self.failures += 1;
        let until = match retry {
            Retry::Soon => failed + POLL * factor,
            Retry::Later(None) => failed + UNTOLD_WAIT * factor,
            // The registry's clock may be behind ours.
            Retry::Later(Some(told)) => told.max(failed + POLL * factor),
            // An upload can arrive although the response to it was not understood.
            Retry::Never if self.look_for_missing()? => return Ok(()),
            Retry::Never => bail!("{reason}"),
        };
        let wait = until.duration_since(self.world.now()).unwrap_or_default();
        if wait > LONGEST_WAIT || self.failures >= FAILURE_LIMIT {
            let (date, failures) = (httpdate::fmt_http_date(until), self.failures);
            bail!("{reason} (failed {failures} times; try again after {date})");
        }
        if let Retry::Later(_) = retry {
            self.pace.none_until(until);
        }
        self.wait(wait, reason);
        Ok(())
    }

    fn wait(&mut self, time: Duration, reason: &str) {
        println!("waiting for {time:.0?}: {reason}");
        self.world.sleep(time);
    }
}

#[cfg(test)]
mod tests;
