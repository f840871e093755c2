//! Backoff between attempts and between polls.

use std::time::Duration;

/// An exponential backoff that doubles up to a maximum.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Creates a backoff whose delays are from one second to `max`.
    pub(crate) fn up_to(max: Duration) -> Self {
        Self {
            next: Duration::from_secs(1),
            max,
        }
    }

    /// Creates a backoff whose delays are from `first` to `max`.
    #[cfg(feature = "sandboxes")]
    pub(crate) fn between(first: Duration, max: Duration) -> Self {
        Self { next: first, max }
    }

    /// Returns the next delay.
    pub(crate) fn next(&mut self) -> Duration {
        let delay = self.next.min(self.max);
        self.next = delay.saturating_mul(2);
        delay
    }
}

/// Adds up to a quarter of the delay at random, so that clients that wait for the same event do not all retry
/// at the same moment.
#[cfg(feature = "sandboxes")]
pub(crate) fn jittered(delay: Duration) -> Duration {
    use std::hash::BuildHasher;

    // The standard library seeds its hashers randomly, which is random enough here.
    let random = std::hash::RandomState::new().hash_one(()) as u32;
    delay.saturating_add(delay.mul_f64(f64::from(random) / f64::from(u32::MAX) / 4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let mut backoff = Backoff::up_to(Duration::from_secs(5));
        let seconds: Vec<u64> = (0..5).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 5, 5]);
    }

    #[cfg(feature = "sandboxes")]
    #[test]
    fn jitter_adds_at_most_a_quarter() {
        let delay = Duration::from_secs(4);
        let drawn: Vec<Duration> = (0..100).map(|_| jittered(delay)).collect();
        assert!(
            drawn
                .iter()
                .all(|&drawn| drawn >= delay && drawn <= delay * 5 / 4)
        );
        assert!(drawn.iter().any(|&other| other != drawn[0]));
    }
}
