//! How long to rest between two tries.

use std::time::Duration;

/// Rests of one second, two, four and so on, up to a longest one.
#[derive(Clone, Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// They begin with a second.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self {
            next: Duration::from_secs(1),
            longest,
        }
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause.saturating_mul(2);
        pause
    }
}

/// A time, and up to a quarter of it more, by chance: so that many who wait do not come back at once.
#[cfg(feature = "sandboxes")]
pub(crate) fn jittered(time: Duration) -> Duration {
    use std::hash::BuildHasher;

    // The standard library seeds its hashers by chance, which is as much of it as is needed here.
    let chance = std::hash::RandomState::new().hash_one(()) as u32;
    time + time.mul_f64(f64::from(chance) / f64::from(u32::MAX) / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = Pauses::up_to(Duration::from_secs(5));
        let seconds: Vec<u64> = (0..5).map(|_| pauses.next().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 5, 5]);
    }

    #[cfg(feature = "sandboxes")]
    #[test]
    fn chance_adds_at_most_a_quarter() {
        let time = Duration::from_secs(4);
        let drawn: Vec<Duration> = (0..100).map(|_| jittered(time)).collect();
        assert!(
            drawn
                .iter()
                .all(|&drawn| drawn >= time && drawn <= time * 5 / 4)
        );
        assert!(drawn.iter().any(|&other| other != drawn[0]));
    }
}
