//! [`Mounts`], the directories of the host that make up the file system of a local guest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::errors;
use crate::errno::Errno;

/// The directory that the file system consists of, and the directories that are mounted in it.
pub(super) struct Mounts {
    root: Arc<Mount>,
    others: Vec<Arc<Mount>>,
    /// The path of the root on the host, if commands see it. Their absolute links contain it.
    pub(super) visible_root: Option<String>,
}

/// A directory of the host, and its place in the sandbox.
#[derive(Debug)]
pub(super) struct Mount {
    /// The path in the sandbox, without links.
    pub(super) path: String,
    /// The path on the host.
    pub(super) host: PathBuf,
    pub(super) dir: Arc<Dir>,
    pub(super) purpose: Purpose,
}

/// The purpose of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The sandbox's own `/`.
    Root,
    /// A directory of the host's system, which is read-only.
    System,
    /// A directory that commands see other contents in, such as `/proc`. It is empty and read-only.
    Reserved,
}

impl Mount {
    /// Opens a directory of the host.
    pub(super) fn open(path: &str, host: &Path, purpose: Purpose) -> Result<Self, Errno> {
        let dir = Dir::open_ambient_dir(host, ambient_authority());
        Ok(Self {
            path: path.to_owned(),
            host: host.to_owned(),
            dir: Arc::new(dir.map_err(|error| errors::of_io(&error))?),
            purpose,
        })
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.purpose != Purpose::Root
    }
}

impl Mounts {
    pub(super) fn new(root: Mount, visible_root: Option<String>) -> Self {
        Self {
            root: Arc::new(root),
            others: Vec::new(),
            visible_root,
        }
    }

    pub(super) fn root(&self) -> Arc<Mount> {
        Arc::clone(&self.root)
    }

    /// Returns what is mounted at a path without links.
    pub(super) fn at(&self, path: &str) -> Option<Arc<Mount>> {
        let mut others = self.others.iter();
        others.find(|mount| mount.path == path).cloned()
    }

    /// Returns the mounts in `/`, in the order in which they were added.
    pub(super) fn others(&self) -> &[Arc<Mount>] {
        &self.others
    }

    /// Adds a mount, unless there is one at its path.
    pub(super) fn add(&mut self, mount: Mount) {
        if mount.path != "/" && self.at(&mount.path).is_none() {
            self.others.push(Arc::new(mount));
        }
    }
}
