//! The files of an archive from which an image is built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Source};
use bytes::Bytes;

use super::blocking::Cancelled;
use super::definition::{ImageDefinition, context_name};
use super::ignore::IgnoreRules;
use super::local::{LocalDir, LocalSource};

/// Maximum number of levels of directories, and of files and empty directories. Links can lead to the same directory
/// again and again.
const MAX_LEVELS: usize = 128;
const MAX_ENTRIES: usize = 1_000_000;

/// Maximum size of a `.dockerignore`, in bytes.
const MAX_RULES: u64 = 1024 * 1024;

/// A file or an empty directory of the archive.
#[derive(Clone)]
pub(super) struct Entry {
    /// The path in the archive, with `/` between its parts.
    pub(super) path: String,
    pub(super) content: Content,
    /// `false` for a file that has no effect on the image.
    pub(super) is_counted: bool,
}

#[derive(Clone)]
pub(super) enum Content {
    Bytes(Bytes),
    File {
        path: PathBuf,
        length: u64,
        is_executable: bool,
    },
    Directory,
}

impl Entry {
    pub(super) fn bytes(path: &str, bytes: impl Into<Bytes>) -> Self {
        Self {
            path: path.to_owned(),
            content: Content::Bytes(bytes.into()),
            is_counted: true,
        }
    }

    fn new(path: String, content: Content) -> Self {
        Self {
            path,
            content,
            is_counted: true,
        }
    }
}

/// Returns the files from which a definition is built, sorted by path. It blocks.
pub(super) fn entries(
    definition: &ImageDefinition,
    cancelled: &Cancelled,
) -> Result<Vec<Entry>, Error> {
    let mut entries = vec![Entry::bytes("Dockerfile", definition.dockerfile()?)];
    for (index, source) in definition.sources.iter().enumerate() {
        let name = context_name(index);
        match source {
            LocalSource::Bytes(bytes) => entries.push(Entry::bytes(&name, bytes.clone())),
            LocalSource::File(path) => entries.push(Entry::new(name, file(path)?)),
            LocalSource::Directory(directory) => {
                Walk::new(directory, cancelled)?.run(&name, &mut entries)?;
            }
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

/// Returns the content of a single file.
fn file(path: &Path) -> Result<Content, Error> {
    let metadata = fs::metadata(path).map_err(|problem| unreadable(path, problem))?;
    if metadata.is_file() {
        return Ok(content_of(path.to_owned(), &metadata));
    }
    let problem = match metadata.is_dir() {
        true => "it is a directory; use `copy_dir`",
        false => "it is not a file",
    };
    Err(invalid(path, problem))
}

fn content_of(path: PathBuf, metadata: &fs::Metadata) -> Content {
    Content::File {
        path,
        length: metadata.len(),
        is_executable: is_executable(metadata),
    }
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// A walk over a directory.
struct Walk<'a> {
    root: PathBuf,
    rules: IgnoreRules,
    cancelled: &'a Cancelled,
    /// The directories that are being walked. A link to one of them would be followed for ever.
    open: Vec<PathBuf>,
}

impl<'a> Walk<'a> {
    fn new(directory: &LocalDir, cancelled: &'a Cancelled) -> Result<Self, Error> {
        let path = &directory.path;
        let root = fs::canonicalize(path).map_err(|problem| unreadable(path, problem))?;
        if !root.is_dir() {
            return Err(invalid(path, "it is not a directory; use `copy_file`"));
        }
        let mut rules = IgnoreRules::default();
        if directory.reads_ignore_file {
            let file = path.join(".dockerignore");
            match read_rules(&file) {
                Ok(text) => rules = IgnoreRules::read(&text, &Source::File(file))?,
                Err(problem) if problem.kind() == io::ErrorKind::NotFound => {}
                Err(problem) => return Err(unreadable(&file, problem)),
            }
        }
        rules.append(&directory.rules);
        Ok(Self {
            root,
            rules,
            cancelled,
            open: Vec::new(),
        })
    }

    /// Adds the files of the directory under the path `name`.
    fn run(mut self, name: &str, entries: &mut Vec<Entry>) -> Result<(), Error> {
        let before = entries.len();
        self.directory(self.root.clone(), name, "", entries)?;
        if entries.len() == before {
            entries.push(Entry::new(format!("{name}/"), Content::Directory));
        }
        Ok(())
    }

    /// Adds the files of one directory, whose path below the root is `below`.
    fn directory(
        &mut self,
        path: PathBuf,
        name: &str,
        below: &str,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Error> {
        if self.open.len() >= MAX_LEVELS {
            let problem = format!("it is more than {MAX_LEVELS} directories deep");
            return Err(invalid(&path, &problem));
        }
        let children = fs::read_dir(&path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|problem| unreadable(&path, problem))?;
        self.open.push(path);
        for child in children {
            self.cancelled.check()?;
            if entries.len() >= MAX_ENTRIES {
                let problem = format!("there are more than {MAX_ENTRIES} files");
                return Err(invalid(&self.root, &problem));
            }
            let child_path = child.path();
            let child_name = child.file_name();
            let Some(child_name) = child_name.to_str().filter(|name| !name.contains('\\')) else {
                let problem =
                    "its name is not UTF-8 or contains `\\`, which an archive cannot hold";
                return Err(invalid(&child_path, problem));
            };
            let below = match below {
                "" => child_name.to_owned(),
                below => format!("{below}/{child_name}"),
            };
            self.entry(child_path, name, &below, entries)?;
        }
        self.open.pop();
        Ok(())
    }

    /// Adds a file, or the files of a directory.
    fn entry(
        &mut self,
        path: PathBuf,
        name: &str,
        below: &str,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Error> {
        let is_ignored = self.rules.ignores(below);
        if is_ignored && !self.rules.includes_again() {
            return Ok(());
        }
        let problem = |problem| unreadable(&path, problem);
        let mut metadata = fs::symlink_metadata(&path).map_err(problem)?;
        let mut target = path.clone();
        if metadata.is_symlink() {
            if is_ignored {
                return Ok(());
            }
            target = fs::canonicalize(&path).map_err(problem)?;
            metadata = fs::metadata(&target).map_err(problem)?;
            if !target.starts_with(&self.root) {
                return Err(invalid(
                    &path,
                    "it is a link that leads out of the directory",
                ));
            }
            if self.open.contains(&target) {
                return Err(invalid(
                    &path,
                    "it is a link to a directory that contains it",
                ));
            }
        }
        if metadata.is_dir() {
            let before = entries.len();
            self.directory(target, name, below, entries)?;
            if entries.len() == before && !is_ignored {
                let path = format!("{name}/{below}/");
                entries.push(Entry::new(path, Content::Directory));
            }
        } else if metadata.is_file() && !is_ignored {
            let content = content_of(target, &metadata);
            entries.push(Entry::new(format!("{name}/{below}"), content));
        }
        // A socket, pipe or device has no contents to copy.
        Ok(())
    }
}

/// Reads a `.dockerignore`. A pipe would be waited for.
fn read_rules(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > MAX_RULES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    fs::read_to_string(path)
}

/// Creates the error for a local file that cannot be read.
pub(super) fn unreadable(path: &Path, problem: io::Error) -> Error {
    let source = Source::File(path.to_owned());
    Error::input("local file", &source, "it cannot be read").caused_by(problem)
}

/// Creates the error for a local file that cannot be part of an image.
pub(super) fn invalid(path: &Path, problem: &str) -> Error {
    Error::input("local file", &Source::File(path.to_owned()), problem)
}
