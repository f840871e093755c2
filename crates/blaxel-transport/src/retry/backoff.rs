//! The delay before the next attempt: exponential backoff with full jitter.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use blaxel_core::__private::bounded_wait;

use super::policy::RetryPolicy;

/// Random numbers that spread the delays, from the generator `SplitMix64`. They need not be
/// unpredictable, only different for each client.
#[derive(Debug)]
pub(super) struct Jitter(AtomicU64);

impl Jitter {
    /// Creates a generator from a seed, or from a random one.
    pub(super) fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0_u8));
        Self(AtomicU64::new(seed))
    }

    /// Returns the next number, from 0 up to but not including 1.
    fn next(&self) -> f64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        // An `f64` represents 53 bits exactly.
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl RetryPolicy {
    /// Returns the delay after `sent` attempts. `hint` is the wait that the server asks for; the
    /// result is `None` if it is longer than the policy allows.
    pub(super) fn delay(
        &self,
        sent: u32,
        hint: Option<Duration>,
        jitter: &Jitter,
    ) -> Option<Duration> {
        match hint {
            Some(hint) => (hint <= self.max_retry_after).then_some(hint),
            None => Some(bounded_wait(self.upper_limit(sent)).mul_f64(jitter.next())),
        }
    }

    /// Returns the upper limit of the delay after `sent` attempts.
    fn upper_limit(&self, sent: u32) -> Duration {
        let doublings = sent.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.max_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_maximum_delay_doubles_up_to_a_limit() {
        let policy = RetryPolicy::new();
        let millis: Vec<_> = (1..8)
            .map(|sent| policy.upper_limit(sent).as_millis())
            .collect();
        assert_eq!(millis, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(policy.upper_limit(u32::MAX).as_secs(), 5);
    }

    #[test]
    fn a_servers_hint_is_followed_unless_it_is_too_long() {
        let (policy, jitter) = (RetryPolicy::new(), Jitter::new(Some(1)));
        let delay = |seconds| policy.delay(1, Some(Duration::from_secs(seconds)), &jitter);
        assert_eq!(delay(0), Some(Duration::ZERO));
        assert_eq!(delay(30), Some(Duration::from_secs(30)));
        assert_eq!(delay(31), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let draw = |seed| {
            let jitter = Jitter::new(seed);
            (0..5).map(|_| jitter.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(Some(7)), draw(Some(7)));
        assert_ne!(draw(Some(7)), draw(Some(8)));
        assert_ne!(draw(None), draw(None));
    }

    proptest! {
        #[test]
        fn no_delay_exceeds_its_maximum(seed: u64, sent in 1u32..100, base in 0u64..100_000) {
            let policy = RetryPolicy::new().base_delay(Duration::from_millis(base));
            let jitter = Jitter::new(Some(seed));
            let delay = policy.delay(sent, None, &jitter).unwrap();
            prop_assert!(delay <= policy.upper_limit(sent) && delay <= Duration::from_secs(5));
        }
    }
}
