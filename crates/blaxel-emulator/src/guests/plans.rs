//! Plans of tests for the machines of sandboxes, also for those that do not run yet.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use blaxel_guest::SimulatedGuest;

use crate::lock::lock;

/// A change of a simulated machine.
pub(crate) type Plan = Arc<dyn Fn(&SimulatedGuest) + Send + Sync>;

/// The plans by sandbox, in the order in which they were made.
#[derive(Default)]
pub(super) struct Plans(Mutex<HashMap<String, Vec<Plan>>>);

impl Plans {
    pub(super) fn add(&self, sandbox: &str, plan: Plan) {
        lock(&self.0)
            .entry(sandbox.to_owned())
            .or_default()
            .push(plan);
    }

    /// Carries the plans for a sandbox out.
    pub(super) fn apply(&self, sandbox: &str, machine: &SimulatedGuest) {
        let plans = lock(&self.0).get(sandbox).cloned();
        for plan in plans.into_iter().flatten() {
            plan(machine);
        }
    }

    /// Removes the plans for a sandbox.
    pub(super) fn remove(&self, sandbox: &str) {
        lock(&self.0).remove(sandbox);
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").finish_non_exhaustive()
    }
}
