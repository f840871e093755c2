//! The way of a path through directories, links and mounts.

use super::mounts::Mounts;
use super::place::Place;
use super::user::{Access, User};
use crate::errno::Errno;
use crate::files::FileKind;

/// The number of links after which a path is refused.
const MAX_LINKS: usize = 40;
/// The longest path, in bytes.
const MAX_PATH: usize = 4096;
/// The longest name, in bytes.
const MAX_NAME: usize = 255;

/// The start of a walk.
pub(super) struct Walk<'a> {
    pub(super) root: Place,
    pub(super) mounts: &'a Mounts,
    pub(super) user: User,
}

/// The end of a walk.
#[derive(Debug)]
pub(super) enum Walked {
    Found(Found),
    /// All but the last name exists.
    Missing(Missing),
}

/// An entry that exists.
#[derive(Debug)]
pub(super) struct Found {
    /// The path without links.
    pub(super) path: String,
    pub(super) place: Place,
    /// The directories above it, and the name below each; empty for `/`.
    above: Vec<(Place, String)>,
}

/// The place where an entry could be created.
#[derive(Debug)]
pub(super) struct Missing {
    /// The path without links.
    pub(super) path: String,
    pub(super) name: String,
    /// `true` if the path ended with a slash.
    pub(super) must_be_directory: bool,
    /// The directories above it, and the name below each.
    above: Vec<(Place, String)>,
}

impl Walk<'_> {
    /// Follows `path`. `follow` says whether a symbolic link at the end is followed.
    pub(super) fn run(self, path: &str, follow: bool) -> Result<Walked, Errno> {
        if path.is_empty() {
            return Err(Errno::NotFound);
        }
        if path.len() > MAX_PATH {
            return Err(Errno::NameTooLong);
        }
        if path.contains('\0') {
            return Err(Errno::Invalid);
        }
        // The names that are left, the next one last.
        let mut left: Vec<String> = names(path).rev().map(str::to_owned).collect();
        let must_be_directory = path.ends_with('/');
        let mut above: Vec<(Place, String)> = Vec::new();
        let mut current = self.root.clone();
        let mut links = 0;
        while let Some(name) = left.pop() {
            let metadata = current.metadata()?;
            if metadata.kind != FileKind::Directory {
                return Err(Errno::NotDirectory);
            }
            if !self.user.may(&metadata, Access::Search) {
                return Err(Errno::PermissionDenied);
            }
            match name.as_str() {
                "." => continue,
                ".." => {
                    if let Some((parent, _)) = above.pop() {
                        current = parent;
                    }
                    continue;
                }
                name if name.len() > MAX_NAME => return Err(Errno::NameTooLong),
                _ => {}
            }
            let (child, target) = {
                let tree = current.volume.open();
                let child = tree.child(current.inode, &name)?;
                let target =
                    child.map(|child| tree.link_target(child).map(|to| to.map(str::to_owned)));
                (child, target.transpose()?.flatten())
            };
            let Some(child) = child else {
                if !left.is_empty() {
                    return Err(Errno::NotFound);
                }
                above.push((current, name.clone()));
                let path = text(&above);
                return Ok(Walked::Missing(Missing {
                    path,
                    name,
                    must_be_directory,
                    above,
                }));
            };
            if let Some(target) = target
                && (follow || must_be_directory || !left.is_empty())
            {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::TooManyLinks);
                }
                if target.starts_with('/') {
                    above.clear();
                    current = self.root.clone();
                }
                left.extend(names(&target).rev().map(str::to_owned));
                continue;
            }
            let child = Place {
                inode: child,
                ..current.clone()
            };
            above.push((current, name));
            current = self.mounts.top(child);
        }
        if must_be_directory && current.metadata()?.kind != FileKind::Directory {
            return Err(Errno::NotDirectory);
        }
        Ok(Walked::Found(Found {
            path: text(&above),
            place: current,
            above,
        }))
    }
}

fn names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

fn text(above: &[(Place, String)]) -> String {
    if above.is_empty() {
        return "/".to_owned();
    }
    above.iter().flat_map(|(_, name)| ["/", name]).collect()
}

impl Walked {
    pub(super) fn found(self) -> Result<Found, Errno> {
        match self {
            Self::Found(found) => Ok(found),
            Self::Missing(_) => Err(Errno::NotFound),
        }
    }

    pub(super) fn missing(self) -> Result<Missing, Errno> {
        match self {
            Self::Found(_) => Err(Errno::Exists),
            Self::Missing(missing) => Ok(missing),
        }
    }

    fn above(&self) -> &[(Place, String)] {
        match self {
            Self::Found(found) => &found.above,
            Self::Missing(missing) => &missing.above,
        }
    }

    /// Returns the path without links.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Found(found) => &found.path,
            Self::Missing(missing) => &missing.path,
        }
    }

    /// Returns the directory and the name in it; `None` for `/`.
    pub(super) fn entry(&self) -> Option<(&Place, &str)> {
        let (directory, name) = self.above().last()?;
        Some((directory, name))
    }

    /// Returns `true` if the way led through `directory`.
    pub(super) fn passes(&self, directory: &Place) -> bool {
        self.above()
            .iter()
            .any(|(place, _)| place.is_same(directory))
    }
}

impl Found {
    /// Returns the directory and the name in it; `None` for `/`.
    pub(super) fn entry(&self) -> Option<(&Place, &str)> {
        let (directory, name) = self.above.last()?;
        Some((directory, name))
    }

    /// Returns `true` if the way led through `directory`.
    pub(super) fn passes(&self, directory: &Place) -> bool {
        self.above.iter().any(|(place, _)| place.is_same(directory))
    }
}

impl Missing {
    /// Returns the directory that the entry would be in.
    pub(super) fn parent(&self) -> Result<&Place, Errno> {
        let (directory, _) = self.above.last().ok_or(Errno::NotFound)?;
        Ok(directory)
    }
}
