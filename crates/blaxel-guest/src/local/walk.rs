//! The way of a path through directories, links and mounts.
//!
//! Each step opens one name in a directory that is already open, and never through a link. So a
//! directory that is replaced by a link meanwhile leads nowhere else, and `..` leads to the directory
//! at the path that was passed. Links are resolved here, from the root of the sandbox.

use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, statat};

use super::mounts::{Mount, Mounts};
use super::owners::kind;
use crate::errno::Errno;
use crate::files::FileKind;
use crate::host::errors;

/// The number of links after which a path is refused.
const MAX_LINKS: usize = 40;
/// The longest path, in bytes.
pub(super) const MAX_PATH: usize = 4096;

/// A name in an open directory, which may not exist.
#[derive(Debug)]
pub(super) struct Place {
    /// The path in the sandbox, without links.
    pub(super) path: String,
    /// The directory, or that itself which is mounted here.
    pub(super) dir: Arc<Dir>,
    /// The name in `dir`; `.` for `dir` itself.
    pub(super) name: String,
    pub(super) mount: Arc<Mount>,
    /// The type of what exists there.
    pub(super) kind: Option<FileKind>,
    /// `true` if the path ended with a slash.
    pub(super) must_be_directory: bool,
}

impl Place {
    /// Returns the place if something exists there.
    pub(super) fn found(self) -> Result<Self, Errno> {
        match self.kind {
            Some(_) => Ok(self),
            None => Err(Errno::NotFound),
        }
    }

    /// Returns the place if nothing exists there.
    pub(super) fn missing(self) -> Result<Self, Errno> {
        match self.kind {
            Some(_) => Err(Errno::Exists),
            None => self.writable(),
        }
    }

    /// Returns the place unless its file system is read-only.
    pub(super) fn writable(self) -> Result<Self, Errno> {
        match self.mount.is_read_only() {
            true => Err(Errno::ReadOnly),
            false => Ok(self),
        }
    }

    /// Returns the place unless something is mounted there.
    pub(super) fn not_mounted(self) -> Result<Self, Errno> {
        match self.name == "." {
            true => Err(Errno::Busy),
            false => Ok(self),
        }
    }

    /// Opens the directory at the place.
    pub(super) fn open_dir(&self) -> Result<Arc<Dir>, Errno> {
        if self.name == "." {
            return Ok(Arc::clone(&self.dir));
        }
        open_dir(&self.dir, &self.name)
    }
}

/// Opens a directory, which must not be a link.
fn open_dir(dir: &Dir, name: &str) -> Result<Arc<Dir>, Errno> {
    let opened = dir.open_dir_nofollow(name);
    Ok(Arc::new(opened.map_err(|error| errors::of_io(&error))?))
}

/// A directory on the way.
#[derive(Clone)]
struct Step {
    dir: Arc<Dir>,
    mount: Arc<Mount>,
}

/// Follows `path`. `follow` says whether a symbolic link at the end is followed.
pub(super) fn walk(mounts: &Mounts, path: &str, follow: bool) -> Result<Place, Errno> {
    match path {
        "" => return Err(Errno::NotFound),
        _ if path.len() > MAX_PATH => return Err(Errno::NameTooLong),
        _ if path.contains('\0') => return Err(Errno::Invalid),
        _ => {}
    }
    let must_be_directory = path.ends_with('/');
    let top = {
        let mount = mounts.root();
        let dir = Arc::clone(&mount.dir);
        Step { dir, mount }
    };
    // The names that are left, the next one last.
    let mut left: Vec<String> = names(path).rev().map(str::to_owned).collect();
    // The path of the current directory without links; empty for `/`. The directories above are not
    // kept open: a path may have more of them than a program may have descriptors.
    let mut above = String::new();
    let mut current = top.clone();
    let mut links = 0;
    while let Some(name) = left.pop() {
        match name.as_str() {
            "." => continue,
            ".." => {
                if let Some((parent, _)) = above.rsplit_once('/') {
                    above = parent.to_owned();
                    current = reach(mounts, &top, &above)?;
                }
                continue;
            }
            _ => {}
        }
        let own_path = format!("{above}/{name}");
        if let Some(mount) = mounts.at(&own_path) {
            let dir = Arc::clone(&mount.dir);
            above = own_path;
            current = Step { dir, mount };
            continue;
        }
        let place = |kind| Place {
            path: own_path.clone(),
            dir: Arc::clone(&current.dir),
            name: name.clone(),
            mount: Arc::clone(&current.mount),
            kind,
            must_be_directory,
        };
        let found = match statat(&*current.dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => kind(FileType::from_raw_mode(stat.st_mode)),
            Err(rustix::io::Errno::NOENT) if left.is_empty() => return Ok(place(None)),
            Err(errno) => return Err(errors::of_kernel(errno)),
        };
        let is_last = left.is_empty();
        match found {
            FileKind::Symlink if follow || must_be_directory || !is_last => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::TooManyLinks);
                }
                let target = current.dir.read_link_contents(&name);
                let target = target.map_err(|error| errors::of_io(&error))?;
                let target = inside(mounts, &target.to_string_lossy());
                if target.starts_with('/') {
                    above.clear();
                    current = top.clone();
                }
                left.extend(names(&target).rev().map(str::to_owned));
            }
            FileKind::Directory if is_last => return Ok(place(Some(found))),
            FileKind::Directory => {
                current.dir = open_dir(&current.dir, &name)?;
                above = own_path;
            }
            _ if is_last && !must_be_directory => return Ok(place(Some(found))),
            _ => return Err(Errno::NotDirectory),
        }
    }
    // A path that ends with `.`, with `..` or with something mounted leads to a directory.
    let mut name = ".".to_owned();
    if let Some((parent, last)) = above.rsplit_once('/') {
        let parent = reach(mounts, &top, parent)?;
        if Arc::ptr_eq(&parent.mount, &current.mount) {
            (current.dir, name) = (parent.dir, last.to_owned());
        }
    }
    Ok(Place {
        path: match above.as_str() {
            "" => "/".to_owned(),
            _ => above,
        },
        dir: current.dir,
        name,
        mount: current.mount,
        kind: Some(FileKind::Directory),
        must_be_directory,
    })
}

/// Opens the directory at a path without links, which a walk has passed.
fn reach(mounts: &Mounts, top: &Step, path: &str) -> Result<Step, Errno> {
    let mut reached = top.clone();
    let mut passed = String::new();
    for name in names(path) {
        passed.push('/');
        passed.push_str(name);
        reached = match mounts.at(&passed) {
            Some(mount) => Step {
                dir: Arc::clone(&mount.dir),
                mount,
            },
            None => Step {
                dir: open_dir(&reached.dir, name)?,
                ..reached
            },
        };
    }
    Ok(reached)
}

/// Returns the target of a link as the sandbox names it.
fn inside(mounts: &Mounts, target: &str) -> String {
    let root = mounts.visible_root.as_deref();
    let below = root.and_then(|root| target.strip_prefix(root));
    match below {
        Some("") => "/".to_owned(),
        Some(below) if below.starts_with('/') => below.to_owned(),
        _ => target.to_owned(),
    }
}

fn names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}
