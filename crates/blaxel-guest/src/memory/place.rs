//! [`Place`], a node of one of the mounted volumes.

use super::user::{Access, User};
use crate::errno::Errno;
use crate::files::Metadata;
use crate::volume::{Inode, ROOT, Volume};

const STICKY: u32 = 0o1000;

#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) volume: Volume,
    pub(super) inode: Inode,
    /// `true` on a volume that is mounted read-only or frozen.
    pub(super) read_only: bool,
}

impl Place {
    pub(super) fn root(volume: &Volume, read_only: bool) -> Self {
        Self {
            volume: volume.clone(),
            inode: ROOT,
            read_only,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.inode == other.inode && self.volume.is_same(&other.volume)
    }

    pub(super) fn metadata(&self) -> Result<Metadata, Errno> {
        self.volume.open().metadata(self.inode)
    }

    /// Returns an error if `user` may not add entries to this directory or remove them.
    pub(super) fn check_writable(&self, user: User) -> Result<(), Errno> {
        let metadata = self.metadata()?;
        if !user.may(&metadata, Access::Write) || !user.may(&metadata, Access::Search) {
            return Err(Errno::PermissionDenied);
        }
        if self.read_only {
            return Err(Errno::ReadOnly);
        }
        Ok(())
    }

    /// Returns an error if `user` may not remove this entry from `directory`.
    pub(super) fn check_removable(&self, directory: &Self, user: User) -> Result<(), Errno> {
        directory.check_writable(user)?;
        let parent = directory.metadata()?;
        let is_owner = self.metadata()?.user == user.user || parent.user == user.user;
        if parent.mode & STICKY != 0 && !is_owner && !user.is_superuser() {
            return Err(Errno::NotPermitted);
        }
        Ok(())
    }
}
