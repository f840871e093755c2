//! [`LocalFiles`], the file system of a local guest.

use std::ffi::OsStr;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::Duration;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{DirBuilder, DirBuilderExt as _, OpenOptions as CapOptions};
use cap_std::fs::{OpenOptionsExt as _, Permissions, PermissionsExt as _};
use rustix::fs::{
    AtFlags, FileType, Gid, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, chownat, fstatvfs,
    statat, utimensat,
};

use super::entries::entries;
use super::mounts::{MountTable, Mounts};
use super::open_file::LocalFile;
use super::owners::Owners;
use super::walk::{MAX_PATH, Place, walk};
use super::watch::watch;
use crate::errno::Errno;
use crate::files::{
    Changes, DirEntry, FileError, FileKind, Files, Metadata, OpenFile, OpenOptions, Space, join,
};
use crate::host::{children, errors, remove_entry};

/// The bits of a mode that the umask may remove.
const MASKABLE: u32 = 0o7777;
/// The level below which the directories of a removed tree are not looked up by their paths, which
/// takes a step for each level.
const MAX_LEVEL: usize = 64;

/// The files below the directories of [`Mounts`]. Nothing outside of them can be reached: each
/// operation names one entry of a directory that is open, and `cap-std` refuses paths that lead out
/// of it.
#[derive(Clone)]
pub(crate) struct LocalFiles {
    /// The error is that of all operations.
    pub(super) mounts: Result<MountTable, Errno>,
    pub(super) owners: Owners,
}

impl LocalFiles {
    pub(super) fn mounts(&self) -> Result<Arc<Mounts>, Errno> {
        match &self.mounts {
            Ok(mounts) => Ok(mounts.current()),
            Err(errno) => Err(*errno),
        }
    }

    fn walk(&self, path: &str, follow: bool) -> Result<Place, Errno> {
        walk(&*self.mounts()?, path, follow)
    }

    fn stat(&self, place: &Place) -> Result<Metadata, Errno> {
        let stat = statat(&*place.dir, &place.name, AtFlags::SYMLINK_NOFOLLOW);
        Ok(self.owners.metadata(&stat.map_err(errors::of_kernel)?))
    }

    /// Opens a place, which must not have become a link since it was looked up.
    fn open_place(&self, place: &Place, options: &CapOptions) -> Result<std::fs::File, Errno> {
        let mut options = options.clone();
        options.follow(FollowSymlinks::No);
        // Opening a pipe must not wait for its other end, nor may a terminal become that of this
        // program.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        options.custom_flags(i32::try_from(flags).unwrap_or(0));
        let opened = place.dir.open_with(&place.name, &options);
        let opened = opened.map_err(|error| errors::of_io(&error))?;
        Ok(opened.into_std())
    }

    fn create_file(&self, place: &Place, options: &OpenOptions) -> Result<std::fs::File, Errno> {
        if place.must_be_directory {
            return Err(Errno::IsDirectory);
        }
        let mut creation = cap_options(options);
        creation.create_new(true).mode(options.mode);
        if !options.write && !options.append {
            // The kernel creates files that are opened for reading only, the library does not.
            creation.write(true);
        }
        let file = self.open_place(place, &creation)?;
        let mode = rustix::fs::Mode::from_raw_mode(options.mode & MASKABLE);
        rustix::fs::fchmod(&file, mode).map_err(errors::of_kernel)?;
        Ok(file)
    }

    /// Removes the entries of a directory but the directories in it that a path leads to, unless they
    /// are at a deep level. Returns the names of those.
    fn clear(&self, place: &Place, level: usize) -> Result<Vec<String>, FileError> {
        let failed = |errno| FileError::new("unlinkat", &place.path, errno);
        let (dir, mounts) = (
            place.open_dir().map_err(failed)?,
            self.mounts().map_err(failed)?,
        );
        let mut left = Vec::new();
        for entry in children(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            let path = join(&place.path, &name.to_string_lossy());
            let has_mounts = mounts.at(&path).is_some() || mounts.has_below(&path);
            let is_directory = entry.file_type() == FileType::Directory || has_mounts;
            let by_path = path.len() <= MAX_PATH && (level < MAX_LEVEL || has_mounts);
            match name.to_str() {
                Some(name) if is_directory && by_path => left.push(name.to_owned()),
                _ => {
                    let removed = match place.mount.is_read_only() {
                        true => Err(Errno::ReadOnly),
                        false => remove_entry(&dir, name),
                    };
                    removed.map_err(|errno| FileError::new("unlinkat", &path, errno))?;
                }
            }
        }
        Ok(left)
    }

    fn set_place_mode(&self, place: &Place, mode: u32) -> Result<(), Errno> {
        let permissions = Permissions::from_mode(mode & MASKABLE);
        let set = place.dir.set_permissions(&place.name, permissions);
        set.map_err(|error| errors::of_io(&error))
    }
}

fn cap_options(options: &OpenOptions) -> CapOptions {
    let mut cap = CapOptions::new();
    cap.read(options.read)
        .write(options.write)
        .append(options.append);
    cap
}

impl Files for LocalFiles {
    fn metadata(&self, path: &str) -> Result<Metadata, Errno> {
        self.stat(&self.walk(path, true)?.found()?)
    }

    fn link_metadata(&self, path: &str) -> Result<Metadata, Errno> {
        self.stat(&self.walk(path, false)?.found()?)
    }

    fn open(&self, path: &str, options: &OpenOptions) -> Result<Arc<dyn OpenFile>, Errno> {
        let writes = options.write || options.append;
        let place = self.walk(path, !options.create_new)?;
        let volume = place.mount.volume.clone().filter(|_| writes);
        if let Some(volume) = &volume {
            // Commands may have changed it since the last time.
            volume.room().count();
        }
        let file = match place.kind {
            Some(_) if options.create_new => return Err(Errno::Exists),
            Some(FileKind::Directory) if writes => return Err(Errno::IsDirectory),
            Some(found) => {
                let changes = writes && found == FileKind::File;
                let place = if changes { place.writable()? } else { place };
                let mut existing = cap_options(options);
                existing.truncate(options.truncate && options.write);
                self.open_place(&place, &existing)?
            }
            None if options.create || options.create_new => {
                self.create_file(&place.writable()?, options)?
            }
            None => return Err(Errno::NotFound),
        };
        if options.truncate && options.append {
            // The library does not combine the two.
            file.set_len(0).map_err(|error| errors::of_io(&error))?;
        }
        Ok(Arc::new(LocalFile {
            file,
            options: *options,
            owners: self.owners,
            volume,
        }))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, Errno> {
        let place = self.walk(path, true)?.found()?;
        if place.kind != Some(FileKind::Directory) {
            return Err(Errno::NotDirectory);
        }
        let mounts = self.mounts()?;
        let mut entries = entries(&*place.open_dir()?)?;
        for entry in &mut entries {
            if mounts.at(&join(&place.path, &entry.name)).is_some() {
                // Otherwise it may be a link for commands.
                entry.kind = FileKind::Directory;
            }
        }
        entries.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        Ok(entries)
    }

    fn create_dir(&self, path: &str, mode: u32) -> Result<(), Errno> {
        let place = self.walk(path, false)?.missing()?;
        let mut builder = DirBuilder::new();
        builder.mode(mode & MASKABLE);
        let created = place.dir.create_dir_with(&place.name, &builder);
        created.map_err(|error| errors::of_io(&error))?;
        self.set_place_mode(&place, mode)
    }

    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        let place = self.walk(path, false)?.found()?;
        if place.kind == Some(FileKind::Directory) {
            return Err(Errno::IsDirectory);
        }
        let place = place.writable()?;
        let removed = place.dir.remove_file(&place.name);
        removed.map_err(|error| errors::of_io(&error))
    }

    fn remove_dir(&self, path: &str) -> Result<(), Errno> {
        let place = self.walk(path, false)?.found()?.not_mounted()?;
        if place.kind != Some(FileKind::Directory) {
            return Err(Errno::NotDirectory);
        }
        let place = place.writable()?;
        let removed = place.dir.remove_dir(&place.name);
        removed.map_err(|error| errors::of_io(&error))
    }

    fn remove_all(&self, path: &str) -> Result<(), FileError> {
        // A directory is first cleared, and removed after those in it.
        let mut left = vec![(path.to_owned(), false, 0)];
        while let Some((path, is_cleared, level)) = left.pop() {
            let failed = |errno| FileError::new("unlinkat", &path, errno);
            if is_cleared {
                self.remove_dir(&path).map_err(failed)?;
                continue;
            }
            let place = match self.walk(&path, false) {
                Ok(place) => place,
                Err(Errno::NotFound | Errno::NotDirectory) => continue,
                Err(errno) => return Err(failed(errno)),
            };
            match place.kind {
                None => {}
                Some(FileKind::Directory) => {
                    let inside = self.clear(&place, level)?.into_iter();
                    let inside = inside.map(|name| (join(&path, &name), false, level + 1));
                    left.push((path.clone(), true, level));
                    left.extend(inside);
                }
                Some(_) => self.remove_file(&path).map_err(failed)?,
            }
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        let source = self.walk(from, false)?.found()?.not_mounted()?;
        let target = self.walk(to, false)?.not_mounted()?;
        if !Arc::ptr_eq(&source.mount, &target.mount) {
            return Err(Errno::CrossDevice);
        }
        let is_directory = source.kind == Some(FileKind::Directory);
        if is_directory && self.mounts()?.has_below(&source.path) {
            return Err(Errno::Busy);
        }
        if target.must_be_directory && target.kind.is_none() && !is_directory {
            return Err(Errno::NotDirectory);
        }
        let (source, target) = (source.writable()?, target.writable()?);
        let renamed = source.dir.rename(&source.name, &target.dir, &target.name);
        renamed.map_err(|error| errors::of_io(&error))
    }

    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::NotFound);
        }
        let place = self.walk(path, false)?.missing()?;
        // The library checks targets, which may be absolute here: they are resolved by `walk` only.
        let created = place.dir.symlink_contents(target, &place.name);
        created.map_err(|error| errors::of_io(&error))
    }

    fn hard_link(&self, original: &str, path: &str) -> Result<(), Errno> {
        let source = self.walk(original, false)?.found()?;
        let target = self.walk(path, false)?.missing()?;
        if source.kind == Some(FileKind::Directory) {
            return Err(Errno::NotPermitted);
        }
        if !Arc::ptr_eq(&source.mount, &target.mount) {
            return Err(Errno::CrossDevice);
        }
        let linked = source
            .dir
            .hard_link(&source.name, &target.dir, &target.name);
        linked.map_err(|error| errors::of_io(&error))
    }

    fn read_link(&self, path: &str) -> Result<String, Errno> {
        let place = self.walk(path, false)?.found()?;
        if place.kind != Some(FileKind::Symlink) {
            return Err(Errno::Invalid);
        }
        let target = place.dir.read_link_contents(&place.name);
        let target = target.map_err(|error| errors::of_io(&error))?;
        Ok(target.to_string_lossy().into_owned())
    }

    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        Ok(self.walk(path, true)?.found()?.path)
    }

    fn set_mode(&self, path: &str, mode: u32) -> Result<(), Errno> {
        let place = self.walk(path, true)?.found()?.writable()?;
        self.set_place_mode(&place, mode)
    }

    fn set_owner(&self, path: &str, user: Option<u32>, group: Option<u32>) -> Result<(), Errno> {
        let place = self.walk(path, false)?.found()?.writable()?;
        let user = user.map(|id| self.owners.user_outside(id)).transpose()?;
        let group = group.map(|id| self.owners.group_outside(id)).transpose()?;
        let (user, group) = (user.map(Uid::from_raw), group.map(Gid::from_raw));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let changed = chownat(&*place.dir, &place.name, user, group, flags);
        changed.map_err(errors::of_kernel)
    }

    fn set_times(
        &self,
        path: &str,
        accessed: Option<Duration>,
        modified: Option<Duration>,
    ) -> Result<(), Errno> {
        let place = self.walk(path, true)?.found()?.writable()?;
        let times = Timestamps {
            last_access: timespec(accessed),
            last_modification: timespec(modified),
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let changed = utimensat(&*place.dir, &place.name, &times, flags);
        changed.map_err(errors::of_kernel)
    }

    fn watch(&self, path: &str, is_recursive: bool) -> Result<Changes, Errno> {
        let place = self.walk(path, true)?.found()?;
        if place.kind != Some(FileKind::Directory) {
            return Err(Errno::NotDirectory);
        }
        watch(place.open_dir()?, place.path, is_recursive)
    }

    fn space(&self, path: &str) -> Result<Space, Errno> {
        let place = self.walk(path, true)?.found()?;
        if let Some(volume) = &place.mount.volume {
            return Ok(volume.space());
        }
        let facts = fstatvfs(place.dir.as_fd()).map_err(errors::of_kernel)?;
        let bytes = |blocks: u64| blocks.saturating_mul(facts.f_frsize);
        Ok(Space {
            total: bytes(facts.f_blocks),
            used: bytes(facts.f_blocks.saturating_sub(facts.f_bfree)),
        })
    }
}

fn timespec(time: Option<Duration>) -> Timespec {
    let kept = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    };
    time.map_or(kept, |time| Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    })
}
