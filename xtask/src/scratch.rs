//! A place for what is not to be kept.

use std::fs;
use std::path::{Path, PathBuf};

/// A directory of our own among the temporary ones, gone at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one whose name tells what it is for.
    pub(crate) fn new(purpose: &str) -> Result<Self, String> {
        let name = format!("blaxel-{purpose}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        // Without links: cargo tells places by their real paths.
        let path =
            fs::canonicalize(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is temporary all the same.
        let _ = fs::remove_dir_all(&self.0);
    }
}
