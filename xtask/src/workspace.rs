//! The packages of the workspace, as cargo reads their manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};
use xshell::Shell;

use crate::shell::cargo;

/// The workspace and its published packages.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The published packages, each after those that it depends on.
    pub(crate) packages: Vec<Package>,
    /// The target directory.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo for the workspace in the current directory of the shell.
    pub(crate) fn read(sh: &Shell) -> Result<Self> {
        let metadata = cargo(sh, "metadata --format-version 1 --no-deps --locked");
        Self::of(MetadataCommand::parse(metadata.quiet().read()?)?)
    }

    fn of(metadata: Metadata) -> Result<Self> {
        let target = metadata.target_directory.into_std_path_buf();
        // An empty list is `publish = false`; no list means anywhere.
        let is_published =
            |package: &Package| package.publish.as_ref().is_none_or(|list| !list.is_empty());
        let packages = metadata.packages.into_iter().filter(is_published);
        let packages = in_order(
            packages
                .map(|package| (package.name.to_string(), package))
                .collect(),
        )?;
        Ok(Self { packages, target })
    }

    /// Returns the packages of these names, or all of them if there is no name.
    ///
    /// # Errors
    ///
    /// Fails if a name is not that of a published package.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&Package>> {
        let known = self.names();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            bail!(
                "no package `{unknown}` is published from here; the packages are {}",
                known.join(", ")
            );
        }
        let is_selected = |package: &&Package| names.is_empty() || names.contains(&package.name);
        Ok(self.packages.iter().filter(is_selected).collect())
    }

    /// Returns the names of the published packages.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.packages
            .iter()
            .map(|package| package.name.as_str())
            .collect()
    }
}

/// Returns the features of a package without `default`.
pub(crate) fn features(package: &Package) -> impl Iterator<Item = &str> {
    package
        .features
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "default")
}

/// Returns the names of the packages of the workspace that users compile with this one.
pub(crate) fn uses(package: &Package) -> impl Iterator<Item = &str> {
    let is_used = |dependency: &&Dependency| {
        dependency.path.is_some() && dependency.kind != DependencyKind::Development
    };
    let used = package.dependencies.iter().filter(is_used);
    used.map(|dependency| dependency.name.as_str())
}

/// Sorts packages so that each comes after those that it depends on.
fn in_order(mut waiting: BTreeMap<String, Package>) -> Result<Vec<Package>> {
    let mut sorted = Vec::new();
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.keys().cloned().collect();
        // A development dependency without a version is not published, and may point upwards.
        let is_ready = |package: &Package| {
            let published = package.dependencies.iter().filter(|dependency| {
                dependency.kind != DependencyKind::Development || dependency.req.to_string() != "*"
            });
            published
                .filter(|dependency| dependency.path.is_some())
                .all(|dependency| !names.contains(&dependency.name))
        };
        let ready = names
            .iter()
            .find(|name| waiting.get(*name).is_some_and(is_ready));
        let ready =
            ready.with_context(|| format!("these packages depend on one another: {names:?}"))?;
        sorted.extend(waiting.remove(ready));
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::read(&crate::shell::at_root().unwrap()).unwrap()
    }

    #[test]
    fn each_published_package_comes_after_those_it_uses() {
        let workspace = workspace();
        let names = workspace.names();
        assert!(
            names.contains(&"blaxel") && !names.contains(&"xtask"),
            "{names:?}"
        );
        for (at, package) in workspace.packages.iter().enumerate() {
            for used in uses(package) {
                assert!(
                    names[..at].contains(&used),
                    "{} before {used}",
                    package.name
                );
            }
        }
    }

    #[test]
    fn an_unknown_package_is_refused_with_the_known_ones() {
        let workspace = workspace();
        assert_eq!(
            workspace.select(&["blaxel-core".to_owned()]).unwrap().len(),
            1
        );
        assert_eq!(
            workspace.select(&[]).unwrap().len(),
            workspace.packages.len()
        );
        let refusal = workspace
            .select(&["blaxel-kite".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            refusal.contains("`blaxel-kite`") && refusal.contains("blaxel-core"),
            "{refusal}"
        );
    }
}
