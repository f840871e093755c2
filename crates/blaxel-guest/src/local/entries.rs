//! The entries of an open directory.

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, statat};

use super::owners::kind;
use crate::errno::Errno;
use crate::files::DirEntry;
use crate::host::children;

/// Returns the entries in the order of the kernel.
pub(super) fn entries(dir: &Dir) -> Result<Vec<DirEntry>, Errno> {
    let mut found = Vec::new();
    for entry in children(dir)? {
        let entry = entry?;
        let name = entry.file_name();
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
