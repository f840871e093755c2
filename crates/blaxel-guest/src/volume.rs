//! [`Volume`], the contents of a file system.

#[cfg(all(feature = "local", target_os = "linux"))]
mod directory;
mod node;
mod saved;
mod tree;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use self::node::{Attributes, Content, Device, Inode};
pub use self::saved::{InvalidVolume, SavedVolume};
pub(crate) use self::tree::{ROOT, Tree};
use crate::errno::Errno;
use crate::files::Space;
use crate::lock::lock;

/// The contents of a disk, a volume or a drive. Clones share them.
///
/// They are in memory, or in a directory of this machine: that of `Volume::in_directory`, or a
/// temporary one, which they move to when a `LocalGuest` mounts the volume for the first time. From
/// then on only local guests can use it; the operations of simulated ones fail with
/// [`Errno::NotImplemented`].
///
/// ```
/// let volume = blaxel_guest::Volume::in_memory(1 << 20);
/// assert_eq!(volume.space().used, 0);
/// let copy = volume.snapshot()?;
/// assert!(!copy.is_same(&volume));
/// # Ok::<(), blaxel_guest::Errno>(())
/// ```
#[derive(Clone)]
pub struct Volume(Arc<Shared>);

struct Shared {
    tree: Mutex<Tree>,
    /// The directory with the contents, if they are not in the tree.
    #[cfg(all(feature = "local", target_os = "linux"))]
    directory: std::sync::OnceLock<Arc<crate::host::Directory>>,
}

impl Volume {
    /// Creates an empty volume with room for `capacity` bytes.
    #[must_use]
    pub fn in_memory(capacity: u64) -> Self {
        Self::of_tree(Tree::new(capacity))
    }

    fn of_tree(tree: Tree) -> Self {
        Self(Arc::new(Shared {
            tree: Mutex::new(tree),
            #[cfg(all(feature = "local", target_os = "linux"))]
            directory: std::sync::OnceLock::new(),
        }))
    }

    /// Returns a copy of the current contents, which does not follow later changes.
    ///
    /// In memory, the bytes of files are shared until they are changed. Contents in a directory are
    /// copied to a temporary one, which takes time and space. Programs that write meanwhile may
    /// leave files in it half written, as a sudden stop of the machine would.
    ///
    /// # Errors
    ///
    /// Fails if a directory cannot be copied. In memory it does not fail.
    pub fn snapshot(&self) -> Result<Self, Errno> {
        #[cfg(all(feature = "local", target_os = "linux"))]
        if let Some(directory) = self.0.directory.get() {
            return Ok(Self::of_directory(Arc::new(directory.snapshot()?)));
        }
        Ok(Self::of_tree(self.open().copy()))
    }

    /// Replaces the contents by a copy of those of another volume. The size stays.
    ///
    /// It is for machines that have not been used yet: open files and mounts of the old contents
    /// are not moved.
    ///
    /// ```
    /// use blaxel_guest::{Clock, Volume};
    ///
    /// let (old, new) = (Volume::in_memory(64), Volume::in_memory(1 << 20));
    /// old.files(Clock::standing())?.write("/kept.txt", b"kept", 0o644)?;
    /// new.copy_from(&old)?;
    /// assert_eq!(new.files(Clock::standing())?.read("/kept.txt")?, b"kept");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if a directory cannot be copied, and with [`Errno::NotImplemented`] if one of the
    /// volumes is in memory and the other one in a directory.
    pub fn copy_from(&self, other: &Self) -> Result<(), Errno> {
        #[cfg(all(feature = "local", target_os = "linux"))]
        match (self.0.directory.get(), other.0.directory.get()) {
            (Some(own), Some(other)) => return own.copy_from(other),
            (None, None) => {}
            _ => return Err(Errno::NotImplemented),
        }
        let mut copy = other.open().copy();
        let mut tree = self.open();
        copy.capacity = tree.capacity;
        *tree = copy;
        Ok(())
    }

    /// Changes the size. Contents beyond a smaller size stay, and further writes are refused.
    pub fn resize(&self, capacity: u64) {
        #[cfg(all(feature = "local", target_os = "linux"))]
        if let Some(directory) = self.0.directory.get() {
            directory.resize(capacity);
            return;
        }
        self.open().capacity = capacity;
    }

    /// Returns the size and the bytes in use. The files of a directory are counted each time.
    #[must_use]
    pub fn space(&self) -> Space {
        #[cfg(all(feature = "local", target_os = "linux"))]
        if let Some(directory) = self.0.directory.get() {
            return directory.space();
        }
        let tree = self.open();
        Space {
            total: tree.capacity,
            used: tree.used(),
        }
    }

    /// Returns an error if the contents are not in memory.
    pub(crate) fn check_in_memory(&self) -> Result<(), Errno> {
        #[cfg(all(feature = "local", target_os = "linux"))]
        if self.0.directory.get().is_some() {
            return Err(Errno::NotImplemented);
        }
        Ok(())
    }

    /// Returns `true` if both share their contents.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Locks the contents. The guard must not be held while another volume is locked.
    pub(crate) fn open(&self) -> MutexGuard<'_, Tree> {
        lock(&self.0.tree)
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
