//! The entries of an open directory.

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};

use super::owners::kind;
use crate::errno::Errno;
use crate::files::DirEntry;
use crate::host::errors;

/// Returns the entries in the order of the kernel.
pub(super) fn entries(dir: &Dir) -> Result<Vec<DirEntry>, Errno> {
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
        let file_type = match entry.file_type() {
            // Some file systems do not tell.
            FileType::Unknown => match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(_) => continue,
            },
            known => known,
        };
        found.push(DirEntry {
            name: name.to_string_lossy().into_owned(),
            kind: kind(file_type),
        });
    }
    Ok(found)
}
