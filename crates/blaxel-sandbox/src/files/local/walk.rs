//! The files of a local directory.

use std::fs;
use std::path::{Path, PathBuf};

use blaxel_core::{Error, Source};

use super::selection::Selection;
use super::temp::seconds;
use crate::files::local_file::local_error;
use crate::files::local_file::mode;

/// A file, directory or link of a local directory.
#[derive(Clone, Debug)]
pub(super) struct LocalEntry {
    /// The path below the root, with `/` between its parts.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) kind: LocalKind,
    pub(super) mode: Option<u32>,
    /// The time of the last change in seconds since 1970.
    pub(super) modified: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LocalKind {
    File(u64),
    Directory,
    Link(PathBuf),
}

/// Lists all wanted files below a directory, each directory before its entries. It blocks.
pub(super) fn walk(root: &Path, selection: &Selection) -> Result<Vec<LocalEntry>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![(String::new(), root.to_owned())];
    while let Some((below, directory)) = pending.pop() {
        let problem = |problem| local_error(&directory, problem);
        let mut children = fs::read_dir(&directory)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(problem)?;
        children.sort_by_key(fs::DirEntry::file_name);
        for child in children {
            let path = child.path();
            let Some(name) = child.file_name().to_str().map(str::to_owned) else {
                let problem = format!("`{}`: its name is not UTF-8", path.display());
                return Err(Error::input("local file", &Source::Code, problem));
            };
            let name = match below.as_str() {
                "" => name,
                below => format!("{below}/{name}"),
            };
            let metadata =
                fs::symlink_metadata(&path).map_err(|problem| local_error(&path, problem))?;
            let kind = if metadata.is_dir() {
                LocalKind::Directory
            } else if metadata.is_file() {
                LocalKind::File(metadata.len())
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).map_err(|problem| local_error(&path, problem))?;
                LocalKind::Link(target)
            } else {
                // A socket, pipe or device.
                continue;
            };
            let is_dir = kind == LocalKind::Directory;
            if !selection.wants(&name, is_dir) {
                continue;
            }
            if is_dir {
                pending.push((name.clone(), path.clone()));
            }
            found.push(LocalEntry {
                name,
                path,
                kind,
                mode: mode(&metadata),
                modified: metadata.modified().ok().and_then(seconds),
            });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
