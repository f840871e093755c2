//! Unpacking an archive in a sandbox.

use std::io::Read as _;
use std::path::Component;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tar::{Archive, Entry, EntryType};

use super::pack::{MANIFEST, PROCESSES, TOP};
use super::{SavedProcess, VERSION};
use crate::errno::Errno;
use crate::files::{FileKind, Files, join};

/// The outcome of unpacking.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    pub(super) restored: usize,
    pub(super) deleted: usize,
    pub(super) processes: Vec<SavedProcess>,
}

/// The reason why an archive could not be unpacked.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) message: String,
    /// `true` if some of its files have been written.
    pub(super) has_written: bool,
}

/// The members of a manifest that matter for unpacking.
#[derive(Deserialize)]
struct Manifest {
    version: u32,
    #[serde(default)]
    deleted: Vec<String>,
}

/// The description of an archive, which has been checked.
struct Checked {
    deleted: Vec<String>,
    processes: Vec<SavedProcess>,
}

/// Unpacks an archive. Nothing is written before all of it has been checked.
pub(super) fn unpack(files: &dyn Files, archive: &[u8]) -> Result<Unpacked, Failure> {
    let failed = |has_written| {
        move |message| Failure {
            message,
            has_written,
        }
    };
    let Checked { deleted, processes } = check(archive).map_err(failed(false))?;
    let mut unpacked = Unpacked {
        processes,
        ..Unpacked::default()
    };
    for path in deleted {
        let removed = files.remove_all(&path);
        removed.map_err(|error| failed(true)(error.to_string()))?;
        unpacked.deleted += 1;
    }
    let each = for_each(archive, |path, entry| {
        if is_description(path) {
            return Ok(());
        }
        unpacked.restored += 1;
        restore(files, path, entry)
    });
    each.map_err(failed(true))?;
    Ok(unpacked)
}

fn is_description(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|path| path.starts_with(TOP))
}

/// Reads all entries, and returns the description.
fn check(archive: &[u8]) -> Result<Checked, String> {
    let mut manifest: Option<Manifest> = None;
    let mut processes = Vec::new();
    for_each(archive, |path, entry| {
        match path.trim_start_matches('/') {
            MANIFEST => manifest = Some(json(MANIFEST, entry)?),
            PROCESSES => processes = json(PROCESSES, entry)?,
            _ => {}
        }
        Ok(())
    })?;
    let manifest = manifest.ok_or_else(|| format!("the archive has no {MANIFEST}"))?;
    if manifest.version != VERSION {
        let version = manifest.version;
        return Err(format!("archives of version {version} are not supported"));
    }
    let deleted: Result<_, _> = manifest.deleted.iter().map(|path| absolute(path)).collect();
    Ok(Checked {
        deleted: deleted?,
        processes,
    })
}

fn json<T: DeserializeOwned>(name: &str, entry: &mut Entry<'_, &[u8]>) -> Result<T, String> {
    let mut text = Vec::new();
    let read = entry.read_to_end(&mut text);
    read.map_err(|error| malformed(&error))?;
    serde_json::from_slice(&text).map_err(|error| format!("{name} is malformed: {error}"))
}

fn malformed(error: &dyn std::fmt::Display) -> String {
    format!("the archive is malformed: {error}")
}

/// Calls `act` for each entry with its absolute path.
fn for_each(
    archive: &[u8],
    mut act: impl FnMut(&str, &mut Entry<'_, &[u8]>) -> Result<(), String>,
) -> Result<(), String> {
    let mut archive = Archive::new(archive);
    for entry in archive.entries().map_err(|error| malformed(&error))? {
        let mut entry = entry.map_err(|error| malformed(&error))?;
        let path = {
            let path = entry.path().map_err(|error| malformed(&error))?;
            let text = path.to_str();
            absolute(text.ok_or("the archive has a path that is not UTF-8")?)?
        };
        act(&path, &mut entry)?;
    }
    Ok(())
}

/// Returns the absolute path of an entry, which must not lead out of the root.
fn absolute(path: &str) -> Result<String, String> {
    let mut absolute = String::new();
    for component in std::path::Path::new(path).components() {
        match component {
            Component::Normal(name) => {
                absolute = join(&absolute, &name.to_string_lossy());
            }
            Component::RootDir | Component::CurDir => {}
            _ => return Err("the archive has a path that leads out of it".to_owned()),
        }
    }
    match absolute.is_empty() {
        true => Ok("/".to_owned()),
        false => Ok(absolute),
    }
}

/// Writes an entry of a type that archives have.
fn restore(files: &dyn Files, path: &str, entry: &mut Entry<'_, &[u8]>) -> Result<(), String> {
    let kind = match entry.header().entry_type() {
        EntryType::Directory => FileKind::Directory,
        EntryType::Symlink => FileKind::Symlink,
        kind if kind.is_file() => FileKind::File,
        _ => return Ok(()),
    };
    let failed = |errno: Errno| format!("cannot restore {path}: {errno}");
    let is_other = files
        .link_metadata(path)
        .is_ok_and(|found| found.kind != kind || kind == FileKind::Symlink);
    if is_other {
        files
            .remove_all(path)
            .map_err(|error| failed(error.errno()))?;
    }
    let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
    let created = files.create_dir_all(if parent.is_empty() { "/" } else { parent }, 0o755);
    created.map_err(|error| failed(error.errno()))?;
    let mode = entry.header().mode().unwrap_or(0o644) & 0o7777;
    match kind {
        FileKind::Directory => {
            let created = files.create_dir_all(path, mode);
            created.map_err(|error| failed(error.errno()))?;
        }
        FileKind::Symlink => {
            let target = entry.link_name().ok().flatten();
            let target = target.as_deref().and_then(std::path::Path::to_str);
            let target = target.ok_or_else(|| failed(Errno::Invalid))?;
            return files.symlink(target, path).map_err(failed);
        }
        _ => {
            let mut content = Vec::new();
            let read = entry.read_to_end(&mut content);
            read.map_err(|error| malformed(&error))?;
            let written = files.write(path, &content, mode);
            written.map_err(|error| failed(error.errno()))?;
        }
    }
    files.set_mode(path, mode).map_err(failed)?;
    let id = |id: std::io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok());
    let (user, group) = (id(entry.header().uid()), id(entry.header().gid()));
    match files.set_owner(path, user, group) {
        // A machine without privileges cannot give files to others.
        Ok(()) | Err(Errno::NotPermitted) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let modified = entry.header().mtime().ok().map(Duration::from_secs);
    files.set_times(path, None, modified).map_err(failed)
}
