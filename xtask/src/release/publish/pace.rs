//! The limit of a registry on names that it does not know.

use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};

use super::Item;

/// A limit on new names: so many at once, then one each period. Known names do not count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    burst: u32,
    period: Duration,
    /// The time at which nothing is left. At the start nothing is used, as far as is known.
    empty: SystemTime,
}

impl Pace {
    /// Parses `5/600`: five at once, then one every 600 seconds.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (burst, seconds) = text.split_once('/').unwrap_or_default();
        let (Ok(burst @ 1..=1000), Ok(seconds @ 0..=86_400)) = (burst.parse(), seconds.parse())
        else {
            bail!("`--new-names` takes N/SECONDS, such as 5/600, and not `{text}`");
        };
        Ok(Self {
            burst,
            period: Duration::from_secs(seconds),
            empty: SystemTime::UNIX_EPOCH,
        })
    }

    /// Returns the time until one new name may go up.
    pub(super) fn wait(&self, now: SystemTime) -> Duration {
        let next = self.empty + self.period;
        next.duration_since(now).unwrap_or_default()
    }

    /// Returns how many of these crates may go up at once, in their order.
    pub(super) fn group(mut self, items: &[&Item], now: SystemTime) -> usize {
        let may_go = |item: &&&Item| {
            let may_go = !item.is_new_name() || self.wait(now).is_zero();
            self.take(item, now);
            may_go
        };
        items.iter().take_while(may_go).count()
    }

    /// Counts a crate that went up.
    pub(super) fn take(&mut self, item: &Item, now: SystemTime) {
        if item.is_new_name() {
            let full = now - self.period * self.burst;
            self.empty = self.empty.max(full) + self.period;
        }
    }

    /// Notes that the registry takes one new name at this time, and none before.
    pub(super) fn none_until(&mut self, time: SystemTime) {
        self.empty = time - self.period;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::item;
    use super::*;
    use crate::release::registry::Standing;

    #[test]
    fn names_go_up_in_a_burst_then_one_each_period() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let [known, new] = [Standing::Name, Standing::Nothing].map(|it| item("kite", it));
        let items: Vec<&Item> = [&known].into_iter().chain([&new; 9]).collect();
        let mut pace = Pace::parse("5/600").unwrap();
        assert_eq!(pace.group(&items, start), 6);
        (0..5).for_each(|_| pace.take(&new, start));
        for (after, wait, group) in [(0, 10, 1), (7, 3, 1), (10, 0, 2), (20, 0, 3), (9999, 0, 6)] {
            let now = start + minutes(after);
            assert_eq!(pace.wait(now), minutes(wait), "after {after} min");
            assert_eq!(pace.group(&items, now), group, "after {after} min");
        }
        pace.none_until(start + minutes(4));
        assert_eq!(pace.wait(start), minutes(4));
        assert_eq!(pace.group(&items, start + minutes(4)), 2);
        assert_eq!(Pace::parse("1/0").unwrap().group(&items, start), 10);
        for odd in ",5,0/600,5/,-1/600,5/600s,5/600/1,5/99999999999".split(',') {
            assert!(Pace::parse(odd).is_err(), "{odd}");
        }
    }
}
