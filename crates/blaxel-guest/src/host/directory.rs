//! [`Directory`], a directory of this machine with the contents of a volume.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::fstatvfs;

use super::copy::copy;
use super::count::count;
use super::errors;
use super::temporary::{Removal, make_temporary, new_name};
use crate::errno::Errno;
use crate::files::Space;
use crate::lock::lock;

/// A directory of this machine. A temporary one is removed when this is dropped, and when this
/// program ends.
pub(crate) struct Directory {
    /// The path, without links.
    pub(crate) path: PathBuf,
    pub(crate) dir: Arc<Dir>,
    usage: Mutex<Usage>,
    /// The paths in the directory where links stand for something that is mounted.
    covered: Mutex<BTreeSet<PathBuf>>,
    _removal: Option<Removal>,
}

/// The bytes of the contents, as far as they are known.
struct Usage {
    /// `None` for the size of the file system of this machine.
    capacity: Option<u64>,
    used: u64,
}

/// The right to let the contents grow, of which there is one at a time.
pub(crate) struct Room<'a> {
    directory: &'a Directory,
    usage: MutexGuard<'a, Usage>,
}

impl Directory {
    /// Opens a directory, which stays when this is dropped.
    pub(crate) fn open(path: &Path, capacity: Option<u64>) -> Result<Self, Errno> {
        let path = path.canonicalize().map_err(|error| errors::of_io(&error))?;
        Self::new(path, capacity, None)
    }

    /// Creates an empty directory, which is removed when this is dropped.
    pub(crate) fn temporary(capacity: Option<u64>) -> Result<Self, Errno> {
        let made = make_temporary(&new_name(), "contents");
        let (path, top) = made.map_err(|error| errors::of_io(&error))?;
        let removal = Removal::of(&top).inspect_err(|_| {
            // Nothing else knows of it yet.
            let _ = std::fs::remove_dir_all(&top);
        });
        Self::new(path, capacity, Some(removal?))
    }

    fn new(path: PathBuf, capacity: Option<u64>, removal: Option<Removal>) -> Result<Self, Errno> {
        let dir = Dir::open_ambient_dir(&path, ambient_authority());
        Ok(Self {
            dir: Arc::new(dir.map_err(|error| errors::of_io(&error))?),
            path,
            usage: Mutex::new(Usage { capacity, used: 0 }),
            covered: Mutex::default(),
            _removal: removal,
        })
    }

    /// Returns a temporary directory with a copy of the contents.
    pub(crate) fn snapshot(&self) -> Result<Self, Errno> {
        let made = Self::temporary(self.capacity())?;
        made.copy_from(self)?;
        Ok(made)
    }

    /// Makes the contents a copy of those of another directory.
    pub(crate) fn copy_from(&self, other: &Self) -> Result<(), Errno> {
        let covered = lock(&other.covered).clone();
        copy(&other.dir, &self.dir, &covered)
    }

    /// Remembers that a link stands for what is mounted at a path in the directory, or that it is
    /// gone. A copy has an empty directory there.
    pub(crate) fn cover(&self, path: &str, is_covered: bool) {
        let path = PathBuf::from(path.trim_start_matches('/'));
        let mut covered = lock(&self.covered);
        if is_covered {
            covered.insert(path);
        } else {
            covered.remove(&path);
        }
    }

    pub(crate) fn capacity(&self) -> Option<u64> {
        lock(&self.usage).capacity
    }

    pub(crate) fn resize(&self, capacity: u64) {
        lock(&self.usage).capacity = Some(capacity);
    }

    /// Returns the size and the bytes in use. Both are zero if the machine cannot tell.
    pub(crate) fn space(&self) -> Space {
        if let Some(total) = self.capacity() {
            let used = count(&self.dir);
            return Space { total, used };
        }
        match fstatvfs(&*self.dir) {
            Ok(facts) => Space {
                total: facts.f_blocks.saturating_mul(facts.f_frsize),
                used: facts
                    .f_blocks
                    .saturating_sub(facts.f_bfree)
                    .saturating_mul(facts.f_frsize),
            },
            Err(_) => Space { total: 0, used: 0 },
        }
    }

    /// Waits for the right to let the contents grow. Commands do not wait for it.
    pub(crate) fn room(&self) -> Room<'_> {
        Room {
            usage: lock(&self.usage),
            directory: self,
        }
    }
}

impl Room<'_> {
    /// Counts the bytes in use again, which commands may have changed.
    pub(crate) fn count(&mut self) {
        if self.usage.capacity.is_some() {
            self.usage.used = count(&self.directory.dir);
        }
    }

    /// Returns the number of bytes by which the contents may grow, at most `wanted`.
    pub(crate) fn fitting(&mut self, wanted: u64) -> u64 {
        if wanted > self.usage.free() {
            // Something may have been removed.
            self.count();
        }
        wanted.min(self.usage.free())
    }

    /// Records that the contents have grown.
    pub(crate) fn grown(&mut self, bytes: u64) {
        self.usage.used = self.usage.used.saturating_add(bytes);
    }
}

impl Usage {
    fn free(&self) -> u64 {
        let capacity = self.capacity.unwrap_or(u64::MAX);
        capacity.saturating_sub(self.used)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
