//! The environment variables of the server, which its processes inherit.

use std::collections::BTreeMap;

/// The variables of the server's own process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    pub(crate) fn new(variables: BTreeMap<String, String>) -> Self {
        Self { variables }
    }

    /// Returns the value of a variable; `None` if it is not set or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns all variables.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
