//! [`Volume`], the contents of a file system in memory.

mod node;
mod tree;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use self::node::{Attributes, Content, Device, Inode};
pub(crate) use self::tree::{ROOT, Tree};
use crate::files::Space;
use crate::lock::lock;

/// The contents of a disk, a volume or a drive, in memory. Clones share them.
///
/// ```
/// let volume = blaxel_guest::Volume::in_memory(1 << 20);
/// assert_eq!(volume.space().used, 0);
/// let copy = volume.snapshot();
/// assert!(!copy.is_same(&volume));
/// ```
#[derive(Clone)]
pub struct Volume(Arc<Mutex<Tree>>);

impl Volume {
    /// Creates an empty volume with room for `capacity` bytes.
    #[must_use]
    pub fn in_memory(capacity: u64) -> Self {
        Self(Arc::new(Mutex::new(Tree::new(capacity))))
    }

    /// Returns a copy of the current contents, which does not follow later changes. The bytes of
    /// files are shared until they are changed.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self(Arc::new(Mutex::new(self.open().copy())))
    }

    /// Replaces the contents by a copy of those of another volume. The size stays.
    ///
    /// It is for machines that have not been used yet: open files and mounts of the old contents
    /// are not moved.
    ///
    /// ```
    /// use blaxel_guest::{Clock, Files as _, MemoryFiles, Volume};
    ///
    /// let (old, new) = (Volume::in_memory(64), Volume::in_memory(1 << 20));
    /// let files = MemoryFiles::new(old.clone(), Clock::standing());
    /// files.write("/kept.txt", b"kept", 0o644)?;
    /// new.copy_from(&old);
    /// let files = MemoryFiles::new(new, Clock::standing());
    /// assert_eq!(files.read("/kept.txt")?, b"kept");
    /// # Ok::<(), blaxel_guest::FileError>(())
    /// ```
    pub fn copy_from(&self, other: &Self) {
        let mut copy = other.open().copy();
        let mut tree = self.open();
        copy.capacity = tree.capacity;
        *tree = copy;
    }

    /// Changes the size. Contents beyond a smaller size stay, and further writes are refused.
    pub fn resize(&self, capacity: u64) {
        self.open().capacity = capacity;
    }

    /// Returns the size and the bytes in use.
    #[must_use]
    pub fn space(&self) -> Space {
        let tree = self.open();
        Space {
            total: tree.capacity,
            used: tree.used(),
        }
    }

    /// Returns `true` if both share their contents.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Locks the contents. The guard must not be held while another volume is locked.
    pub(crate) fn open(&self) -> MutexGuard<'_, Tree> {
        lock(&self.0)
    }
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Space { total, used } = self.space();
        f.debug_struct("Volume")
            .field("total", &total)
            .field("used", &used)
            .finish()
    }
}
