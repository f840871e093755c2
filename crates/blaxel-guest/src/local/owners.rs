//! [`Owners`], the ids of users and groups inside and outside of a sandbox.

use std::time::Duration;

use rustix::fs::{FileType, Stat};

use crate::errno::Errno;
use crate::files::{FileKind, Metadata};

/// The id that a user namespace shows for ids that it does not have.
const NOBODY: u32 = 65534;

/// The mapping of ids. In a user namespace the only ids are those of the program itself, which are 0
/// there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    user: u32,
    group: u32,
    is_mapped: bool,
}

impl Owners {
    pub(super) fn new(is_mapped: bool) -> Self {
        Self {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
            is_mapped,
        }
    }

    fn inside(self, id: u32, own: u32) -> u32 {
        match self.is_mapped {
            true if id == own => 0,
            true => NOBODY,
            false => id,
        }
    }

    /// Returns the id of a user outside of the sandbox.
    pub(super) fn user_outside(self, id: u32) -> Result<u32, Errno> {
        self.outside(id, self.user)
    }

    /// Returns the id of a group outside of the sandbox.
    pub(super) fn group_outside(self, id: u32) -> Result<u32, Errno> {
        self.outside(id, self.group)
    }

    fn outside(self, id: u32, own: u32) -> Result<u32, Errno> {
        match (self.is_mapped, id) {
            (true, 0) => Ok(own),
            // A namespace with a single id cannot give a file to another one.
            (true, _) => Err(Errno::NotPermitted),
            (false, id) => Ok(id),
        }
    }

    /// Returns the metadata of a file as the sandbox sees it.
    pub(super) fn metadata(self, stat: &Stat) -> Metadata {
        Metadata {
            kind: kind(FileType::from_raw_mode(stat.st_mode)),
            mode: stat.st_mode & 0o7777,
            user: self.inside(stat.st_uid, self.user),
            group: self.inside(stat.st_gid, self.group),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: stat.st_ino,
            links: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
            accessed: time(stat.st_atime, stat.st_atime_nsec),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

fn time(seconds: i64, nanoseconds: impl TryInto<u32>) -> Duration {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Duration::new(seconds, nanoseconds.try_into().unwrap_or(0))
}

/// Returns the type of a file. Types that the guest does not know count as regular files.
pub(super) fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::CharacterDevice => FileKind::CharDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::Fifo => FileKind::Pipe,
        FileType::Socket => FileKind::Socket,
        _ => FileKind::File,
    }
}
