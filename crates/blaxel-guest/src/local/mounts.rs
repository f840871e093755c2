//! [`Mounts`], the directories of the host that make up the file system of a local guest.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::errors;
use crate::errno::Errno;
use crate::lock::lock;

/// The directory that the file system consists of, and the directories that are mounted in it.
pub(super) struct Mounts {
    root: Arc<Mount>,
    others: Mutex<Vec<Arc<Mount>>>,
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
    /// A drive.
    Drive { is_read_only: bool },
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
        match self.purpose {
            Purpose::Root => false,
            Purpose::System | Purpose::Reserved => true,
            Purpose::Drive { is_read_only } => is_read_only,
        }
    }
}

impl Mounts {
    pub(super) fn new(root: Mount, visible_root: Option<String>) -> Self {
        Self {
            root: Arc::new(root),
            others: Mutex::default(),
            visible_root,
        }
    }

    pub(super) fn root(&self) -> Arc<Mount> {
        Arc::clone(&self.root)
    }

    /// Returns what is mounted at a path without links.
    pub(super) fn at(&self, path: &str) -> Option<Arc<Mount>> {
        let others = lock(&self.others);
        others.iter().find(|mount| mount.path == path).cloned()
    }

    /// Returns the mounts in `/`, in the order in which they were added.
    pub(super) fn others(&self) -> Vec<Arc<Mount>> {
        lock(&self.others).clone()
    }

    pub(super) fn add(&self, mount: Mount) -> Result<(), Errno> {
        let mut others = lock(&self.others);
        if mount.path == "/" || others.iter().any(|other| other.path == mount.path) {
            return Err(Errno::Busy);
        }
        others.push(Arc::new(mount));
        Ok(())
    }

    /// Removes a drive.
    pub(super) fn remove(&self, path: &str) -> Result<(), Errno> {
        let mut others = lock(&self.others);
        let is_drive = |mount: &Arc<Mount>| matches!(mount.purpose, Purpose::Drive { .. });
        let found = others
            .iter()
            .position(|mount| mount.path == path && is_drive(mount));
        let found = found.ok_or(Errno::Invalid)?;
        let below = format!("{path}/");
        if others.iter().any(|mount| mount.path.starts_with(&below)) {
            return Err(Errno::Busy);
        }
        others.remove(found);
        Ok(())
    }
}
