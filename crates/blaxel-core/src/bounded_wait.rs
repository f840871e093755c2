//! [`bounded_wait`], for adding waits to instants.

use std::time::Duration;

/// Maximum wait: 30 years, which every clock can add to its current time.
const MAX_WAIT: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns `wait`, or 30 years if it is longer.
///
/// Settings and servers may give any duration, and `Instant::now() + Duration::MAX` panics. So every
/// wait passes through this function before it is added to an instant.
#[must_use]
pub fn bounded_wait(wait: Duration) -> Duration {
    wait.min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Instant, SystemTime};

    #[test]
    fn any_wait_can_be_added_to_the_current_time() {
        for wait in [Duration::ZERO, MAX_WAIT, Duration::MAX] {
            assert!(Instant::now().checked_add(bounded_wait(wait)).is_some());
            assert!(SystemTime::now().checked_add(bounded_wait(wait)).is_some());
        }
    }
}
