//! The ids of the most recent items of a list.

use std::collections::{HashSet, VecDeque};

/// The last `window` ids. Each new id replaces the oldest.
#[derive(Debug)]
pub(super) struct Recent {
    window: usize,
    known: HashSet<u64>,
    in_order: VecDeque<u64>,
}

impl Recent {
    /// Creates an empty set of at most `window` ids.
    pub(super) fn new(window: usize) -> Self {
        Self {
            window,
            known: HashSet::new(),
            in_order: VecDeque::new(),
        }
    }

    /// Adds an id. Returns `false` if it is already one of the last `window` ids.
    pub(super) fn add(&mut self, id: u64) -> bool {
        if self.known.contains(&id) {
            return false;
        }
        if self.in_order.len() >= self.window
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        if self.window > 0 {
            self.known.insert(id);
            self.in_order.push_back(id);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_ids_are_remembered() {
        let mut recent = Recent::new(2);
        let new: Vec<bool> = [1, 2, 1, 3, 1, 1].map(|id| recent.add(id)).into();
        // The 3 replaces the 1, and the next 1 replaces the 2.
        assert_eq!(new, [true, true, false, true, true, false]);
        assert_eq!(recent.known.len(), 2);
    }

    #[test]
    fn a_window_of_zero_remembers_nothing() {
        let mut recent = Recent::new(0);
        assert!(recent.add(1) && recent.add(1));
    }
}
