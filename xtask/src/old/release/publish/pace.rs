//! How fast a registry takes names that it has not heard before.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// A limit on new names: so many at once, then one each period. New versions of known names do not
/// count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    burst: u32,
    period: Duration,
}

impl Pace {
    /// That of Rust's public registry.
    pub(crate) const PUBLIC: Self = Self {
        burst: 5,
        period: Duration::from_secs(600),
    };

    /// How long after the beginning each of so many new names may go up, the uploads themselves
    /// taking no time.
    pub(super) fn schedule(self, names: usize) -> Vec<Duration> {
        let mut now = SystemTime::UNIX_EPOCH;
        let mut allowance = Allowance::full(Some(self), now);
        let upload = |_| {
            now += allowance.wait(now);
            allowance.take(now);
            now.duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
        };
        (0..names).map(upload).collect()
    }
}

impl FromStr for Pace {
    type Err = String;

    /// Reads `5/600`: five at once, then one every 600 seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parts = parts.and_then(|(burst, period)| {
            Some((
                burst.parse().ok()?,
                period.parse().map(Duration::from_secs).ok()?,
            ))
        });
        match parts {
            Some((burst, period)) if burst > 0 => Ok(Self { burst, period }),
            _ => Err(format!(
                "`--new-names` takes a number of names and of seconds such as 5/600, not `{text}`"
            )),
        }
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.burst, self.period.as_secs())
    }
}

/// What a pace has left for us at some time.
///
/// It fills up by one name each period, up to the burst. What was used up before is not known, so it
/// begins full; if the registry thinks otherwise, it says so.
#[derive(Debug)]
pub(super) struct Allowance {
    pace: Option<Pace>,
    /// When there was, or will be, nothing left. The names left now follow from it.
    empty: SystemTime,
}

impl Allowance {
    /// All that the pace gives; without a pace there is no end to it.
    pub(super) fn full(pace: Option<Pace>, now: SystemTime) -> Self {
        let most = pace.map_or(Duration::ZERO, |pace| pace.period * pace.burst);
        Self {
            pace,
            empty: now.checked_sub(most).unwrap_or(now),
        }
    }

    /// How long a new name has to wait.
    pub(super) fn wait(&self, now: SystemTime) -> Duration {
        let Some(pace) = self.pace else {
            return Duration::ZERO;
        };
        let one = self.empty + pace.period;
        one.duration_since(now).unwrap_or_default()
    }

    /// Counts a new name that went up.
    pub(super) fn take(&mut self, now: SystemTime) {
        if let Some(pace) = self.pace {
            let fullest = now
                .checked_sub(pace.period * pace.burst)
                .unwrap_or(self.empty);
            self.empty = self.empty.max(fullest) + pace.period;
        }
    }

    /// Takes the registry's word that there is nothing left, and one name at this time.
    pub(super) fn nothing_until(&mut self, time: SystemTime) {
        if let Some(pace) = self.pace {
            self.empty = time.checked_sub(pace.period).unwrap_or(self.empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    #[test]
    fn eight_names_take_half_an_hour_on_the_public_registry() {
        let schedule = Pace::PUBLIC.schedule(8);
        let expected = [0, 0, 0, 0, 0, 10, 20, 30].map(minutes);
        assert_eq!(schedule, expected);
    }

    #[test]
    fn what_was_not_used_is_saved_up_to_the_burst_and_no_further() {
        let start = SystemTime::UNIX_EPOCH + minutes(1_000_000);
        let mut allowance = Allowance::full(Some(Pace::PUBLIC), start);
        for _ in 0..5 {
            assert_eq!(allowance.wait(start), Duration::ZERO);
            allowance.take(start);
        }
        assert_eq!(allowance.wait(start), minutes(10));
        assert_eq!(allowance.wait(start + minutes(7)), minutes(3));
        let days_later = start + minutes(10_000);
        for _ in 0..5 {
            assert_eq!(allowance.wait(days_later), Duration::ZERO);
            allowance.take(days_later);
        }
        assert_eq!(allowance.wait(days_later), minutes(10));
    }

    #[test]
    fn the_registry_s_word_goes_before_our_count() {
        let start = SystemTime::UNIX_EPOCH + minutes(1_000_000);
        let mut allowance = Allowance::full(Some(Pace::PUBLIC), start);
        allowance.nothing_until(start + minutes(4));
        assert_eq!(allowance.wait(start), minutes(4));
        allowance.take(start + minutes(4));
        assert_eq!(allowance.wait(start + minutes(4)), minutes(10));
    }

    #[test]
    fn without_a_pace_nothing_waits() {
        let mut allowance = Allowance::full(None, SystemTime::UNIX_EPOCH);
        for _ in 0..100 {
            allowance.take(SystemTime::UNIX_EPOCH);
            assert_eq!(allowance.wait(SystemTime::UNIX_EPOCH), Duration::ZERO);
        }
    }

    #[test]
    fn a_pace_reads_as_it_is_written() {
        assert_eq!("5/600".parse(), Ok(Pace::PUBLIC));
        assert_eq!(Pace::PUBLIC.to_string(), "5/600");
        for odd in ["", "5", "0/600", "5/", "-1/600", "5/600s", "5/600/1"] {
            let refusal = odd.parse::<Pace>().unwrap_err();
            assert!(refusal.contains(&format!("`{odd}`")), "{refusal}");
        }
    }
}
