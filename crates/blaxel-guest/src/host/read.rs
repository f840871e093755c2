//! Reading directories without following links.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, DirEntry, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno as Kernel;

use super::errors;
use crate::errno::Errno;

/// Opens the directory at a path below `top`; an empty path is `top` itself. Returns `None` if it is
/// gone.
pub(super) fn open_below(top: &Dir, path: &Path) -> Result<Option<Dir>, Errno> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    match top.open_dir(path) {
        Ok(dir) => Ok(Some(dir)),
        Err(error) => match errors::of_io(&error) {
            Errno::NotFound | Errno::NotDirectory => Ok(None),
            errno => Err(errno),
        },
    }
}

/// Returns the entries of a directory in the order of the kernel, without itself and its parent.
pub(crate) fn children(
    dir: &Dir,
) -> Result<impl Iterator<Item = Result<DirEntry, Errno>> + use<>, Errno> {
    // The library opens directories in a way in which they can be passed, but not read.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = openat(dir, ".", flags, Mode::empty()).map_err(errors::of_kernel)?;
    let entries = rustix::fs::Dir::new(readable).map_err(errors::of_kernel)?;
    let is_child = |entry: &DirEntry| !matches!(entry.file_name().to_bytes(), b"." | b"..");
    Ok(entries
        .filter(move |entry| entry.as_ref().map_or(true, is_child))
        .map(|entry| entry.map_err(errors::of_kernel)))
}

/// Returns the entries of a directory, without those that are gone meanwhile.
pub(super) fn read(dir: &Dir) -> Result<Vec<(OsString, Stat)>, Errno> {
    let mut found = Vec::new();
    for entry in children(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push((OsStr::from_bytes(name.to_bytes()).to_owned(), stat)),
            Err(Kernel::NOENT) => {}
            Err(errno) => return Err(errors::of_kernel(errno)),
        }
    }
    Ok(found)
}
