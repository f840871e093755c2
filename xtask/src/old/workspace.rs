//! The packages of the workspace that are published, as cargo itself reads the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;
use serde_json::Value;

use crate::old::ci::cargo_in;
use crate::old::run::ask;

/// The workspace: its packages in an order in which they can be published.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

/// A package that is published.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: Version,
    /// Its directory.
    pub(crate) directory: PathBuf,
    /// Its licence, as an SPDX expression.
    pub(crate) license: Option<String>,
    /// Its features by name, `default` left out.
    pub(crate) features: Vec<String>,
    /// Its `[package.metadata]`.
    pub(crate) metadata: Value,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency of a package as its manifest declares it.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) requirement: String,
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    /// For tests, examples and benchmarks. It has to be published as well if it has a version.
    Development,
}

/// Where a dependency comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This workspace.
    Workspace,
    /// Rust's public registry.
    Registry,
    /// Another registry, a git repository or something else that the public registry does not take.
    Elsewhere(String),
}

impl Workspace {
    /// Asks cargo for the workspace at this path.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        Self::read_by(cargo_in(root))
    }

    /// Asks this cargo for the workspace that it is started in.
    pub(crate) fn read_by(mut cargo: Command) -> Result<Self, String> {
        cargo.args(["metadata", "--format-version", "1", "--no-deps", "--locked"]);
        let metadata = serde_json::from_str(&ask(&mut cargo, "`cargo metadata`")?)
            .map_err(|error| format!("`cargo metadata` cannot be understood: {error}"))?;
        Self::parse(&metadata)
    }

    fn parse(metadata: &Value) -> Result<Self, String> {
        let target = PathBuf::from(text(metadata, "target_directory")?);
        let mut packages = Vec::new();
        for package in list(metadata, "packages") {
            // Left out is "anywhere"; an empty list is `publish = false`.
            let nowhere = package["publish"].as_array().is_some_and(Vec::is_empty);
            if !nowhere {
                packages.push(Package::parse(package)?);
            }
        }
        let packages = in_order(packages)?;
        Ok(Self { packages, target })
    }

    /// The packages of these names in publishing order; all of them if none is named.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&Package>, String> {
        let known: Vec<&str> = self.packages.iter().map(|it| it.name.as_str()).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let known = crate::old::list(&known);
            return Err(format!(
                "no crate `{unknown}` is published from here; the crates are {known}"
            ));
        }
        let wanted = |package: &&Package| names.is_empty() || names.contains(&package.name);
        Ok(self.packages.iter().filter(wanted).collect())
    }

    /// The names of all packages.
    pub(crate) fn names(&self) -> Vec<&str> {
        let packages = self.packages.iter();
        packages.map(|package| package.name.as_str()).collect()
    }

    /// The package of this name.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn parse(package: &Value) -> Result<Self, String> {
        let name = text(package, "name")?.to_owned();
        let version = text(package, "version")?;
        let version = Version::parse(version)
            .map_err(|error| format!("{name} has the version {version}: {error}"))?;
        let manifest = PathBuf::from(text(package, "manifest_path")?);
        let directory = manifest.parent().map(Path::to_path_buf).unwrap_or_default();
        let features = package["features"].as_object();
        let features = features.into_iter().flat_map(|features| features.keys());
        let dependencies = list(package, "dependencies").map(Dependency::parse);
        Ok(Self {
            version,
            directory,
            license: package["license"].as_str().map(str::to_owned),
            features: features
                .filter(|feature| *feature != "default")
                .cloned()
                .collect(),
            metadata: package["metadata"].clone(),
            dependencies: dependencies.collect::<Result<_, _>>()?,
            name,
        })
    }

    /// The packages of the workspace that its users compile with it.
    pub(crate) fn uses(&self) -> impl Iterator<Item = &str> {
        let siblings = self.siblings();
        siblings
            .filter(|dependency| dependency.kind != Kind::Development)
            .map(|dependency| dependency.name.as_str())
    }

    /// Its directory from the root, as git writes it.
    pub(crate) fn below(&self, root: &Path) -> Result<String, String> {
        let unknown = || format!("{} is not below {}", self.name, root.display());
        // Cargo tells paths without links in them.
        let root = root
            .canonicalize()
            .map_err(|error| format!("{}: {error}", root.display()))?;
        let found = self
            .directory
            .canonicalize()
            .map_err(|error| error.to_string())?;
        let below = found.strip_prefix(&root).map_err(|_| unknown())?;
        let parts = below.iter().map(|part| part.to_str().ok_or_else(unknown));
        Ok(parts.collect::<Result<Vec<_>, _>>()?.join("/"))
    }

    /// The dependencies that are packages of the workspace.
    fn siblings(&self) -> impl Iterator<Item = &Dependency> {
        let dependencies = self.dependencies.iter();
        dependencies.filter(|dependency| dependency.origin == Origin::Workspace)
    }
}

impl Dependency {
    fn parse(dependency: &Value) -> Result<Self, String> {
        let kind = match dependency["kind"].as_str() {
            Some("dev") => Kind::Development,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        };
        let origin = match (dependency["path"].as_str(), dependency["source"].as_str()) {
            (Some(_), _) => Origin::Workspace,
            // Of the public registry no name is told.
            (None, Some(source)) if !dependency["registry"].is_null() => {
                Origin::Elsewhere(source.to_owned())
            }
            (None, Some(source)) if source.starts_with("registry+") => Origin::Registry,
            (None, Some(source)) if source.starts_with("sparse+") => Origin::Registry,
            (None, other) => Origin::Elsewhere(other.unwrap_or("nowhere").to_owned()),
        };
        Ok(Self {
            name: text(dependency, "name")?.to_owned(),
            requirement: text(dependency, "req")?.to_owned(),
            kind,
            origin,
        })
    }
}

/// The packages so that each comes after those that must be on a registry before it.
fn in_order(packages: Vec<Package>) -> Result<Vec<Package>, String> {
    let mut waiting: BTreeMap<String, Package> = packages
        .into_iter()
        .map(|package| (package.name.clone(), package))
        .collect();
    let mut ordered: Vec<Package> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.values().find(|package| {
            let mut siblings = package.siblings();
            siblings.all(|sibling| !waiting.contains_key(&sibling.name))
        });
        let Some(ready) = ready.map(|package| package.name.clone()) else {
            let names: BTreeSet<&str> = waiting.keys().map(String::as_str).collect();
            return Err(format!(
                "these packages need each other, so that none can be published first: {names:?}; a \
                 dependency for tests without a version is left out when a package is published"
            ));
        };
        ordered.extend(waiting.remove(&ready));
    }
    Ok(ordered)
}

fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str, String> {
    value[member]
        .as_str()
        .ok_or_else(|| format!("`cargo metadata` says nothing of `{member}`"))
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value[member].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: Value) -> Value {
        json!({
            "name": name, "version": "0.1.0", "manifest_path": format!("/kite/{name}/Cargo.toml"),
            "license": "MIT", "features": {"default": [], "wind": []}, "metadata": null,
            "publish": null, "dependencies": dependencies
        })
    }

    fn sibling(name: &str, kind: Value) -> Value {
        json!({"name": name, "req": "^0.1.0", "kind": kind, "path": "/kite", "source": null})
    }

    fn parse(packages: Value) -> Result<Workspace, String> {
        Workspace::parse(&json!({"target_directory": "/target", "packages": packages}))
    }

    #[test]
    fn what_is_needed_is_published_first_tests_included() {
        let workspace = parse(json!([
            package(
                "a",
                json!([sibling("c", json!("dev")), sibling("b", json!(null))])
            ),
            package("b", json!([])),
            package("c", json!([sibling("b", json!(null))])),
        ]));
        let workspace = workspace.unwrap();
        assert_eq!(workspace.names(), ["b", "c", "a"]);
        assert_eq!(workspace.packages[2].uses().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_ring_is_refused_with_its_members() {
        let workspace = parse(json!([
            package("a", json!([sibling("b", json!(null))])),
            package("b", json!([sibling("a", json!("dev"))])),
        ]));
        let refusal = workspace.unwrap_err();
        assert!(refusal.contains("\"a\", \"b\""), "{refusal}");
    }

    #[test]
    fn what_is_not_published_is_left_out() {
        let mut private = package("p", json!([]));
        private["publish"] = json!([]);
        let workspace = parse(json!([private, package("b", json!([]))])).unwrap();
        assert_eq!(workspace.names(), ["b"]);
    }

    #[test]
    fn a_dependency_tells_where_it_comes_from() {
        let from = |source: Value| {
            let dependency = json!({"name": "a", "req": "*", "kind": null, "source": source});
            Dependency::parse(&dependency).unwrap().origin
        };
        assert_eq!(
            from(json!("registry+https://kite.example/index")),
            Origin::Registry
        );
        let other = "registry+https://kite.example/index";
        let dependency = json!({
            "name": "a", "req": "*", "kind": null, "source": other, "registry": other
        });
        let origin = Dependency::parse(&dependency).unwrap().origin;
        assert_eq!(origin, Origin::Elsewhere(other.to_owned()));
        let git = "git+https://kite.example/a";
        assert_eq!(from(json!(git)), Origin::Elsewhere(git.to_owned()));
    }

    #[test]
    fn this_workspace_is_read() {
        let workspace = Workspace::read(&crate::old::root()).unwrap();
        assert_eq!(workspace.names()[0], "blaxel-core");
        assert_eq!(workspace.names().last(), Some(&"blaxel"));
        let management = workspace.package("blaxel-management").unwrap();
        assert!(management.features.contains(&"wait".to_owned()));
        assert_eq!(management.uses().collect::<Vec<_>>(), ["blaxel-core"]);
    }
}
