//! [`Faults`], those that no request has met yet.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;

use super::Fault;
use super::saved::SavedFault;
use crate::lock::lock;

/// The faults that are still to be applied, by operation, in the order in which they were added. A
/// name that ends in `*` stands for all operations that begin so.
#[derive(Default)]
pub(crate) struct Faults(Mutex<HashMap<String, VecDeque<Waiting>>>);

/// A fault and the number of requests that are still to meet it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) fault: Fault,
    pub(crate) times: u32,
    /// The name of the incident that it is a part of.
    pub(crate) incident: Option<&'static str>,
}

impl Faults {
    pub(crate) fn add(&self, operation: &str, fault: Fault, times: u32) {
        self.add_of(None, operation, fault, times);
    }

    /// Adds a fault that may be a part of an incident.
    pub(crate) fn add_of(
        &self,
        incident: Option<&'static str>,
        operation: &str,
        fault: Fault,
        times: u32,
    ) {
        if times > 0 {
            let mut waiting = lock(&self.0);
            let queue = waiting.entry(operation.to_owned()).or_default();
            queue.push_back(Waiting {
                fault,
                times,
                incident,
            });
        }
    }

    /// Returns the next fault of an operation. Those for it alone come first, then those of the
    /// longest name that stands for several.
    pub(crate) fn take(&self, operation: &str) -> Option<Fault> {
        let mut waiting = lock(&self.0);
        let fits = |name: &&String| stands_for(name, operation);
        let name = waiting.keys().filter(fits).max_by_key(|name| {
            let is_exact = name.as_str() == operation;
            (is_exact, name.len())
        });
        let name = name?.clone();
        let queue = waiting.get_mut(&name)?;
        let first = queue.front_mut()?;
        first.times -= 1;
        let fault = first.fault.clone();
        if first.times == 0 {
            queue.pop_front();
        }
        if queue.is_empty() {
            waiting.remove(&name);
        }
        Some(fault)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting_by_operation().values().sum()
    }

    /// Returns the number of faults that no request has met yet, by operation.
    pub(crate) fn waiting_by_operation(&self) -> BTreeMap<String, u32> {
        let waiting = lock(&self.0);
        let counts = waiting.iter().map(|(operation, faults)| {
            let count = faults.iter().map(|waiting| waiting.times).sum();
            (operation.clone(), count)
        });
        counts.collect()
    }

    /// Returns the faults that no request has met yet, by operation.
    pub(crate) fn all(&self) -> BTreeMap<String, Vec<Waiting>> {
        let waiting = lock(&self.0);
        let lists = waiting
            .iter()
            .map(|(operation, faults)| (operation.clone(), faults.iter().cloned().collect()));
        lists.collect()
    }

    /// Returns the faults as they can be saved, by operation and in their order.
    pub(crate) fn save(&self) -> Vec<SavedFault> {
        let saved = self.all().into_iter().flat_map(|(operation, faults)| {
            let saved = move |waiting: Waiting| SavedFault {
                operation: operation.clone(),
                times: waiting.times,
                fault: waiting.fault,
                incident: waiting.incident.map(str::to_owned),
            };
            faults.into_iter().map(saved)
        });
        saved.collect()
    }

    /// Removes the faults of an operation.
    pub(crate) fn remove(&self, operation: &str) {
        lock(&self.0).remove(operation);
    }

    /// Removes the faults of an incident.
    pub(crate) fn remove_of(&self, incident: &str) {
        let mut waiting = lock(&self.0);
        for faults in waiting.values_mut() {
            faults.retain(|fault| fault.incident != Some(incident));
        }
        waiting.retain(|_, faults| !faults.is_empty());
    }

    /// Removes all faults.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}

/// Returns `true` if a name stands for an operation.
pub(crate) fn stands_for(name: &str, operation: &str) -> bool {
    match name.strip_suffix('*') {
        Some(start) => operation.starts_with(start),
        None => name == operation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_operation_itself_comes_before_those_of_several() {
        let faults = Faults::default();
        faults.add("*", Fault::cut(1), 1);
        faults.add("List*", Fault::cut(2), 1);
        faults.add("ListAgents", Fault::cut(3), 2);
        let mut taken = Vec::new();
        while let Some(fault) = faults.take("ListAgents") {
            taken.push(format!("{fault:?}"));
        }
        let expected = [3, 3, 2, 1].map(|after| format!("{:?}", Fault::cut(after)));
        assert_eq!(taken, expected);
        assert_eq!(faults.waiting(), 0);
        faults.add("List*", Fault::cut(2), 1);
        assert!(faults.take("GetAgent").is_none());
    }

    #[test]
    fn the_faults_of_an_incident_are_removed_alone() {
        let faults = Faults::default();
        faults.add("ListAgents", Fault::cut(1), 1);
        faults.add_of(Some("shuffled-list"), "ListAgents", Fault::reversed(), 2);
        faults.add_of(Some("shuffled-list"), "GetAgent", Fault::reversed(), 1);
        assert_eq!(faults.waiting(), 4);
        faults.remove_of("shuffled-list");
        let left = faults.all();
        assert_eq!(left.len(), 1);
        assert_eq!(left["ListAgents"].len(), 1);
        assert_eq!(left["ListAgents"][0].incident, None);
        faults.remove("ListAgents");
        assert_eq!(faults.waiting(), 0);
    }
}
