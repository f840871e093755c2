//! What a package holds.

use std::path::Path;
use std::process::Stdio;

use super::offline::offline_first;
use crate::ci::cargo_in;

/// The files that a package would be made of, by their paths from its directory.
pub(super) fn files(root: &Path, package: &str) -> Result<Vec<String>, String> {
    offline_first(|offline| list(root, package, offline))
}

fn list(root: &Path, package: &str, offline: bool) -> Result<Vec<String>, String> {
    let output = cargo_in(root)
        // That the tree is as committed is looked at elsewhere.
        .args(["package", "--list", "--allow-dirty", "--quiet"])
        .args(offline.then_some("--offline"))
        .args(["--package", package])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`cargo package` does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!(
            "what {package} holds could not be found out by `cargo package --list`: {}",
            said.trim()
        ));
    }
    let files = String::from_utf8_lossy(&output.stdout);
    // Cargo for Windows lists them as paths are written there.
    Ok(files.lines().map(|file| file.replace('\\', "/")).collect())
}
