//! Removing directories of any depth.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, RenameFlags, renameat_with, statat, unlinkat};
use rustix::io::Errno as Kernel;

use super::errors;
use super::read::children;
use crate::errno::Errno;

/// Removes an entry, and if it is a directory all that is in it. Links are not followed. What is
/// gone already is no error.
///
/// Neither the depth nor the length of paths is limited: the directories in a directory are moved up
/// before they are emptied.
pub(crate) fn remove_entry(parent: &Dir, name: &OsStr) -> Result<(), Errno> {
    let directory = match remove_flat(parent, name)? {
        Flat::Removed => return Ok(()),
        Flat::NotEmpty(directory) => directory,
    };
    let mut moved = 0_u64;
    loop {
        let mut is_empty = true;
        for child in names(&directory)? {
            is_empty = false;
            let Flat::NotEmpty(inner) = remove_flat(&directory, &child)? else {
                continue;
            };
            for grandchild in names(&inner)? {
                if let Flat::NotEmpty(_) = remove_flat(&inner, &grandchild)? {
                    move_up(&inner, &grandchild, &directory, &mut moved)?;
                }
            }
            remove_flat(&directory, &child)?;
        }
        if is_empty {
            return remove_flat(parent, name).map(drop);
        }
    }
}

enum Flat {
    Removed,
    NotEmpty(Dir),
}

/// Removes an entry unless it is a directory that is not empty.
fn remove_flat(parent: &Dir, name: &OsStr) -> Result<Flat, Errno> {
    let kind = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(facts) => FileType::from_raw_mode(facts.st_mode),
        Err(Kernel::NOENT) => return Ok(Flat::Removed),
        Err(errno) => return Err(errors::of_kernel(errno)),
    };
    let flags = match kind {
        FileType::Directory => AtFlags::REMOVEDIR,
        _ => AtFlags::empty(),
    };
    match unlinkat(parent, name, flags) {
        Ok(()) | Err(Kernel::NOENT) => Ok(Flat::Removed),
        Err(Kernel::NOTEMPTY | Kernel::EXIST) => {
            let opened = parent.open_dir_nofollow(name);
            Ok(Flat::NotEmpty(
                opened.map_err(|error| errors::of_io(&error))?,
            ))
        }
        Err(errno) => Err(errors::of_kernel(errno)),
    }
}

/// Moves an entry to another directory, under a name that is free there.
fn move_up(from: &Dir, name: &OsStr, to: &Dir, moved: &mut u64) -> Result<(), Errno> {
    loop {
        *moved += 1;
        let free = format!(".removed-{moved}");
        match renameat_with(from, name, to, free.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) | Err(Kernel::NOENT) => return Ok(()),
            Err(Kernel::EXIST) => {}
            Err(errno) => return Err(errors::of_kernel(errno)),
        }
    }
}

fn names(dir: &Dir) -> Result<Vec<std::ffi::OsString>, Errno> {
    children(dir)?
        .map(|entry| Ok(OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Directory;

    #[test]
    fn a_directory_is_removed_with_odd_names_links_and_any_depth() {
        let top = Directory::temporary(None).unwrap();
        top.dir.create_dir_all("kept/in").unwrap();
        top.dir.create_dir("gone").unwrap();
        // All levels together are longer than a path may be.
        let odd = [&[b'o'; 200][..], b"\xff"].concat();
        let odd = OsStr::from_bytes(&odd);
        let mut at = top.dir.open_dir("gone").unwrap();
        at.symlink_contents("../kept", "link").unwrap();
        for _ in 0..40 {
            at.create_dir(odd).unwrap();
            at.write(OsStr::from_bytes(b"file\xff"), "x").unwrap();
            at.create_dir_all(".removed-1/more").unwrap();
            at = at.open_dir(odd).unwrap();
        }
        drop(at);
        remove_entry(&top.dir, OsStr::new("gone")).unwrap();
        remove_entry(&top.dir, OsStr::new("gone")).unwrap();
        assert_eq!(names(&top.dir).unwrap(), ["kept"]);
        assert!(top.dir.exists("kept/in"));
    }
}
