//! A place for what is not to be kept.

use std::fs;
use std::path::{Path, PathBuf};

/// An empty directory of our own among the temporary ones of the machine, gone when this is dropped.
///
/// Cargo looks for a workspace and for configuration in every directory above; there it finds none
/// of ours.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one whose name tells what it is for.
    pub(crate) fn new(purpose: &str) -> Result<Self, String> {
        let name = format!("blaxel-{purpose}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let failed = |error| format!("{} cannot be made: {error}", path.display());
        // What another process of the same number has left.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        fs::create_dir_all(&path).map_err(failed)?;
        // Without links: cargo tells places by their real paths.
        Ok(Self(fs::canonicalize(&path).map_err(failed)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_empty_for_a_while() {
        let scratch = Scratch::new("test").unwrap();
        let path = scratch.path().to_path_buf();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::write(path.join("a"), "").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
