//! Reading directories without following links.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, openat, statat};
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

/// Returns the entries of a directory, without those that are gone meanwhile.
pub(super) fn read(dir: &Dir) -> Result<Vec<(OsString, Stat)>, Errno> {
    // The library opens directories in a way in which they can be passed, but not read.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = openat(dir, ".", flags, Mode::empty()).map_err(errors::of_kernel)?;
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::new(readable).map_err(errors::of_kernel)? {
        let entry = entry.map_err(errors::of_kernel)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push((OsStr::from_bytes(name.to_bytes()).to_owned(), stat)),
            Err(Kernel::NOENT) => {}
            Err(errno) => return Err(errors::of_kernel(errno)),
        }
    }
    Ok(found)
}
