//! The environment variables of the server, which its processes inherit.

use std::collections::{BTreeMap, BTreeSet};

/// The variables of the server's own process.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    /// The variables that the last document set.
    applied: BTreeSet<String>,
}

impl Environment {
    pub(crate) fn new(variables: BTreeMap<String, String>) -> Self {
        Self {
            variables,
            applied: BTreeSet::new(),
        }
    }

    /// Returns the value of a variable; `None` if it is not set or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns all variables.
    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Sets the variables of a document, and removes those that only an earlier document had set.
    /// Returns the number of removed ones.
    pub(crate) fn apply(&mut self, document: BTreeMap<String, String>) -> usize {
        let before = std::mem::take(&mut self.applied);
        let gone = before.iter().filter(|name| !document.contains_key(*name));
        let removed = gone
            .filter(|name| self.variables.remove(*name).is_some())
            .count();
        self.applied = document.keys().cloned().collect();
        self.variables.extend(document);
        removed
    }
}
