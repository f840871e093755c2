//! The kernel features that a sandbox is created with.

use std::collections::BTreeMap;

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};

/// The value of a feature that is on.
const ENABLED: &str = "enabled";

/// The value of a feature that is off.
const DISABLED: &str = "disabled";

open_enum! {
    /// A feature of the kernel that a sandbox runs on.
    pub enum ExtraArg {
        /// The packet filter `iptables`.
        Iptables = "iptables",
        /// Mounts of network file systems. Needs the generation `mk3.0`.
        Nfs = "nfs",
        /// Network tunnels. Needs the generation `mk3.1`.
        Tun = "tun",
        /// Android. Needs the generation `mk3.1`, and excludes [`Nfs`](Self::Nfs).
        Android = "android",
        /// Landlock, by which programs restrict themselves. Needs the generation `mk3.1`, and excludes
        /// [`Nfs`](Self::Nfs).
        Landlock = "landlock",
        /// Kernel extensions.
        KernelExtensions = "kernelExtensions",
    }
}

/// Features that exclude each other.
const CONFLICTS: [(ExtraArg, ExtraArg); 2] = [
    (ExtraArg::Android, ExtraArg::Nfs),
    (ExtraArg::Landlock, ExtraArg::Nfs),
];

/// The kernel features of a sandbox, each with a value: `enabled`, `disabled`, or another one that the platform
/// introduces later. They cannot be changed after creation.
///
/// ```
/// use blaxel_management::sandboxes::{ExtraArg, ExtraArgs, Sandbox};
///
/// let features = ExtraArgs::new().enable(ExtraArg::Iptables).enable(ExtraArg::Tun);
/// let sandbox = Sandbox::new("gateway").extra_args(features);
/// # let _ = sandbox;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExtraArgs(BTreeMap<String, String>);

impl ExtraArgs {
    /// Creates an empty set, so the platform's defaults apply.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enables a feature.
    #[must_use]
    pub fn enable(self, feature: impl Into<ExtraArg>) -> Self {
        self.set(feature, ENABLED)
    }

    /// Disables a feature.
    #[must_use]
    pub fn disable(self, feature: impl Into<ExtraArg>) -> Self {
        self.set(feature, DISABLED)
    }

    /// Sets a feature to a value of your own, replacing an earlier one.
    #[must_use]
    pub fn set(mut self, feature: impl Into<ExtraArg>, value: impl Into<String>) -> Self {
        let feature = feature.into().as_str().to_owned();
        self.0.insert(feature, value.into());
        self
    }

    /// Returns the value of a feature, or `None` if it is not set.
    #[must_use]
    pub fn get(&self, feature: &ExtraArg) -> Option<&str> {
        self.0.get(feature.as_str()).map(String::as_str)
    }

    /// Returns `true` if the feature is set to `enabled`.
    #[must_use]
    pub fn is_enabled(&self, feature: &ExtraArg) -> bool {
        self.get(feature) == Some(ENABLED)
    }

    /// Returns the features and their values, ordered by the names of the features.
    pub fn iter(&self) -> impl Iterator<Item = (ExtraArg, &str)> {
        self.0
            .iter()
            .map(|(feature, value)| (ExtraArg::from(feature.as_str()), value.as_str()))
    }

    /// Returns two enabled features that are known to exclude each other, if there are any. The server refuses to
    /// create such a sandbox. It is not checked before a request, because the platform may lift such a restriction.
    ///
    /// ```
    /// use blaxel_management::sandboxes::{ExtraArg, ExtraArgs};
    ///
    /// let features = ExtraArgs::new().enable(ExtraArg::Nfs).enable(ExtraArg::Landlock);
    /// assert_eq!(features.conflict(), Some((ExtraArg::Landlock, ExtraArg::Nfs)));
    /// ```
    #[must_use]
    pub fn conflict(&self) -> Option<(ExtraArg, ExtraArg)> {
        CONFLICTS
            .into_iter()
            .find(|(one, other)| self.is_enabled(one) && self.is_enabled(other))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for ExtraArgs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(features: I) -> Self {
        let texts = |(feature, value): (K, V)| (feature.into(), value.into());
        Self(features.into_iter().map(texts).collect())
    }
}

impl From<BTreeMap<String, String>> for ExtraArgs {
    fn from(features: BTreeMap<String, String>) -> Self {
        Self(features)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_and_values_that_are_unknown_survive_a_round_trip() {
        let document = json!({"gpu": "partial", "tun": "enabled", "nfs": "disabled"});
        let features: ExtraArgs = serde_json::from_value(document.clone()).unwrap();
        assert!(features.is_enabled(&ExtraArg::Tun) && !features.is_enabled(&ExtraArg::Nfs));
        assert_eq!(features.get(&ExtraArg::from("gpu")), Some("partial"));
        assert_eq!(features.get(&ExtraArg::Iptables), None);
        let listed: Vec<_> = features.iter().map(|(feature, _)| feature).collect();
        assert_eq!(
            listed,
            [ExtraArg::from("gpu"), ExtraArg::Nfs, ExtraArg::Tun]
        );
        assert_eq!(serde_json::to_value(&features).unwrap(), document);
    }

    #[test]
    fn only_enabled_features_conflict() {
        let nfs = ExtraArgs::new().enable(ExtraArg::Nfs);
        assert_eq!(nfs.conflict(), None);
        assert_eq!(nfs.clone().disable(ExtraArg::Android).conflict(), None);
        let expected = Some((ExtraArg::Android, ExtraArg::Nfs));
        assert_eq!(nfs.enable(ExtraArg::Android).conflict(), expected);
    }
}
