//! Copying the contents of a directory.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, OpenOptions, Permissions, PermissionsExt as _};
use rustix::fs::{AtFlags, FileType, Stat, Timespec, Timestamps, utimensat};

use super::errors;
use super::read::{open_below, read};
use super::remove::remove_entry;
use crate::errno::Errno;

/// The mode of a directory while it is filled.
const OPEN: u32 = 0o700;

/// Makes the contents of `to` the same as those of `from`, with modes and times. The paths in
/// `covered` become empty directories. Devices, pipes and sockets are left out, and so is what is
/// removed meanwhile.
///
/// Directories that both have stay the same directories, since something may be mounted there.
pub(super) fn copy(from: &Dir, to: &Dir, covered: &BTreeSet<PathBuf>) -> Result<(), Errno> {
    let mut left = vec![PathBuf::new()];
    let mut directories: Vec<(PathBuf, Stat)> = Vec::new();
    while let Some(path) = left.pop() {
        let (Some(source), Some(target)) = (open_below(from, &path)?, open_below(to, &path)?)
        else {
            continue;
        };
        let entries = read(&source)?;
        let wanted: BTreeSet<&OsStr> = entries.iter().map(|(name, _)| name.as_os_str()).collect();
        for (name, _) in read(&target)? {
            if !wanted.contains(name.as_os_str()) {
                remove_entry(&target, &name)?;
            }
        }
        for (name, stat) in &entries {
            let below = path.join(name);
            match FileType::from_raw_mode(stat.st_mode) {
                _ if covered.contains(&below) => make_directory(&target, name)?,
                FileType::Directory => {
                    make_directory(&target, name)?;
                    directories.push((below.clone(), *stat));
                    left.push(below);
                }
                FileType::RegularFile => copy_file(&source, &target, name, stat)?,
                FileType::Symlink => copy_link(&source, &target, name, stat)?,
                _ => {}
            }
        }
    }
    // Entries change the times of directories, and need directories that can be written to.
    for (path, stat) in directories.iter().rev() {
        to.set_permissions(path, permissions(stat)).map_err(of_io)?;
        set_times(to, path, stat)?;
    }
    Ok(())
}

fn of_io(error: io::Error) -> Errno {
    errors::of_io(&error)
}

fn permissions(stat: &Stat) -> Permissions {
    Permissions::from_mode(stat.st_mode & 0o7777)
}

fn set_times(dir: &Dir, path: &Path, stat: &Stat) -> Result<(), Errno> {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    };
    let set = utimensat(dir, path, &times, AtFlags::SYMLINK_NOFOLLOW);
    set.map_err(errors::of_kernel)
}

/// Removes an entry of another type than the one that will be there.
fn make_way(dir: &Dir, name: &OsStr, wanted: FileType) -> Result<(), Errno> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == wanted => Ok(()),
        Ok(_) => remove_entry(dir, name),
        Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(errno) => Err(errors::of_kernel(errno)),
    }
}

fn make_directory(dir: &Dir, name: &OsStr) -> Result<(), Errno> {
    make_way(dir, name, FileType::Directory)?;
    match dir.create_dir(name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(of_io(error)),
        _ => {}
    }
    let open = dir.set_permissions(name, Permissions::from_mode(OPEN));
    open.map_err(of_io)
}

fn copy_file(from: &Dir, to: &Dir, name: &OsStr, stat: &Stat) -> Result<(), Errno> {
    let mut reading = OpenOptions::new();
    reading.read(true).follow(FollowSymlinks::No);
    let mut source = match from.open_with(name, &reading) {
        Ok(file) => file.into_std(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(of_io(error)),
    };
    make_way(to, name, FileType::RegularFile)?;
    let mut writing = OpenOptions::new();
    writing
        .write(true)
        .create(true)
        .truncate(true)
        .follow(FollowSymlinks::No);
    let mut target = to.open_with(name, &writing).map_err(of_io)?.into_std();
    io::copy(&mut source, &mut target).map_err(of_io)?;
    to.set_permissions(name, permissions(stat)).map_err(of_io)?;
    set_times(to, Path::new(name), stat)
}

fn copy_link(from: &Dir, to: &Dir, name: &OsStr, stat: &Stat) -> Result<(), Errno> {
    let target = match from.read_link_contents(name) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(of_io(error)),
    };
    if to.read_link_contents(name).ok().as_ref() != Some(&target) {
        remove_entry(to, name)?;
        to.symlink_contents(target, name).map_err(of_io)?;
    }
    set_times(to, Path::new(name), stat)
}
