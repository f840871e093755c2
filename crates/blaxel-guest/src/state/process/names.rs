//! [`Names`], the names of processes that are being started.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// The names that requests hold until their processes run.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<Mutex<HashSet<String>>>);

/// A name that no other request can have meanwhile. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct NameClaim {
    names: Names,
    name: String,
}

impl Names {
    /// Claims a name, unless it is claimed or `is_used` says that a process has it.
    pub(super) fn claim(&self, name: &str, is_used: impl FnOnce() -> bool) -> Option<NameClaim> {
        let mut claimed = lock(&self.0);
        // Under the lock: the process of a claim is there before the claim is gone.
        if is_used() || !claimed.insert(name.to_owned()) {
            return None;
        }
        Some(NameClaim {
            names: self.clone(),
            name: name.to_owned(),
        })
    }
}

impl Drop for NameClaim {
    fn drop(&mut self) {
        lock(&self.names.0).remove(&self.name);
    }
}
