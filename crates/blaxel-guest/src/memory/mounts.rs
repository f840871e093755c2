//! The volumes that are mounted in a file system.

use std::sync::Mutex;

use super::place::Place;
use crate::errno::Errno;
use crate::lock::lock;
use crate::volume::Volume;

#[derive(Debug, Default)]
pub(super) struct Mounts(Mutex<Vec<Mount>>);

#[derive(Debug)]
struct Mount {
    /// The name of the drive or of the volume.
    name: String,
    /// The path without links that it is mounted at.
    path: String,
    /// The directory that it hides.
    over: Place,
    /// The directory that is seen instead. It is open, so that it stays when it is removed from its
    /// volume.
    top: Place,
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.top.volume.open().closed(self.top.inode);
    }
}

impl Mounts {
    pub(super) fn add(
        &self,
        name: String,
        path: String,
        over: Place,
        top: Place,
    ) -> Result<(), Errno> {
        top.volume.open().opened(top.inode)?;
        let mount = Mount {
            name,
            path,
            over,
            top,
        };
        let mut mounts = lock(&self.0);
        if mount.path == "/" || mounts.iter().any(|other| other.path == mount.path) {
            return Err(Errno::Busy);
        }
        mounts.push(mount);
        Ok(())
    }

    pub(super) fn remove(&self, path: &str) -> Result<(), Errno> {
        let mut mounts = lock(&self.0);
        let below = format!("{path}/");
        if mounts.iter().any(|mount| mount.path.starts_with(&below)) {
            return Err(Errno::Busy);
        }
        let found = mounts.iter().position(|mount| mount.path == path);
        mounts.remove(found.ok_or(Errno::Invalid)?);
        Ok(())
    }

    /// Returns the names, the paths and the volumes of all mounts.
    pub(super) fn all(&self) -> Vec<(String, String, Volume)> {
        let mounts = lock(&self.0);
        let all = mounts.iter();
        all.map(|mount| {
            (
                mount.name.clone(),
                mount.path.clone(),
                mount.top.volume.clone(),
            )
        })
        .collect()
    }

    pub(super) fn is_mount_point(&self, path: &str) -> bool {
        lock(&self.0).iter().any(|mount| mount.path == path)
    }

    /// Returns the directory that is seen at `place`.
    pub(super) fn top(&self, place: Place) -> Place {
        let mounts = lock(&self.0);
        let over = mounts.iter().find(|mount| mount.over.is_same(&place));
        over.map_or(place, |mount| mount.top.clone())
    }
}
