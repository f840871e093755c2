//! Volumes in directories of this machine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use cap_std::fs::{Dir, Permissions, PermissionsExt as _};
use rustix::fs::{AtFlags, Timespec, Timestamps, utimensat};

use super::node::Inode;
use super::{ROOT, Shared, Tree, Volume};
use crate::errno::Errno;
use crate::files::{FileKind, Metadata};
use crate::host::{Directory, errors};

impl Volume {
    /// Creates a volume whose contents are those of a directory of this machine, with room for
    /// `capacity` bytes. The directory is created if it does not exist, and kept at the end.
    ///
    /// Only a `LocalGuest` can mount it. The files API refuses to let it grow beyond its size;
    /// commands write directly to the directory, and only the disk of this machine limits them.
    ///
    /// ```
    /// use blaxel_guest::Volume;
    ///
    /// let path = std::env::temp_dir().join(format!("volume-{}", std::process::id()));
    /// let volume = Volume::in_directory(&path, 1 << 20)?;
    /// std::fs::write(path.join("file"), "hello")?;
    /// assert_eq!(volume.space().used, 5);
    /// # std::fs::remove_dir_all(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be created or opened.
    #[cfg_attr(docsrs, doc(cfg(feature = "local")))]
    pub fn in_directory(path: impl AsRef<Path>, capacity: u64) -> Result<Self, Errno> {
        let path = path.as_ref();
        std::fs::create_dir_all(path).map_err(|error| errors::of_io(&error))?;
        let directory = Directory::open(path, Some(capacity))?;
        Ok(Self::of_directory(Arc::new(directory)))
    }

    /// Creates a volume with the contents of a directory.
    pub(crate) fn of_directory(directory: Arc<Directory>) -> Self {
        Self(Arc::new(Shared {
            tree: Mutex::new(Tree::moved()),
            directory: OnceLock::from(directory),
        }))
    }

    /// Returns the directory with the contents, if they are in one.
    pub(crate) fn moved(&self) -> Option<Arc<Directory>> {
        self.0.directory.get().cloned()
    }

    /// Returns the directory with the contents. Contents in memory are moved to a temporary one.
    pub(crate) fn directory(&self) -> Result<Arc<Directory>, Errno> {
        // Locked, so that they are moved once.
        let mut tree = self.open();
        if let Some(directory) = self.0.directory.get() {
            return Ok(Arc::clone(directory));
        }
        let directory = Arc::new(Directory::temporary(Some(tree.capacity))?);
        write(&tree, &directory.dir)?;
        *tree = Tree::moved();
        Ok(Arc::clone(self.0.directory.get_or_init(|| directory)))
    }
}

/// Writes the contents of a volume to an empty directory. The owners are not kept, and devices are
/// left out.
fn write(tree: &Tree, to: &Dir) -> Result<(), Errno> {
    let mut left: Vec<(Inode, PathBuf)> = vec![(ROOT, PathBuf::from("."))];
    let mut written = Vec::new();
    while let Some((directory, path)) = left.pop() {
        for (entry, inode) in tree.children(directory)? {
            let path = path.join(&entry.name);
            let facts = tree.metadata(inode)?;
            let created = match (entry.kind, tree.bytes(inode)?, tree.link_target(inode)?) {
                (FileKind::Directory, ..) => {
                    left.push((inode, path.clone()));
                    to.create_dir(&path)
                }
                (FileKind::File, Some(bytes), _) => to.write(&path, bytes),
                (FileKind::Symlink, _, Some(target)) => to.symlink_contents(target, &path),
                _ => continue,
            };
            created.map_err(|error| errors::of_io(&error))?;
            written.push((path, facts));
        }
    }
    // Entries change the times of directories.
    for (path, facts) in written.iter().rev() {
        describe(to, path, facts)?;
    }
    Ok(())
}

/// Sets the mode and the times of an entry.
fn describe(dir: &Dir, path: &Path, facts: &Metadata) -> Result<(), Errno> {
    if facts.kind != FileKind::Symlink {
        let set = dir.set_permissions(path, Permissions::from_mode(facts.mode));
        set.map_err(|error| errors::of_io(&error))?;
    }
    let time = |time: std::time::Duration| Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    let times = Timestamps {
        last_access: time(facts.accessed),
        last_modification: time(facts.modified),
    };
    let set = utimensat(dir, path, &times, AtFlags::SYMLINK_NOFOLLOW);
    set.map_err(errors::of_kernel)
}
