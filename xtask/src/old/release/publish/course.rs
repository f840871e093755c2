//! What is done with each crate in turn, whatever the registry and the network make of it.
//!
//! Nothing is remembered from one run to the next: before every upload the registry is asked whether
//! the crate is there. So a run that was ended, by whatever, goes on where it was.

use std::time::{Duration, SystemTime};

use semver::Version;

use super::answer::{Answer, Failure, Retry};
use super::pace::Allowance;
use super::words;
use crate::old::release::registry::Standing;

/// A crate on its way to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: Version,
    /// What the registry had of it before we began.
    pub(super) standing: Standing,
}

/// What there is around us: the registry, cargo, the time.
pub(super) trait World {
    fn now(&self) -> SystemTime;

    fn wait(&mut self, time: Duration);

    fn say(&mut self, line: &str);

    /// Whether the registry has this version of the crate.
    fn holds(&mut self, item: &Crate) -> Result<bool, String>;

    fn upload(&mut self, item: &Crate) -> Answer;
}

/// Where and why it went no further. The crates before this one are on the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) at: usize,
    pub(super) reason: String,
}

/// The longest wait that we take on; for a longer one, we stop and say when to go on.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The first wait if the registry wants us to come later, but does not say when.
const UNTOLD_WAIT: Duration = Duration::from_secs(60);

/// The first wait after a failure that may be gone the next time.
const TRANSIENT_WAIT: Duration = Duration::from_secs(5);

/// Where waits that double stop growing.
const LONGEST_BACKOFF: Duration = Duration::from_secs(600);

/// How often the registry may put one crate off.
const MOST_DELAYS: u32 = 10;

/// How often one thing may fail in ways that may be gone the next time.
const MOST_FAILURES: u32 = 5;

/// How long a registry may take to show a crate that it took.
const INDEX_WAIT: Duration = Duration::from_secs(300);

/// How often it is asked meanwhile.
const INDEX_POLL: Duration = Duration::from_secs(5);

/// Brings these crates onto the registry, in this order, each after the one before is there.
pub(super) fn run(
    crates: &[Crate],
    allowance: &mut Allowance,
    world: &mut impl World,
) -> Result<(), Stop> {
    for (at, item) in crates.iter().enumerate() {
        let done = Course {
            item,
            allowance: &mut *allowance,
            world: &mut *world,
        }
        .run();
        done.map_err(|reason| Stop { at, reason })?;
    }
    Ok(())
}

/// The way of one crate.
struct Course<'a, W> {
    item: &'a Crate,
    allowance: &'a mut Allowance,
    world: &'a mut W,
}

impl<W: World> Course<'_, W> {
    fn run(&mut self) -> Result<(), String> {
        if self.item.standing == Standing::Version {
            self.say("is there already, skipped");
            return Ok(());
        }
        let (mut delays, mut failures) = (0, 0);
        loop {
            self.wait_for_the_pace();
            if self.is_there()? {
                match delays + failures {
                    0 => self.say("is there by now, skipped"),
                    _ => self.published_after_all(),
                }
                return Ok(());
            }
            self.say("uploading");
            let answer = self.world.upload(self.item);
            let answered = self.world.now();
            let (said, retry) = match answer {
                Answer::Taken => return self.wait_for_the_index("took it"),
                Answer::TakenBefore => return self.wait_for_the_index("says that it has it"),
                Answer::Failed(Failure { said, retry }) => (said, retry),
            };
            // A connection can break after the upload; then it was one.
            let arrived = self.is_there();
            if arrived
                .map_err(|why| format!("{said}; and whether it arrived is not known: {why}"))?
            {
                self.published_after_all();
                return Ok(());
            }
            match retry {
                Retry::Never => return Err(said),
                Retry::Soon => {
                    failures += 1;
                    self.wait_after_failure(&said, failures)?;
                }
                Retry::Later(until) => {
                    delays += 1;
                    self.wait_as_told(until, answered, &said, delays)?;
                }
            }
        }
    }

    fn say(&mut self, line: &str) {
        let Crate { name, version, .. } = self.item;
        self.world.say(&format!("{name} {version}: {line}"));
    }

    fn wait(&mut self, time: Duration, why: &str) {
        self.say(&format!("waiting {}: {why}", words::time(time)));
        self.world.wait(time);
    }

    fn is_new_name(&self) -> bool {
        self.item.standing == Standing::Nothing
    }

    fn count(&mut self) {
        if self.is_new_name() {
            self.allowance.take(self.world.now());
        }
    }

    fn published_after_all(&mut self) {
        self.count();
        self.say("published, although its upload seemed to fail");
    }

    fn wait_for_the_pace(&mut self) {
        let time = self.allowance.wait(self.world.now());
        if self.is_new_name() && !time.is_zero() {
            self.wait(time, "the registry takes new names one after the other");
        }
    }

    /// Asks until there is an answer, within reason.
    fn is_there(&mut self) -> Result<bool, String> {
        let mut failures = 0;
        loop {
            match self.world.holds(self.item) {
                Ok(holds) => return Ok(holds),
                Err(said) => {
                    failures += 1;
                    self.wait_after_failure(&said, failures)?;
                }
            }
        }
    }

    fn wait_after_failure(&mut self, said: &str, failures: u32) -> Result<(), String> {
        if failures >= MOST_FAILURES {
            return Err(format!("{said} ({failures} failures)"));
        }
        self.wait(doubled(TRANSIENT_WAIT, failures), said);
        Ok(())
    }

    /// Waits until the time that the registry told, or for some time of our own if it told none.
    fn wait_as_told(
        &mut self,
        until: Option<SystemTime>,
        answered: SystemTime,
        said: &str,
        delays: u32,
    ) -> Result<(), String> {
        if delays >= MOST_DELAYS {
            return Err(format!("{said} (put off {delays} times)"));
        }
        let until = match until {
            // Told a time too early again and again, our clock is not the registry's.
            Some(told) => told.max(answered + doubled(Duration::from_secs(1), delays)),
            None => answered + doubled(UNTOLD_WAIT, delays),
        };
        let time = until.duration_since(self.world.now()).unwrap_or_default();
        if time > LONGEST_WAIT {
            return Err(format!(
                "{said} That is {} from now; go on after {}",
                words::time(time),
                httpdate::fmt_http_date(until)
            ));
        }
        if self.is_new_name() {
            self.allowance.nothing_until(until);
        }
        self.wait(time, said);
        Ok(())
    }

    /// Waits until the registry shows the crate: those that need it are refused before.
    fn wait_for_the_index(&mut self, what_it_did: &str) -> Result<(), String> {
        self.count();
        let mut waited = Duration::ZERO;
        let mut told = String::new();
        loop {
            let unknown = match self.world.holds(self.item) {
                Ok(true) => {
                    self.say("published");
                    return Ok(());
                }
                Ok(false) => "the registry does not show it yet".to_owned(),
                Err(said) => said,
            };
            if waited >= INDEX_WAIT {
                return Err(format!(
                    "the registry {what_it_did}, but after {} it could not be seen there: {unknown}",
                    words::time(waited)
                ));
            }
            // Once for each reason: it is asked many times.
            if told != unknown {
                let most = words::time(INDEX_WAIT.saturating_sub(waited));
                self.say(&format!("waiting, {most} at most: {unknown}"));
                told = unknown;
            }
            self.world.wait(INDEX_POLL);
            waited += INDEX_POLL;
        }
    }
}

/// The wait after the `nth` failure in a row, each twice as long as the one before.
fn doubled(first: Duration, nth: u32) -> Duration {
    let factor = 2_u32.saturating_pow(nth.saturating_sub(1));
    first.saturating_mul(factor).min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests;
