//! Variables that override the addresses of single workloads.

use std::fmt;
use std::sync::Arc;

use super::address::WorkloadAddress;
use crate::secret::Secret;
use crate::setting::trim_setting;
use crate::source::Source;

/// A kind of workload, by the names used in variables.
pub struct WorkloadKind {
    singular: &'static str,
    plural: &'static str,
}

impl WorkloadKind {
    /// Agents, with `BL_AGENTS_{name}_URL`.
    pub const AGENT: Self = Self::new("AGENT", "AGENTS");
    /// Models, with `BL_MODELS_{name}_URL`.
    pub const MODEL: Self = Self::new("MODEL", "MODELS");
    /// Functions, with `BL_FUNCTIONS_{name}_URL`.
    pub const FUNCTION: Self = Self::new("FUNCTION", "FUNCTIONS");
    /// Sandboxes, with `BL_SANDBOXES_{name}_URL`.
    pub const SANDBOX: Self = Self::new("SANDBOX", "SANDBOXES");

    const fn new(singular: &'static str, plural: &'static str) -> Self {
        Self { singular, plural }
    }
}

/// A source of variables that override addresses.
#[derive(Clone)]
pub struct Overrides(Arc<Variables>);

type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Overrides {
    /// Creates the source of a function that returns the value of a variable.
    #[must_use]
    pub fn new(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(variables))
    }

    /// Returns the address that a variable sets for a workload; an empty variable sets none.
    #[must_use]
    pub fn address(&self, kind: &WorkloadKind, name: &str) -> Option<WorkloadAddress> {
        let name = name.to_uppercase().replace('-', "_");
        [kind.plural, kind.singular].into_iter().find_map(|kind| {
            let variable = format!("BL_{kind}_{name}_URL");
            let text = self.0(&variable)?;
            let url = trim_setting(&text);
            (!url.is_empty()).then(|| WorkloadAddress {
                url: Secret::from(url),
                source: Source::variable(variable),
            })
        })
    }
}

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overrides")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLURAL: &str = "BL_SANDBOXES_MY_BOX_URL";
    const SINGULAR: &str = "BL_SANDBOX_MY_BOX_URL";

    /// Returns the address of the sandbox `my-box` by these variables, and the text of its source.
    fn address(variables: &[(&'static str, &'static str)]) -> Option<(String, String)> {
        let variables = variables.to_vec();
        let overrides = Overrides::new(move |name| {
            let variable = variables.iter().find(|(other, _)| *other == name);
            variable.map(|(_, value)| (*value).to_owned())
        });
        let address = overrides.address(&WorkloadKind::SANDBOX, "my-box")?;
        Some((address.url.expose().to_owned(), address.source.to_string()))
    }

    #[test]
    fn the_variable_of_the_plural_comes_first() {
        let both = [
            (SINGULAR, "https://b.bl.run"),
            (PLURAL, " https://a.bl.run "),
        ];
        let (url, source) = address(&both).unwrap();
        assert_eq!(url, "https://a.bl.run");
        assert!(source.contains(PLURAL), "{source}");
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let (url, source) = address(&[(PLURAL, " "), (SINGULAR, "https://b.bl.run")]).unwrap();
        assert_eq!(url, "https://b.bl.run");
        assert!(source.contains(SINGULAR), "{source}");
    }

    #[test]
    fn variables_of_other_workloads_are_not_read() {
        let others = [
            ("BL_AGENTS_MY_BOX_URL", "https://c.bl.run"),
            ("BL_SANDBOXES_MY_URL", "https://d.bl.run"),
        ];
        assert_eq!(address(&others), None);
    }
}
