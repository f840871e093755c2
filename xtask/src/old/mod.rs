//! Maintenance commands of the workspace: `cargo xtask <command>`.

pub(crate) mod api_drift;
pub(crate) mod ci;
pub(crate) mod deny;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod public_api;
pub(crate) mod release;
pub(crate) mod run;
pub(crate) mod scratch;
pub(crate) mod tags;
pub(crate) mod tools;
pub(crate) mod workspace;

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Asked of the environment first: a target directory may be shared by several clones, and then
    // the path this program was compiled under can be another clone's.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Names as a sentence lists them: `a, b and c`.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}
