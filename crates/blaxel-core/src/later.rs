//! [`later`], for deadlines of any length.

use std::ops::Add;
use std::time::Duration;

/// Maximum wait: 30 years, which every clock can add to its current time.
const MAX_WAIT: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns `wait`, or 30 years if it is longer.
#[must_use]
pub fn bounded_wait(wait: Duration) -> Duration {
    wait.min(MAX_WAIT)
}

/// Returns the time `wait` after `now`, or 30 years after it if that is earlier. `now` is the current
/// time of any clock.
///
/// Settings and servers may give any duration, and `Instant::now() + Duration::MAX` panics. So a lint
/// forbids the operator, and all crates add with this function.
#[must_use]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the bounded wait fits into every clock"
)]
pub fn later<T: Add<Duration, Output = T>>(now: T, wait: Duration) -> T {
    now + bounded_wait(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Instant, SystemTime};

    #[test]
    fn any_wait_can_be_added_to_the_current_time() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        assert_eq!(later(now, second).duration_since(now), second);
        assert_eq!(later(now, Duration::MAX).duration_since(now), MAX_WAIT);
        assert!(later(SystemTime::now(), Duration::MAX) > SystemTime::now());
    }
}
