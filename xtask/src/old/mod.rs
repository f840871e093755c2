//! Maintenance commands of the workspace: `cargo xtask <command>`.

pub(crate) mod api_drift;
pub(crate) mod scratch;

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
