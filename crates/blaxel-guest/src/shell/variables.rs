//! [`Variables`], the variables of a shell.

use std::collections::BTreeMap;

/// The bytes of all variables of a shell.
const TOTAL: usize = 64 << 20;

/// The variables of a shell.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Variable>,
    bytes: usize,
}

/// A variable. It may have no value yet, as after `export x`.
#[derive(Clone, Debug, Default)]
pub(super) struct Variable {
    pub(super) value: Option<String>,
    pub(super) is_exported: bool,
    pub(super) is_readonly: bool,
}

/// A reason why a variable cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetError {
    Readonly,
    OutOfMemory,
}

impl Variables {
    pub(super) fn new(env: &[(String, String)]) -> Self {
        let mut variables = Self::default();
        for (name, value) in env {
            variables.import(name, value);
        }
        variables
    }

    /// Sets an exported variable.
    pub(super) fn import(&mut self, name: &str, value: &str) {
        let variable = Variable {
            value: Some(value.to_owned()),
            is_exported: true,
            is_readonly: false,
        };
        self.restore(name, Some(variable));
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.value.as_deref()
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        self.values.get(name)
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), SetError> {
        let value = value.into();
        let old = self.values.get(name);
        if old.is_some_and(|old| old.is_readonly) {
            return Err(SetError::Readonly);
        }
        let old_size = old
            .and_then(|old| old.value.as_ref())
            .map_or(0, String::len);
        let bytes = (self.bytes + value.len()).saturating_sub(old_size);
        if bytes > TOTAL {
            return Err(SetError::OutOfMemory);
        }
        self.bytes = bytes;
        self.values.entry(name.to_owned()).or_default().value = Some(value);
        Ok(())
    }

    /// Removes a variable.
    pub(super) fn unset(&mut self, name: &str) -> Result<(), SetError> {
        if self.values.get(name).is_some_and(|old| old.is_readonly) {
            return Err(SetError::Readonly);
        }
        self.restore(name, None);
        Ok(())
    }

    pub(super) fn export(&mut self, name: &str, is_exported: bool) {
        self.values.entry(name.to_owned()).or_default().is_exported = is_exported;
    }

    pub(super) fn set_readonly(&mut self, name: &str) {
        self.values.entry(name.to_owned()).or_default().is_readonly = true;
    }

    /// Puts a variable back as it was.
    pub(super) fn restore(&mut self, name: &str, variable: Option<Variable>) {
        let size = |variable: &Variable| variable.value.as_ref().map_or(0, String::len);
        let new = variable.as_ref().map_or(0, size);
        let old = match variable {
            Some(variable) => self.values.insert(name.to_owned(), variable),
            None => self.values.remove(name),
        };
        let old = old.as_ref().map_or(0, size);
        self.bytes = (self.bytes + new).saturating_sub(old);
    }

    /// Returns the exported variables, by name.
    pub(super) fn exported(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().filter_map(|(name, variable)| {
            let value = variable.value.as_deref()?;
            variable.is_exported.then_some((name.as_str(), value))
        })
    }

    /// Returns all variables, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.values
            .iter()
            .map(|(name, variable)| (name.as_str(), variable))
    }

    /// Removes all that a program does not inherit.
    pub(super) fn keep_exported(&mut self) {
        self.values
            .retain(|_, variable| variable.is_exported && variable.value.is_some());
    }
}
