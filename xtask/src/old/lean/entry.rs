//! What is held to a budget: a crate with a choice of its features.

use std::fmt;

use crate::old::outside::Features;
use crate::old::workspace::Package;

/// A crate as one kind of user takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) package: String,
    pub(super) features: Features,
}

impl Entry {
    /// What the budget file calls the choice of features.
    pub(super) fn choice(&self) -> &str {
        match &self.features {
            Features::Default => "default",
            Features::Bare => BARE,
            Features::Only(feature) => feature,
        }
    }
}

/// What the budget file calls a crate without any feature.
pub(super) const BARE: &str = "bare";

/// The entries of a package: bare, by default, and with each feature alone on top of bare.
///
/// The features are read from the manifest, so that a new one needs a budget from its first day on.
pub(super) fn of(package: &Package) -> Vec<Entry> {
    let mut choices = vec![Features::Bare];
    // All are the same where there is nothing to choose.
    if !package.features.is_empty() {
        choices.push(Features::Default);
        choices.extend(package.features.iter().cloned().map(Features::Only));
    }
    let name = &package.name;
    let entry = |features| Entry {
        package: name.clone(),
        features,
    };
    choices.into_iter().map(entry).collect()
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let package = &self.package;
        match &self.features {
            Features::Default => write!(f, "{package} by default"),
            Features::Bare => write!(f, "{package} bare"),
            Features::Only(feature) => write!(f, "{package} with `{feature}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::old::workspace::Workspace;

    fn choices(package: &str) -> Vec<String> {
        let workspace = Workspace::read(&crate::old::root()).unwrap();
        let entries = of(workspace.package(package).unwrap());
        entries
            .iter()
            .map(|entry| entry.choice().to_owned())
            .collect()
    }

    #[test]
    fn every_feature_has_an_entry_beside_bare_and_default() {
        assert_eq!(
            choices("blaxel-inference"),
            ["bare", "default", "callback", "chrono", "jiff", "mcp"]
        );
    }

    #[test]
    fn a_crate_without_features_has_one_entry() {
        assert_eq!(choices("blaxel-emulator"), ["bare"]);
    }
}
