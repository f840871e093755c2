//! Mounting volumes and drives in a local guest.
//!
//! With bubblewrap, each command has mounts of its own: those of the moment in which it starts. So a
//! command that runs does not see later changes, as if it had entered the sandbox before them.
//! Without bubblewrap, a link in the root directory leads to the directory of the volume.

use std::path::Path;
use std::sync::Arc;

use super::files::LocalFiles;
use super::mounts::{Mount, MountTable, Mounts, Purpose};
use super::owners::Owners;
use super::walk::{Place, walk};
use crate::drives::DriveMount;
use crate::errno::Errno;
use crate::files::{FileKind, Files as _};
use crate::host::{Directory, errors};

/// The mode of a directory that replaces a link.
const DIRECTORY: u32 = 0o755;

/// Mounts a directory of a volume over an existing directory. `disk` is the directory of the sandbox
/// itself.
pub(super) fn mount(
    table: &MountTable,
    disk: &Directory,
    owners: Owners,
    mount: &DriveMount,
) -> Result<(), Errno> {
    let volume = mount.volume.directory()?;
    let host = volume.path.join(inside(&volume, owners, mount)?);
    table.change(|mounts| {
        let over = directory_at(mounts, &mount.mount_path)?.not_mounted()?;
        if mounts.has_below(&over.path) {
            return Err(Errno::Busy);
        }
        let purpose = Purpose::Volume {
            read_only: mount.read_only,
        };
        let mut added = Mount::open(&over.path, &host, purpose)?;
        added.volume = Some(volume);
        if mounts.visible_root.is_some() {
            link(disk, &over, &host)?;
        }
        mounts.add(added);
        Ok(())
    })
}

/// Unmounts a volume.
pub(super) fn unmount(table: &MountTable, disk: &Directory, path: &str) -> Result<(), Errno> {
    table.change(|mounts| {
        let path = directory_at(mounts, path)?.path;
        let found = mounts.at(&path).filter(|mount| mount.is_volume());
        let found = found.ok_or(Errno::Invalid)?;
        if mounts.has_below(&path) {
            return Err(Errno::Busy);
        }
        mounts.remove(&path);
        if mounts.visible_root.is_some() {
            unlink(disk, mounts, &found)?;
        }
        Ok(())
    })
}

/// Returns the file system whose `/` is a volume.
pub(crate) fn files_of(volume: Arc<Directory>) -> Result<LocalFiles, Errno> {
    files_from(volume, Owners::new(false))
}

fn files_from(volume: Arc<Directory>, owners: Owners) -> Result<LocalFiles, Errno> {
    let mut root = Mount::open("/", &volume.path, Purpose::Root)?;
    root.volume = Some(volume);
    Ok(LocalFiles {
        mounts: Ok(MountTable::new(Mounts::new(root, None))),
        owners,
    })
}

/// Returns the path of the mounted directory in its volume, without links. It is created if the mount
/// may write.
fn inside(volume: &Arc<Directory>, owners: Owners, mount: &DriveMount) -> Result<String, Errno> {
    let files = files_from(Arc::clone(volume), owners)?;
    if !mount.read_only {
        let created = files.create_dir_all(&mount.drive_path, DIRECTORY);
        created.map_err(|error| error.errno())?;
    }
    let found = directory_at(&*files.mounts()?, &mount.drive_path)?;
    Ok(found.path.trim_start_matches('/').to_owned())
}

fn directory_at(mounts: &Mounts, path: &str) -> Result<Place, Errno> {
    let place = walk(mounts, path, true)?.found()?;
    match place.kind {
        Some(FileKind::Directory) => Ok(place),
        _ => Err(Errno::NotDirectory),
    }
}

/// Replaces an empty directory of the sandbox by a link for its commands.
fn link(disk: &Directory, over: &Place, host: &Path) -> Result<(), Errno> {
    let failed = |error: std::io::Error| errors::of_io(&error);
    if over.mount.is_volume() {
        // The link would be on the volume, where other sandboxes see it.
        return Err(Errno::NotImplemented);
    }
    over.dir.remove_dir(&over.name).map_err(failed)?;
    let linked = over.dir.symlink_contents(host, &over.name);
    if linked.is_err() {
        // The error of the link says more than one of this.
        let _ = over.dir.create_dir(&over.name);
    }
    linked.map_err(failed)?;
    disk.cover(&over.path, true);
    Ok(())
}

/// Replaces the link of a mount by an empty directory. A link that a command has removed or replaced
/// is left to it.
fn unlink(disk: &Directory, mounts: &Mounts, mount: &Arc<Mount>) -> Result<(), Errno> {
    let failed = |error: std::io::Error| errors::of_io(&error);
    disk.cover(&mount.path, false);
    let place = walk(mounts, &mount.path, false)?;
    if place.kind == Some(FileKind::Symlink)
        && place.dir.read_link_contents(&place.name).ok().as_deref() == Some(mount.host.as_path())
    {
        place.dir.remove_file(&place.name).map_err(failed)?;
        place.dir.create_dir(&place.name).map_err(failed)?;
    }
    Ok(())
}

/// Removes the links of a guest that ends, so that its directory can be used again.
pub(super) fn unlink_all(table: &MountTable, disk: &Directory) {
    let mut mounts = Mounts::clone(&table.current());
    if mounts.visible_root.is_none() {
        return;
    }
    let all: Vec<_> = mounts.others().to_vec();
    for mount in all.iter().filter(|mount| mount.is_volume()) {
        mounts.remove(&mount.path);
        // It may be gone with the directory.
        let _ = unlink(disk, &mounts, mount);
    }
}
