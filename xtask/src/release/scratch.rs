//! A directory for a while, in no workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// An empty directory among the temporary ones of the machine, which goes when this is dropped.
///
/// Cargo looks for a workspace and for configuration in every directory above; there it finds none
/// of ours.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(super) fn new(purpose: &str) -> Result<Self, String> {
        let name = format!("blaxel-release-{purpose}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let failed = |error| format!("{} cannot be made: {error}", path.display());
        // What another process of the same number has left.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(failed)?;
        }
        fs::create_dir_all(&path).map_err(failed)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind, it does no harm.
        let _ = fs::remove_dir_all(&self.path);
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
