//! What the dependencies bring along, by `cargo deny`.

use std::path::Path;
use std::process::{Command, Stdio};

use super::offline::offline_first;
use crate::tools::DENY;

/// Why the tree of dependencies is not allowed, if it is not. A workspace without `deny.toml` has no
/// rules for it.
pub(super) fn check(root: &Path, target: &Path) -> Option<String> {
    if !root.join("deny.toml").is_file() {
        return None;
    }
    run(root, target).err()
}

fn run(root: &Path, target: &Path) -> Result<(), String> {
    let unchecked = |why: String| format!("the dependencies could not be checked: {why}");
    let program = DENY.installed(root, target).map_err(unchecked)?;
    offline_first(|offline| {
        let mut deny = Command::new(&program);
        deny.current_dir(root)
            .args(["--color", "never", "--log-level", "error", "--workspace"])
            .args(offline.then_some("--offline"))
            .args([
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ])
            .stdin(Stdio::null());
        let output = deny
            .output()
            .map_err(|error| unchecked(format!("cargo-deny does not start: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "the dependencies are not as deny.toml asks; `cargo deny check` says:\n{}",
            said.trim()
        ))
    })
}
