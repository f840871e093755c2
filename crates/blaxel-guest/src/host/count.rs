//! The size of the files in a directory.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cap_std::fs::Dir;
use rustix::fs::FileType;

use super::read::{open_below, read};

/// Returns the bytes of all files and links, those with several names once. What cannot be read does
/// not count.
pub(super) fn count(top: &Dir) -> u64 {
    let mut bytes: u64 = 0;
    let mut linked = BTreeSet::new();
    let mut left = vec![PathBuf::new()];
    while let Some(path) = left.pop() {
        let Ok(Some(dir)) = open_below(top, &path) else {
            continue;
        };
        for (name, stat) in read(&dir).unwrap_or_default() {
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => left.push(path.join(name)),
                FileType::RegularFile | FileType::Symlink
                    if stat.st_nlink == 1 || linked.insert(stat.st_ino) =>
                {
                    bytes = bytes.saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
                }
                _ => {}
            }
        }
    }
    bytes
}
