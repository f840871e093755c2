//! The differences between the files of a sandbox and those of its image.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::errno::Errno;
use crate::files::{DirEntry, FileError, FileKind, Files, Metadata, join};

/// A file, directory or link that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) path: String,
    /// The size of the content; 0 for directories and deleted files.
    pub(super) size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Added,
    Modified,
    Deleted,
}

/// The directories that belong to the kernel or to the server.
const SKIPPED: [&str; 4] = ["/dev", "/proc", "/sys", "/tmp/multipart-uploads"];

/// Compares all files, except for those in `skipped`. Directories come before their entries. Of a
/// deleted directory only the directory itself is named.
pub(super) fn compare(
    files: &dyn Files,
    image: &dyn Files,
    skipped: &[String],
) -> Result<Vec<Change>, FileError> {
    let mut comparison = Comparison {
        files,
        image,
        skipped,
        changes: Vec::new(),
    };
    comparison.directory("/", true)?;
    Ok(comparison.changes)
}

struct Comparison<'a> {
    files: &'a dyn Files,
    image: &'a dyn Files,
    skipped: &'a [String],
    changes: Vec<Change>,
}

impl Comparison<'_> {
    fn is_skipped(&self, path: &str) -> bool {
        let own = self.skipped.iter().map(String::as_str);
        own.chain(SKIPPED).any(|skipped| {
            let rest = path.strip_prefix(skipped.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Compares the entries of a directory that the sandbox has, and the image too if `in_image`.
    fn directory(&mut self, path: &str, in_image: bool) -> Result<(), FileError> {
        let read = |files: &dyn Files| -> Result<BTreeMap<String, DirEntry>, FileError> {
            let entries = files.read_dir(path);
            let entries = entries.map_err(|errno| FileError::new("open", path, errno))?;
            Ok(entries
                .into_iter()
                .map(|entry| (entry.name.clone(), entry))
                .collect())
        };
        let mut before = if in_image {
            read(self.image)?
        } else {
            BTreeMap::new()
        };
        for (name, entry) in read(self.files)? {
            let was = before.remove(&name);
            let path = join(path, &name);
            if !self.is_skipped(&path) {
                self.entry(&path, &entry, was.as_ref())?;
            }
        }
        for name in before.into_keys() {
            let path = join(path, &name);
            if !self.is_skipped(&path) {
                let kind = Kind::Deleted;
                self.changes.push(Change {
                    kind,
                    path,
                    size: 0,
                });
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: &str,
        entry: &DirEntry,
        was: Option<&DirEntry>,
    ) -> Result<(), FileError> {
        let stat = |errno: Errno| FileError::new("lstat", path, errno);
        let facts = self.files.link_metadata(path).map_err(stat)?;
        let same_kind = was.filter(|was| was.kind == entry.kind);
        let kind = match same_kind {
            None if was.is_some() => Some(Kind::Modified),
            None => Some(Kind::Added),
            Some(_) => {
                let before = self.image.link_metadata(path).map_err(stat)?;
                let differs = differs(&facts, &before) || self.link_differs(path, &facts);
                differs.then_some(Kind::Modified)
            }
        };
        if let Some(kind) = kind {
            let size = match facts.kind {
                FileKind::File => facts.size,
                _ => 0,
            };
            let path = path.to_owned();
            self.changes.push(Change { kind, path, size });
        }
        if entry.kind == FileKind::Directory {
            self.directory(path, same_kind.is_some())?;
        }
        Ok(())
    }

    fn link_differs(&self, path: &str, facts: &Metadata) -> bool {
        facts.kind == FileKind::Symlink && self.files.read_link(path) != self.image.read_link(path)
    }
}

/// Returns `true` if the facts show a change. The times of directories change with their entries.
fn differs(now: &Metadata, before: &Metadata) -> bool {
    let owner = |facts: &Metadata| (facts.mode, facts.user, facts.group);
    let content = |facts: &Metadata| (facts.size, facts.modified);
    let is_file = now.kind == FileKind::File;
    owner(now) != owner(before) || is_file && content(now) != content(before)
}
