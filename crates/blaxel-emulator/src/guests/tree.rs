//! Copies of the files of machines whose disk is not a [`Volume`], such as directories of this computer.

use blaxel_guest::{Errno, FileError, FileKind, Files, MemoryFiles, Volume};

use crate::clock::Clock;

/// The directories of a machine's system, which every machine has. They are not copied.
const SYSTEM: [&str; 13] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/usr",
];

/// Maximum size of a copy, which is in memory: 1 GiB.
const LIMIT: u64 = 1 << 30;

/// Copies the files of a machine, without its system and without what is mounted at these paths.
pub(super) fn save(files: &dyn Files, mounts: &[String]) -> Result<Volume, FileError> {
    let volume = Volume::in_memory(LIMIT);
    let to = MemoryFiles::new(volume.clone(), Clock::standing());
    copy("/", files, &to, mounts)?;
    Ok(volume)
}

/// Replaces the files of a machine by those of a copy.
pub(super) fn load(volume: &Volume, files: &dyn Files, mounts: &[String]) -> Result<(), FileError> {
    for entry in read_dir(files, "/")? {
        let path = join("/", &entry);
        if !is_skipped(&path, mounts) {
            clear(&path, files, mounts)?;
        }
    }
    let from = MemoryFiles::new(volume.clone(), Clock::standing());
    copy("/", &from, files, mounts)
}

/// Removes an entry at the root, but not a directory itself: some are mount points of the system.
fn clear(path: &str, files: &dyn Files, mounts: &[String]) -> Result<(), FileError> {
    let found = files.link_metadata(path).map_err(failed("lstat", path))?;
    if found.kind != FileKind::Directory {
        return files.remove_all(path);
    }
    for entry in read_dir(files, path)? {
        let path = join(path, &entry);
        if !is_skipped(&path, mounts) {
            files.remove_all(&path)?;
        }
    }
    Ok(())
}

/// Copies the entries of a directory.
fn copy(
    directory: &str,
    from: &dyn Files,
    to: &dyn Files,
    mounts: &[String],
) -> Result<(), FileError> {
    for entry in read_dir(from, directory)? {
        let path = join(directory, &entry);
        if is_skipped(&path, mounts) {
            continue;
        }
        match copy_entry(&path, from, to, mounts) {
            // A program removed it in between.
            Err(error) if error.errno() == Errno::NotFound => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

fn copy_entry(
    path: &str,
    from: &dyn Files,
    to: &dyn Files,
    mounts: &[String],
) -> Result<(), FileError> {
    let found = from.link_metadata(path).map_err(failed("lstat", path))?;
    match found.kind {
        FileKind::Directory => {
            to.create_dir_all(path, found.mode)?;
            copy(path, from, to, mounts)?;
        }
        FileKind::File => to.write(path, &from.read(path)?, found.mode)?,
        FileKind::Symlink => {
            let target = from.read_link(path).map_err(failed("readlink", path))?;
            return to.symlink(&target, path).map_err(failed("symlink", path));
        }
        // Sockets and pipes belong to programs that end.
        _ => return Ok(()),
    }
    to.set_mode(path, found.mode)
        .map_err(failed("chmod", path))?;
    let times = (Some(found.accessed), Some(found.modified));
    to.set_times(path, times.0, times.1)
        .map_err(failed("utimes", path))
}

fn is_skipped(path: &str, mounts: &[String]) -> bool {
    SYSTEM.contains(&path)
        || mounts
            .iter()
            .any(|mount| mount.trim_end_matches('/') == path)
}

fn read_dir(files: &dyn Files, path: &str) -> Result<Vec<String>, FileError> {
    let entries = files.read_dir(path).map_err(failed("open", path))?;
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}

fn failed<'a>(operation: &'static str, path: &'a str) -> impl FnOnce(Errno) -> FileError + 'a {
    move |errno| FileError::new(operation, path, errno)
}

fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}
