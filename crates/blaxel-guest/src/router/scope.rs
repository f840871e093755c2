//! The parts of a directory that a search covers.

use std::collections::BTreeSet;

use super::call::Call;
use super::glob;
use super::respond::Refusal;
use crate::files::{DirEntry, FileError, FileKind, Files, join};

/// The names of directories that are skipped unless a request names others.
const EXCLUDED: [&str; 10] = [
    "node_modules",
    "vendor",
    ".git",
    "dist",
    "build",
    "target",
    "__pycache__",
    ".venv",
    ".next",
    "coverage",
];

/// The largest limit on results; larger ones count as this one.
const MAX_RESULTS: usize = 1000;

/// The directories and names that a search skips.
pub(super) struct Scope {
    excluded: BTreeSet<String>,
    /// `true` if names that begin with a dot are skipped.
    hides: bool,
}

/// An entry that a walk has met.
pub(super) struct Visit<'a> {
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: FileKind,
}

/// The way in which a walk goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Stop,
}

impl Scope {
    /// Reads the parameters `excludeDirs` and `excludeHidden`.
    pub(super) fn of(call: &Call) -> Self {
        let excluded = match call.query("excludeDirs").as_str() {
            "" => EXCLUDED.map(str::to_owned).into(),
            names => list(names).filter(|name| !name.is_empty()).collect(),
        };
        let hides = matches!(call.query("excludeHidden").as_str(), "" | "true");
        Self { excluded, hides }
    }

    /// Covers all names.
    pub(super) fn everything() -> Self {
        Self {
            excluded: BTreeSet::new(),
            hides: false,
        }
    }

    /// Covers names that begin with a dot too.
    pub(super) fn with_hidden(self) -> Self {
        Self {
            hides: false,
            ..self
        }
    }

    /// Walks through `root` and what is below it, in the order of names, directories before their
    /// entries. The rules for names apply to `root` too. Links are not followed.
    ///
    /// # Errors
    ///
    /// Fails for the first directory that cannot be read, unless `skips_errors`.
    pub(super) fn walk(
        &self,
        files: &dyn Files,
        root: &str,
        skips_errors: bool,
        visit: &mut dyn FnMut(&Visit<'_>) -> Flow,
    ) -> Result<(), FileError> {
        let kind = match files.link_metadata(root) {
            Ok(facts) => facts.kind,
            Err(_) if skips_errors => return Ok(()),
            Err(errno) => return Err(FileError::new("lstat", root, errno)),
        };
        let name = super::path::base(root).to_owned();
        let first = (root.to_owned(), DirEntry { name, kind });
        self.walk_all(files, vec![first], skips_errors, visit)
    }

    /// Walks through what is below `root`, whatever the name of `root` is.
    ///
    /// # Errors
    ///
    /// Fails for the first directory that cannot be read.
    pub(super) fn walk_below(
        &self,
        files: &dyn Files,
        root: &str,
        visit: &mut dyn FnMut(&Visit<'_>) -> Flow,
    ) -> Result<(), FileError> {
        let entries = files
            .read_dir(root)
            .map_err(|errno| FileError::new("open", root, errno))?;
        self.walk_all(files, inside(root, entries).collect(), false, visit)
    }

    /// Walks through entries and what is below them. The last one is the first.
    fn walk_all(
        &self,
        files: &dyn Files,
        // There may be more levels than the stack of a thread has room for.
        mut left: Vec<(String, DirEntry)>,
        skips_errors: bool,
        visit: &mut dyn FnMut(&Visit<'_>) -> Flow,
    ) -> Result<(), FileError> {
        while let Some((path, entry)) = left.pop() {
            let (path, name) = (path.as_str(), entry.name.as_str());
            let is_directory = entry.kind == FileKind::Directory;
            let is_hidden = self.hides && name.starts_with('.');
            if is_hidden || is_directory && self.excluded.contains(name) {
                continue;
            }
            let found = Visit {
                path,
                name,
                kind: entry.kind,
            };
            if visit(&found) == Flow::Stop {
                return Ok(());
            }
            if !is_directory {
                continue;
            }
            match files.read_dir(path) {
                Ok(entries) => left.extend(inside(path, entries)),
                Err(_) if skips_errors => {}
                Err(errno) => return Err(FileError::new("open", path, errno)),
            }
        }
        Ok(())
    }
}

/// Returns the entries of a directory with their paths, the first one last.
fn inside(directory: &str, entries: Vec<DirEntry>) -> impl Iterator<Item = (String, DirEntry)> {
    let entries = entries.into_iter().rev();
    entries.map(move |entry| (join(directory, &entry.name), entry))
}

/// The limit on the results of a search.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// This many; at most 1000.
    Some(usize),
    /// All of them: the request said 0.
    All,
}

impl Limit {
    /// Reads the parameter `maxResults`.
    pub(super) fn of(call: &Call, default: usize) -> Result<Self, Refusal> {
        let text = call.query("maxResults");
        if text.is_empty() {
            return Ok(Self::Some(default));
        }
        match text.parse::<usize>() {
            Ok(0) => Ok(Self::All),
            Ok(limit) => Ok(Self::Some(limit.min(MAX_RESULTS))),
            Err(_) => Err(Refusal::bad_request(format!("invalid maxResults: {text}"))),
        }
    }

    /// Returns `true` if no more results than `count` are wanted.
    pub(super) fn is_reached(self, count: usize) -> bool {
        self.number().is_some_and(|limit| count >= limit)
    }

    pub(super) fn number(self) -> Option<usize> {
        match self {
            Self::Some(limit) => Some(limit),
            Self::All => None,
        }
    }
}

/// Patterns for the names of files, of which one has to match.
pub(super) struct Patterns(Vec<String>);

impl Patterns {
    /// Reads the parameter `patterns`.
    pub(super) fn of(call: &Call) -> Self {
        let text = call.query("patterns");
        Self(if text.is_empty() {
            Vec::new()
        } else {
            list(&text).collect()
        })
    }

    /// Returns `true` if a pattern matches, or if there are none.
    pub(super) fn accept(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| glob::matches(pattern, name))
    }
}

fn list(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',').map(|name| name.trim().to_owned())
}
