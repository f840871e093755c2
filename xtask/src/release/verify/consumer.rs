//! A program that uses our packages as everyone else will: from outside, and nothing but them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use super::super::registry::Registry;
use super::packages::Unpacked;
use crate::ci::{cargo_in, say};
use crate::workspace::Package;

/// What it does: a little with each of the crates, on the emulator, without a socket.
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

/// Compiles and runs the program in this directory. Returns whether both went well.
pub(super) fn run(
    workspace: &Path,
    target: &Path,
    registry: &Registry,
    packages: &[Unpacked<'_>],
    directory: &Path,
) -> Result<bool, String> {
    let write = || {
        fs::create_dir_all(directory.join("src"))?;
        fs::write(directory.join("src/main.rs"), MAIN)?;
        // The versions of everything else are those that the tests ran with.
        fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock"))
    };
    write().map_err(|error| format!("{} cannot be written: {error}", directory.display()))?;
    let registry = named_in(packages)?.then_some(registry);
    let places = packages.iter();
    let places = places.map(|unpacked| (unpacked.package, unpacked.directory.clone()));
    let manifest = manifest(&places.collect::<Vec<_>>(), registry)?;
    fs::write(directory.join("Cargo.toml"), manifest)
        .map_err(|error| format!("{} cannot be written: {error}", directory.display()))?;
    say("\n$ cargo run    # a program of its own, from the packages alone");
    let status = cargo_in(directory)
        .args(["run", "--quiet", "--target-dir"])
        .arg(target.join("consumer"))
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    Ok(status.success())
}

/// Whether the packages name the registry that they take each other from. The public one is not
/// named.
fn named_in(packages: &[Unpacked<'_>]) -> Result<bool, String> {
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

/// The manifest: each package with all its features, from the directory where it was unpacked.
fn manifest(
    packages: &[(&Package, PathBuf)],
    registry: Option<&Registry>,
) -> Result<String, String> {
    let mut manifest: DocumentMut = MANIFEST
        .parse()
        .map_err(|error| format!("the manifest of the program cannot be understood: {error}"))?;
    let mut patches = Table::new();
    for (package, directory) in packages {
        let mut dependency = InlineTable::new();
        dependency.insert("version", format!("={}", package.version).into());
        let features: Array = package.features.iter().map(String::as_str).collect();
        dependency.insert("features", features.into());
        if let Some(registry) = registry {
            dependency.insert("registry", registry.name().into());
        }
        manifest["dependencies"][&package.name] = value(dependency);
        let mut place = InlineTable::new();
        place.insert("path", directory.to_string_lossy().as_ref().into());
        patches.insert(&package.name, value(place));
    }
    let source = registry.map_or("crates-io", Registry::name);
    let mut patch = Table::new();
    patch.set_implicit(true);
    patch.insert(source, Item::Table(patches));
    manifest["patch"] = Item::Table(patch);
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    fn package() -> Package {
        Package {
            name: "kite".to_owned(),
            version: Version::new(0, 2, 0),
            directory: PathBuf::new(),
            license: None,
            features: vec!["wind".to_owned()],
            metadata: serde_json::Value::Null,
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn every_package_is_taken_whole_and_from_its_archive() {
        let package = package();
        let packages = [(&package, PathBuf::from("/unpacked/kite-0.2.0"))];
        let text = manifest(&packages, None).unwrap();
        let dependency = "\nkite = { version = \"=0.2.0\", features = [\"wind\"] }\n";
        assert!(text.contains(dependency), "{text}");
        let patch = "[patch.crates-io]\nkite = { path = \"/unpacked/kite-0.2.0\" }\n";
        assert!(text.ends_with(patch), "{text}");
        assert!(text.contains("\n[workspace]\n"), "{text}");
    }

    #[test]
    fn a_registry_that_the_packages_name_is_named_as_well() {
        let package = package();
        let packages = [(&package, PathBuf::from("/unpacked/kite-0.2.0"))];
        let text = manifest(&packages, Some(&Registry::named("shed"))).unwrap();
        assert!(text.contains("registry = \"shed\" }"), "{text}");
        assert!(text.contains("[patch.shed]"), "{text}");
        let named = "[dependencies.kite]\nversion = \"0.2.0\"\nregistry-index = \"file:///shed\"\n";
        assert_eq!(names_registry(named, "kite"), Ok(true));
        assert_eq!(names_registry(named, "wind"), Ok(false));
        let public = "[dependencies.kite]\nversion = \"0.2.0\"\n";
        assert_eq!(names_registry(public, "kite"), Ok(false));
    }
}
