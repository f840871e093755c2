//! What a package holds.

use std::path::Path;

use super::offline::offline_first;
use crate::old::ci::cargo_in;
use crate::old::run::ask;

/// The files that a package would be made of, by their paths from its directory.
pub(super) fn files(root: &Path, package: &str) -> Result<Vec<String>, String> {
    offline_first(|offline| list(root, package, offline))
}

fn list(root: &Path, package: &str, offline: bool) -> Result<Vec<String>, String> {
    let mut cargo = cargo_in(root);
    cargo
        // That the tree is as committed is looked at elsewhere.
        .args(["package", "--list", "--allow-dirty", "--quiet"])
        .args(offline.then_some("--offline"))
        .args(["--package", package]);
    let files = ask(&mut cargo, &format!("`cargo package --list` of {package}"))?;
    // Cargo for Windows lists them as paths are written there.
    Ok(files.lines().map(|file| file.replace('\\', "/")).collect())
}
