//! The path of this program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The path at the start. Tests of the workspace replace the file, and from then on the system does not
/// know its path any more.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Records the path of this program. Must be called before all else.
pub(crate) fn remember() {
    if let Ok(path) = std::env::current_exe() {
        PROGRAM.get_or_init(|| path);
    }
}

/// Returns the path of this program at its start.
///
/// # Errors
///
/// Fails if the system did not know it.
pub(crate) fn path() -> Result<&'static Path> {
    let path = PROGRAM.get().context("cannot find this program's path")?;
    Ok(path)
}
