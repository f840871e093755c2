//! Compiling what came out of the archives, as everyone else will: outside the workspace, and with
//! nothing of it but the other packages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml_edit::{Array, DocumentMut, InlineTable, value};

use super::super::registry::{PUBLIC, Registry};
use super::packages::Unpacked;
use crate::old::ci::{cargo_in, say};
use crate::old::run::tell;
use crate::old::workspace::{Origin, Package};

/// The packages, and where cargo is told to take them for granted.
pub(super) struct Outside<'a> {
    pub(super) packages: &'a [Unpacked<'a>],
    /// The registry that the packages take each other from, as their manifests name it.
    source: &'a str,
    /// Where what is compiled goes.
    pub(super) target: &'a Path,
}

/// What the program that uses the packages does: a little with each, on the emulator.
const MAIN: &str = include_str!("consumer/main.rs");

/// What it needs besides.
const MANIFEST: &str = r#"
[package]
name = "consumer"
version = "0.0.0"
edition = "2024"
publish = false

# So that cargo looks for no workspace in the directories above.
[workspace]

[dependencies]
serde_json = "1"
tokio = { version = "1", features = ["macros", "rt"] }
"#;

impl<'a> Outside<'a> {
    pub(super) fn new(
        packages: &'a [Unpacked<'a>],
        registry: &'a Registry,
        target: &'a Path,
    ) -> Result<Self, String> {
        let source = match names_registry_in(packages)? {
            true => registry.name(),
            false => PUBLIC,
        };
        Ok(Self {
            packages,
            source,
            target,
        })
    }

    /// Compiles a package by itself. Returns whether that went well.
    pub(super) fn compile(&self, unpacked: &Unpacked<'_>) -> Result<bool, String> {
        let needed = self.needed(unpacked.package);
        say(&format!(
            "$ cargo build    # {} from its package",
            unpacked.package.name
        ));
        self.cargo(&unpacked.directory, "build", &needed)
    }

    /// Compiles and runs, in this directory, a program that uses all packages. Returns whether both
    /// went well.
    pub(super) fn run_consumer(&self, workspace: &Path, directory: &Path) -> Result<bool, String> {
        let packages = self.packages.iter().map(|unpacked| unpacked.package);
        let manifest = manifest(packages.clone(), self.source)?;
        let write = || {
            fs::create_dir_all(directory.join("src"))?;
            fs::write(directory.join("src/main.rs"), MAIN)?;
            fs::write(directory.join("Cargo.toml"), manifest)?;
            // The versions of everything else are those that the tests ran with.
            fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock"))
        };
        write().map_err(|error| format!("{} cannot be written: {error}", directory.display()))?;
        say("$ cargo run    # a program made from the packages alone");
        let all = packages.map(|package| package.name.as_str()).collect();
        self.cargo(directory, "run", &all)
    }

    /// The packages that cargo must find to compile this one, those for its tests included.
    fn needed<'p>(&'p self, package: &'p Package) -> BTreeSet<&'p str> {
        let siblings = package.dependencies.iter();
        let siblings = siblings.filter(|dependency| dependency.origin == Origin::Workspace);
        let mut waiting: Vec<&str> = siblings.map(|sibling| sibling.name.as_str()).collect();
        let mut needed = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            let found = self.packages.iter().find(|it| it.package.name == name);
            if let (true, Some(unpacked)) = (needed.insert(name), found) {
                waiting.extend(unpacked.package.uses());
            }
        }
        needed
    }

    fn cargo(
        &self,
        directory: &Path,
        command: &str,
        needed: &BTreeSet<&str>,
    ) -> Result<bool, String> {
        let mut cargo = cargo_in(directory);
        cargo
            .args([command, "--quiet", "--target-dir"])
            .arg(self.target);
        for unpacked in self.packages {
            if needed.contains(unpacked.package.name.as_str()) {
                let patch = patch(self.source, &unpacked.package.name, &unpacked.directory);
                cargo.args(["--config", &patch]);
            }
        }
        tell(&mut cargo, &format!("`cargo {command}`"))
    }
}

/// The setting by which cargo takes a package from a directory instead of a registry.
fn patch(source: &str, name: &str, directory: &Path) -> String {
    let path = toml_edit::Value::from(directory.to_string_lossy().as_ref());
    format!("patch.{source}.{name}.path={path}")
}

/// Whether the packages name the registry that they take each other from. The public one is not
/// named.
fn names_registry_in(packages: &[Unpacked<'_>]) -> Result<bool, String> {
    let mut pairs = packages.iter().filter_map(|unpacked| {
        let sibling = unpacked.package.uses().next()?;
        Some((unpacked.directory.join("Cargo.toml"), sibling))
    });
    // They all take each other from the same one.
    let Some((path, sibling)) = pairs.next() else {
        return Ok(false);
    };
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    names_registry(&text, sibling)
}

/// Whether this manifest, as cargo packs it, names the registry of a dependency.
fn names_registry(manifest: &str, dependency: &str) -> Result<bool, String> {
    let manifest: DocumentMut = manifest
        .parse()
        .map_err(|error| format!("a packed manifest cannot be understood: {error}"))?;
    let entry = manifest
        .get("dependencies")
        .and_then(|all| all.get(dependency));
    Ok(entry.is_some_and(|entry| entry.get("registry-index").is_some()))
}

/// The manifest of the program: each package with all its features.
fn manifest<'p>(
    packages: impl Iterator<Item = &'p Package>,
    source: &str,
) -> Result<String, String> {
    let mut manifest: DocumentMut = MANIFEST
        .parse()
        .map_err(|error| format!("the manifest of the program cannot be understood: {error}"))?;
    for package in packages {
        let mut dependency = InlineTable::new();
        dependency.insert("version", format!("={}", package.version).into());
        let features: Array = package.features.iter().map(String::as_str).collect();
        dependency.insert("features", features.into());
        dependency.insert("registry", source.into());
        manifest["dependencies"][&package.name] = value(dependency);
    }
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use semver::Version;

    use super::super::contents::Contents;
    use super::*;
    use crate::old::workspace::{Dependency, Kind};

    fn package(name: &str, siblings: &[(&str, Kind)]) -> Package {
        let siblings = siblings.iter().map(|(name, kind)| Dependency {
            name: name.to_string(),
            requirement: "^0.2".to_owned(),
            kind: *kind,
            origin: Origin::Workspace,
        });
        Package {
            name: name.to_owned(),
            version: Version::new(0, 2, 0),
            directory: PathBuf::new(),
            license: None,
            features: vec!["wind".to_owned()],
            metadata: serde_json::Value::Null,
            dependencies: siblings.collect(),
        }
    }

    #[test]
    fn the_program_takes_every_package_whole() {
        let package = package("kite", &[]);
        let text = manifest([&package].into_iter(), "shed").unwrap();
        let dependency =
            "\nkite = { version = \"=0.2.0\", features = [\"wind\"], registry = \"shed\" }\n";
        assert!(text.contains(dependency), "{text}");
        assert!(text.contains("\n[workspace]\n"), "{text}");
    }

    #[test]
    fn a_package_needs_those_below_it_and_those_of_its_own_tests() {
        let packages = [
            package("core", &[("judge", Kind::Development)]),
            package("judge", &[("core", Kind::Normal)]),
            package("kite", &[("core", Kind::Normal)]),
            package("front", &[("kite", Kind::Normal)]),
            package("far", &[]),
        ];
        let unpacked = packages.each_ref().map(|package| Unpacked {
            package,
            directory: PathBuf::from("/unpacked").join(&package.name),
            contents: Contents {
                packed: 0,
                files: Vec::new(),
            },
        });
        let outside = Outside {
            packages: &unpacked,
            source: PUBLIC,
            target: Path::new("/target"),
        };
        let needed = |index: usize| outside.needed(&packages[index]);
        assert_eq!(needed(3), BTreeSet::from(["core", "kite"]));
        assert_eq!(needed(0), BTreeSet::from(["core", "judge"]));
        assert!(needed(4).is_empty());
    }

    #[test]
    fn a_registry_that_the_packages_name_is_named_as_well() {
        let named = "[dependencies.kite]\nversion = \"0.2.0\"\nregistry-index = \"file:///shed\"\n";
        assert_eq!(names_registry(named, "kite"), Ok(true));
        assert_eq!(names_registry(named, "wind"), Ok(false));
        let public = "[dependencies.kite]\nversion = \"0.2.0\"\n";
        assert_eq!(names_registry(public, "kite"), Ok(false));
        let patch = patch("shed", "kite", Path::new("/unpacked/kite \"2\""));
        assert_eq!(patch, "patch.shed.kite.path='/unpacked/kite \"2\"'");
    }
}
