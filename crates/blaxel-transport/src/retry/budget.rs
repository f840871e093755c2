//! How much may be tried again before enough has succeeded.

use std::sync::atomic::{AtomicU32, Ordering};

const CAPACITY: u32 = 500;
const COST: u32 = 5;
const COST_WITHOUT_ANSWER: u32 = 10;

/// What all clones of a client have left for retries.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }
}

impl Budget {
    /// Takes what a retry costs; `false` if there is not as much.
    pub(super) fn withdraw(&self, answered: bool) -> bool {
        let cost = if answered { COST } else { COST_WITHOUT_ANSWER };
        let take = |left: u32| left.checked_sub(cost);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// Gives a little back for a success.
    pub(super) fn refund(&self) {
        let give = |left: u32| (left < CAPACITY).then_some(left + 1);
        // A full budget, as it mostly is, is not written to.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stop_when_it_is_used_up_and_successes_bring_them_back() {
        let budget = Budget::default();
        budget.refund();
        let answered = (0..200).filter(|_| budget.withdraw(true)).count();
        assert_eq!(answered, 100);
        for _ in 0..9 {
            budget.refund();
        }
        assert!(!budget.withdraw(false));
        budget.refund();
        assert!(budget.withdraw(false));
        assert!(!budget.withdraw(true));
    }
}
