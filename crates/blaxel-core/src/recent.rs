//! The ids of the last items of a list.

use std::collections::{HashSet, VecDeque};

/// Finds the fingerprint of an item's id.
type Fingerprint<T> = Box<dyn Fn(&T) -> u64 + Send>;

/// Remembers the ids of the last so many items, and forgets the oldest for each new one.
pub(crate) struct Recent<T> {
    window: usize,
    id: Fingerprint<T>,
    known: HashSet<u64>,
    in_order: VecDeque<u64>,
}

impl<T> Recent<T> {
    pub(crate) fn new(window: usize, id: Fingerprint<T>) -> Self {
        Self {
            window,
            id,
            known: HashSet::new(),
            in_order: VecDeque::new(),
        }
    }

    /// Whether the item is among those remembered. If not, it is from now on.
    pub(crate) fn has(&mut self, item: &T) -> bool {
        let id = (self.id)(item);
        if self.known.contains(&id) {
            return true;
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
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(window: usize) -> Recent<u64> {
        Recent::new(window, Box::new(|item| *item))
    }

    #[test]
    fn the_window_bounds_what_is_remembered() {
        let mut recent = recent(2);
        let seen: Vec<bool> = [1, 2, 1, 3, 1, 1].iter().map(|id| recent.has(id)).collect();
        // The 3 takes the place of the 1, and the next 1 that of the 2.
        assert_eq!(seen, [false, false, true, false, false, true]);
        assert_eq!(recent.known.len(), 2);
    }

    #[test]
    fn a_window_of_nothing_remembers_nothing() {
        let mut recent = recent(0);
        assert!(!recent.has(&1) && !recent.has(&1));
    }
}
