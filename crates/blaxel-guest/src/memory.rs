//! [`MemoryFiles`], the file system of a simulated guest.

mod mounts;
mod open_file;
mod place;
mod user;
mod walk;
mod watchers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::mounts::Mounts;
use self::open_file::MemoryFile;
use self::place::Place;
use self::user::{Access, User};
use self::walk::{Missing, Walk, Walked};
use self::watchers::Watchers;
use crate::clock::Clock;
use crate::drives::DriveMount;
use crate::errno::Errno;
use crate::files::{
    ChangeKind, Changes, DirEntry, FileKind, Files, Metadata, OpenFile, OpenOptions, Space, join,
};
use crate::volume::{Attributes, Content, Device, Volume};

/// Changes that a watch keeps until they are read.
const CHANGES_LIMIT: usize = 4096;

/// A file system in memory: a volume as `/`, and other volumes mounted in it.
///
/// Clones share everything but the user. The user is the superuser unless
/// [`as_user`](Self::as_user) chose another one; permissions are checked for the others.
///
/// ```
/// use blaxel_guest::{Clock, Errno, Files, MemoryFiles, Volume};
///
/// let files = MemoryFiles::new(Volume::in_memory(1 << 20), Clock::standing());
/// files.create_dir_all("/etc", 0o755)?;
/// files.write("/etc/motd", b"hello", 0o600)?;
/// assert_eq!(files.read("/etc/motd")?, b"hello");
/// let error = files.as_user(1000, 1000).read("/etc/motd").unwrap_err();
/// assert_eq!(error.errno(), Errno::PermissionDenied);
/// # Ok::<(), blaxel_guest::FileError>(())
/// ```
#[derive(Clone)]
pub struct MemoryFiles {
    shared: Arc<Shared>,
    user: User,
}

struct Shared {
    root: Volume,
    mounts: Mounts,
    watchers: Watchers,
    clock: Clock,
    /// Set while the volume of `/` is read-only. Mounted volumes are not.
    is_frozen: AtomicBool,
}

impl MemoryFiles {
    /// Creates a file system with the contents of `root`.
    #[must_use]
    pub fn new(root: Volume, clock: Clock) -> Self {
        let (mounts, watchers) = (Mounts::default(), Watchers::default());
        let shared = Arc::new(Shared {
            root,
            mounts,
            watchers,
            clock,
            is_frozen: AtomicBool::new(false),
        });
        Self {
            shared,
            user: User::SUPERUSER,
        }
    }

    /// Returns the same file system from the view of another user.
    #[must_use]
    pub fn as_user(&self, user: u32, group: u32) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            user: User { user, group },
        }
    }

    /// Returns the ids of the user and of its group.
    pub(crate) fn user(&self) -> (u32, u32) {
        (self.user.user, self.user.group)
    }

    /// Returns the volume that is mounted as `/`.
    #[must_use]
    pub fn root(&self) -> &Volume {
        &self.shared.root
    }

    /// Mounts a directory of a volume over an existing directory. The directory of the volume is
    /// created if it does not exist, unless the mount is read-only.
    ///
    /// # Errors
    ///
    /// Fails if a directory does not exist, with [`Errno::Busy`] if something is mounted there
    /// already, and with [`Errno::NotImplemented`] if the volume is not in memory.
    pub fn mount(&self, mount: &DriveMount) -> Result<(), Errno> {
        mount.volume.check_in_memory()?;
        let over = self.walk(&mount.mount_path, true)?.found()?;
        let inside = Self::new(mount.volume.clone(), self.shared.clock.clone());
        if !mount.read_only {
            let created = inside.create_dir_all(&mount.drive_path, 0o755);
            created.map_err(|error| error.errno())?;
        }
        let top = inside.walk(&mount.drive_path, true)?.found()?;
        for place in [&over.place, &top.place] {
            if place.metadata()?.kind != FileKind::Directory {
                return Err(Errno::NotDirectory);
            }
        }
        let top = Place {
            read_only: mount.read_only,
            ..top.place
        };
        let name = mount.drive_name.clone();
        self.shared.mounts.add(name, over.path, over.place, top)
    }

    /// Returns the names, the paths and the volumes of what is mounted, without that of `/`.
    pub(crate) fn mounts(&self) -> Vec<(String, String, Volume)> {
        self.shared.mounts.all()
    }

    /// Unmounts what is mounted at `path`.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::Invalid`] if nothing is mounted there.
    pub fn unmount(&self, path: &str) -> Result<(), Errno> {
        let found = self.walk(path, true)?.found()?;
        self.shared.mounts.remove(&found.path)
    }

    /// Makes the volume of `/` read-only, open files included, or writable again. Mounted volumes
    /// are not affected.
    pub fn freeze(&self, is_frozen: bool) {
        self.shared.is_frozen.store(is_frozen, Ordering::Relaxed);
    }

    fn walk(&self, path: &str, follow: bool) -> Result<Walked, Errno> {
        let root = Place::root(&self.shared.root, self.shared.is_frozen());
        Walk {
            root,
            mounts: &self.shared.mounts,
            user: self.user,
        }
        .run(path, follow)
    }

    fn now(&self) -> Duration {
        self.shared.clock.since_epoch()
    }

    fn changed(&self, kind: ChangeKind, path: &str) {
        self.shared.watchers.notify(kind, path);
    }

    fn create(&self, at: &Missing, content: Content, mode: u32) -> Result<Place, Errno> {
        let directory = at.parent()?;
        directory.check_writable(self.user)?;
        let attributes = Attributes {
            mode,
            user: self.user.user,
            group: self.user.group,
            now: self.now(),
        };
        let mut tree = directory.volume.open();
        let inode = tree.create(directory.inode, &at.name, content, attributes)?;
        drop(tree);
        self.changed(ChangeKind::Create, &at.path);
        Ok(Place {
            inode,
            ..directory.clone()
        })
    }

    /// Creates a device file.
    pub(crate) fn create_device(&self, path: &str, device: Device) -> Result<(), Errno> {
        let at = self.walk(path, false)?.missing()?;
        self.create(&at, Content::Device(device), 0o666).map(drop)
    }

    /// Reports the entries of a directory that has appeared as a whole.
    fn report_contents(&self, directory: &str) {
        let mut left = vec![directory.to_owned()];
        while let Some(directory) = left.pop() {
            for entry in self.read_dir(&directory).unwrap_or_default() {
                let path = join(&directory, &entry.name);
                self.changed(ChangeKind::Create, &path);
                if entry.kind == FileKind::Directory {
                    left.push(path);
                }
            }
        }
    }

    /// Applies a change of metadata that only the owner may make.
    fn change_own(
        &self,
        path: &str,
        follow: bool,
        only_superuser: bool,
        change: impl FnOnce(&Place, Duration) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let found = self.walk(path, follow)?.found()?;
        let owner = found.place.metadata()?.user;
        if !self.user.is_superuser() && (only_superuser || owner != self.user.user) {
            return Err(Errno::NotPermitted);
        }
        if found.place.read_only {
            return Err(Errno::ReadOnly);
        }
        change(&found.place, self.now())?;
        self.changed(ChangeKind::Chmod, &found.path);
        Ok(())
    }
}

impl Shared {
    fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Relaxed)
    }
}

impl Files for MemoryFiles {
    fn metadata(&self, path: &str) -> Result<Metadata, Errno> {
        self.walk(path, true)?.found()?.place.metadata()
    }

    fn link_metadata(&self, path: &str) -> Result<Metadata, Errno> {
        self.walk(path, false)?.found()?.place.metadata()
    }

    fn open(&self, path: &str, options: &OpenOptions) -> Result<Arc<dyn OpenFile>, Errno> {
        let writes = options.write || options.append;
        let (place, path) = match self.walk(path, !options.create_new)? {
            Walked::Found(_) if options.create_new => return Err(Errno::Exists),
            Walked::Found(found) => {
                let metadata = found.place.metadata()?;
                if writes && metadata.kind == FileKind::Directory {
                    return Err(Errno::IsDirectory);
                }
                let may = |asked: bool, access: Access| !asked || self.user.may(&metadata, access);
                if !may(options.read, Access::Read) || !may(writes, Access::Write) {
                    return Err(Errno::PermissionDenied);
                }
                if writes && found.place.read_only && metadata.kind == FileKind::File {
                    return Err(Errno::ReadOnly);
                }
                (found.place, found.path)
            }
            Walked::Missing(at) if options.create || options.create_new => {
                if at.must_be_directory {
                    return Err(Errno::IsDirectory);
                }
                let content = Content::File(Arc::default());
                (self.create(&at, content, options.mode)?, at.path)
            }
            Walked::Missing(_) => return Err(Errno::NotFound),
        };
        let shared = Arc::clone(&self.shared);
        let file = MemoryFile::open(shared, place, path, *options)?;
        if options.truncate && writes && file.metadata()?.size > 0 {
            file.set_len(0)?;
        }
        Ok(Arc::new(file))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, Errno> {
        let place = self.walk(path, true)?.found()?.place;
        let metadata = place.metadata()?;
        if metadata.kind != FileKind::Directory {
            return Err(Errno::NotDirectory);
        }
        if !self.user.may(&metadata, Access::Read) {
            return Err(Errno::PermissionDenied);
        }
        let children = place.volume.open().children(place.inode)?;
        Ok(children.into_iter().map(|(entry, _)| entry).collect())
    }

    fn create_dir(&self, path: &str, mode: u32) -> Result<(), Errno> {
        let at = self.walk(path, false)?.missing()?;
        self.create(&at, Content::Directory(BTreeMap::new()), mode)
            .map(drop)
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        let found = self.walk(path, false)?.found()?;
        let (directory, name) = found.entry().ok_or(Errno::IsDirectory)?;
        found.place.check_removable(directory, self.user)?;
        directory
            .volume
            .open()
            .unlink(directory.inode, name, self.now())?;
        self.changed(ChangeKind::Remove, &found.path);
        Ok(())
    }

    fn remove_dir(&self, path: &str) -> Result<(), Errno> {
        let found = self.walk(path, false)?.found()?;
        let (directory, name) = found.entry().ok_or(Errno::Busy)?;
        if self.shared.mounts.is_mount_point(&found.path) {
            return Err(Errno::Busy);
        }
        found.place.check_removable(directory, self.user)?;
        directory
            .volume
            .open()
            .remove_dir(directory.inode, name, self.now())?;
        self.changed(ChangeKind::Remove, &found.path);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        let source = self.walk(from, false)?.found()?;
        let (old_directory, old_name) = source.entry().ok_or(Errno::Busy)?;
        let target = self.walk(to, false)?;
        let (new_directory, new_name) = target.entry().ok_or(Errno::Busy)?;
        let is_mount_point = |path: &str| self.shared.mounts.is_mount_point(path);
        if is_mount_point(&source.path) || is_mount_point(target.path()) {
            return Err(Errno::Busy);
        }
        if !old_directory.volume.is_same(&new_directory.volume) {
            return Err(Errno::CrossDevice);
        }
        let is_directory = source.place.metadata()?.kind == FileKind::Directory;
        if is_directory && target.passes(&source.place) {
            return Err(Errno::Invalid);
        }
        if let Walked::Missing(at) = &target
            && at.must_be_directory
            && !is_directory
        {
            return Err(Errno::NotDirectory);
        }
        if let Walked::Found(found) = &target
            && source.passes(&found.place)
        {
            return Err(Errno::NotEmpty);
        }
        source.place.check_removable(old_directory, self.user)?;
        match &target {
            Walked::Found(found) => found.place.check_removable(new_directory, self.user)?,
            Walked::Missing(_) => new_directory.check_writable(self.user)?,
        }
        let (old, new) = (
            (old_directory.inode, old_name),
            (new_directory.inode, new_name),
        );
        old_directory.volume.open().rename(old, new, self.now())?;
        self.changed(ChangeKind::Rename, &source.path);
        self.changed(ChangeKind::Create, target.path());
        if is_directory {
            self.report_contents(target.path());
        }
        Ok(())
    }

    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::NotFound);
        }
        let at = self.walk(path, false)?.missing()?;
        self.create(&at, Content::Symlink(target.to_owned()), 0o777)
            .map(drop)
    }

    fn hard_link(&self, original: &str, path: &str) -> Result<(), Errno> {
        let source = self.walk(original, false)?.found()?.place;
        let at = self.walk(path, false)?.missing()?;
        let directory = at.parent()?;
        directory.check_writable(self.user)?;
        if !source.volume.is_same(&directory.volume) {
            return Err(Errno::CrossDevice);
        }
        let mut tree = directory.volume.open();
        tree.link(source.inode, directory.inode, &at.name, self.now())?;
        drop(tree);
        self.changed(ChangeKind::Create, &at.path);
        Ok(())
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        let place = self.walk(path, false)?.found()?.place;
        let tree = place.volume.open();
        let target = tree.link_target(place.inode)?;
        target.map(str::to_owned).ok_or(Errno::Invalid)
    }

    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        Ok(self.walk(path, true)?.found()?.path)
    }

    fn set_mode(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.change_own(path, true, false, |place, now| {
            place.volume.open().set_mode(place.inode, mode, now)
        })
    }

    fn set_owner(&self, path: &str, user: Option<u32>, group: Option<u32>) -> Result<(), Errno> {
        self.change_own(path, false, true, |place, now| {
            place.volume.open().set_owner(place.inode, user, group, now)
        })
    }

    fn set_times(
        &self,
        path: &str,
        accessed: Option<Duration>,
        modified: Option<Duration>,
    ) -> Result<(), Errno> {
        self.change_own(path, true, false, |place, now| {
            place
                .volume
                .open()
                .set_times(place.inode, accessed, modified, now)
        })
    }

    fn watch(&self, path: &str, is_recursive: bool) -> Result<Changes, Errno> {
        let found = self.walk(path, true)?.found()?;
        let metadata = found.place.metadata()?;
        if metadata.kind != FileKind::Directory {
            return Err(Errno::NotDirectory);
        }
        if !self.user.may(&metadata, Access::Read) {
            return Err(Errno::PermissionDenied);
        }
        let (sender, changes) = Changes::channel(CHANGES_LIMIT);
        self.shared.watchers.add(found.path, is_recursive, sender);
        Ok(changes)
    }

    fn space(&self, path: &str) -> Result<Space, Errno> {
        Ok(self.walk(path, true)?.found()?.place.volume.space())
    }
}

impl fmt::Debug for MemoryFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryFiles")
            .field("root", &self.shared.root)
            .field("user", &self.user.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
