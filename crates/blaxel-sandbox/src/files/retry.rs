//! Delays between attempts.

use std::time::Duration;

/// Delays that double from 0.2 to 2 seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Counts a failed attempt. Returns the delay before the next one, or `None` if there were `retries`
    /// further attempts already.
    pub(crate) fn next(&mut self, retries: u32) -> Option<Duration> {
        if self.failed >= retries {
            return None;
        }
        let delay = 200_u64 << self.failed.min(4);
        self.failed += 1;
        Some(Duration::from_millis(delay.min(2000)))
    }

    /// Starts again after a success.
    pub(crate) fn reset(&mut self) {
        self.failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_two_seconds() {
        let mut attempts = Attempts::default();
        let delays = std::iter::from_fn(|| attempts.next(6)).map(|delay| delay.as_millis());
        assert_eq!(
            delays.collect::<Vec<_>>(),
            [200, 400, 800, 1600, 2000, 2000]
        );
        attempts.reset();
        assert!(attempts.next(1).is_some());
        assert!(attempts.next(1).is_none());
    }
}
