//! The retry budget, which limits retries until enough requests have succeeded.

use std::sync::atomic::{AtomicU32, Ordering};

/// Initial and maximum balance.
const CAPACITY: u32 = 500;
/// Cost of a retry after an error response.
const COST: u32 = 5;
/// Cost of a retry after an attempt without a response.
const COST_WITHOUT_RESPONSE: u32 = 10;

/// The budget for retries that all clones of a client share.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }
}

impl Budget {
    /// Takes the cost of a retry. Returns `false` if the balance is too low.
    pub(super) fn withdraw(&self, has_response: bool) -> bool {
        let cost = if has_response {
            COST
        } else {
            COST_WITHOUT_RESPONSE
        };
        let take = |left: u32| left.checked_sub(cost);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// Gives one unit back for a success.
    pub(super) fn refund(&self) {
        let give = |left: u32| (left < CAPACITY).then_some(left + 1);
        // A full budget, the usual case, is not written to.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stop_when_the_budget_is_used_up_and_successes_refill_it() {
        let budget = Budget::default();
        budget.refund();
        let has_response = (0..200).filter(|_| budget.withdraw(true)).count();
        assert_eq!(has_response, 100);
        for _ in 0..9 {
            budget.refund();
        }
        assert!(!budget.withdraw(false));
        budget.refund();
        assert!(budget.withdraw(false));
        assert!(!budget.withdraw(true));
    }
}
