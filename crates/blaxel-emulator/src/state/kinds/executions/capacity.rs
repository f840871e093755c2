//! The number of tasks that all executions of a workspace may run at the same time.

use std::time::Duration;

/// The part of the capacity that an execution needs while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) starts: Duration,
    pub(crate) ends: Duration,
    pub(crate) tasks: usize,
}

impl Share {
    fn is_used_at(&self, time: Duration) -> bool {
        self.starts <= time && time < self.ends
    }
}

/// Returns `true` if `tasks` fit in beside all executions that have not ended, also those that still wait.
pub(crate) fn has_room(shares: &[Share], now: Duration, tasks: usize, capacity: usize) -> bool {
    let open = shares.iter().filter(|share| share.ends > now);
    sum(open).saturating_add(tasks) <= capacity
}

/// Returns the first time from `from` on at which `tasks` fit in, and no execution starts later: nobody overtakes.
pub(crate) fn earliest(
    shares: &[Share],
    from: Duration,
    tasks: usize,
    capacity: usize,
) -> Duration {
    let last_start = shares.iter().map(|share| share.starts).max();
    let from = from.max(last_start.unwrap_or(from));
    let mut times: Vec<_> = shares.iter().map(|share| share.ends).collect();
    times.retain(|time| *time > from);
    times.sort_unstable();
    let fits = |time: &Duration| {
        let used = shares.iter().filter(|share| share.is_used_at(*time));
        sum(used).saturating_add(tasks) <= capacity
    };
    // At the last of these times, nothing else runs any more.
    let last = times.last().copied().unwrap_or(from);
    std::iter::once(from)
        .chain(times)
        .find(fits)
        .unwrap_or(last)
}

fn sum<'a>(shares: impl Iterator<Item = &'a Share>) -> usize {
    shares.fold(0, |sum, share| sum.saturating_add(share.tasks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn share(starts: u64, ends: u64, tasks: usize) -> Share {
        Share {
            starts: seconds(starts),
            ends: seconds(ends),
            tasks,
        }
    }

    #[test]
    fn an_execution_starts_when_enough_others_have_ended() {
        let shares = [share(0, 10, 2), share(0, 20, 1)];
        for (from, tasks, starts) in [(5, 1, 5), (5, 2, 10), (5, 3, 10), (5, 4, 20), (30, 4, 30)] {
            assert_eq!(
                earliest(&shares, seconds(from), tasks, 4),
                seconds(starts),
                "{tasks}"
            );
        }
        assert_eq!(earliest(&[], seconds(7), 3, 4), seconds(7));
    }

    #[test]
    fn an_execution_does_not_overtake_one_that_waits() {
        let shares = [share(0, 10, 3), share(10, 20, 4)];
        assert_eq!(earliest(&shares, seconds(1), 1, 4), seconds(20));
        assert!(!has_room(&shares, seconds(1), 1, 4));
        assert!(has_room(&shares, seconds(10), 0, 4));
        assert!(has_room(&shares, seconds(20), 4, 4));
    }
}
