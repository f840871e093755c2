//! [`Mounts`], the directories of the host that make up the file system of a local guest.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::errno::Errno;
use crate::host::{Directory, errors};
use crate::lock::lock;

/// The current mounts. Clones share them.
#[derive(Clone)]
pub(super) struct MountTable(Arc<Mutex<Arc<Mounts>>>);

/// The directory that the file system consists of, and the directories that are mounted in it.
#[derive(Clone)]
pub(super) struct Mounts {
    root: Arc<Mount>,
    others: Vec<Arc<Mount>>,
    /// The path of the root on the host, if commands see it. Their absolute links contain it.
    pub(super) visible_root: Option<String>,
}

/// A directory of the host, and its place in the sandbox.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    /// The path in the sandbox, without links.
    pub(super) path: String,
    /// The path on the host.
    pub(super) host: PathBuf,
    pub(super) dir: Arc<Dir>,
    pub(super) purpose: Purpose,
    /// The volume that the directory belongs to.
    pub(super) volume: Option<Arc<Directory>>,
}

/// The purpose of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The sandbox's own `/`.
    Root,
    /// The same while it is read-only.
    FrozenRoot,
    /// A directory of the host's system, which is read-only.
    System,
    /// A directory that commands see other contents in, such as `/proc`. It is empty and read-only.
    Reserved,
    /// A volume or a drive.
    Volume { read_only: bool },
}

impl MountTable {
    pub(super) fn new(mounts: Mounts) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(mounts))))
    }

    /// Returns the mounts of this moment.
    pub(super) fn current(&self) -> Arc<Mounts> {
        Arc::clone(&lock(&self.0))
    }

    /// Changes the mounts, unless `change` fails. There is one change at a time.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Mounts) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut current = lock(&self.0);
        let mut changed = Mounts::clone(&current);
        let result = change(&mut changed)?;
        *current = Arc::new(changed);
        Ok(result)
    }
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
            volume: None,
        })
    }

    pub(super) fn is_read_only(&self) -> bool {
        !matches!(
            self.purpose,
            Purpose::Root | Purpose::Volume { read_only: false }
        )
    }

    pub(super) fn is_volume(&self) -> bool {
        matches!(self.purpose, Purpose::Volume { .. })
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

    /// Makes `/` read-only, or writable again. Other mounts are not affected.
    pub(super) fn freeze(&mut self, is_frozen: bool) {
        self.root = Arc::new(Mount {
            purpose: match is_frozen {
                true => Purpose::FrozenRoot,
                false => Purpose::Root,
            },
            ..Mount::clone(&self.root)
        });
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

    /// Returns `true` if something is mounted below a path.
    pub(super) fn has_below(&self, path: &str) -> bool {
        let below = |mount: &Arc<Mount>| {
            let rest = mount.path.strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        self.others.iter().any(below)
    }

    /// Adds a mount, unless there is one at its path.
    pub(super) fn add(&mut self, mount: Mount) {
        if mount.path != "/" && self.at(&mount.path).is_none() {
            self.others.push(Arc::new(mount));
        }
    }

    /// Removes the mount at a path.
    pub(super) fn remove(&mut self, path: &str) {
        self.others.retain(|mount| mount.path != path);
    }
}
