//! A file, directory, link or device of a volume.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::files::{FileKind, Metadata};

/// The number of a node in its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Inode(pub(crate) u64);

/// The mode, the owner and the time of a new node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) now: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Shared with snapshots until one of them is written to.
    File(Arc<Vec<u8>>),
    Directory(BTreeMap<String, Inode>),
    Symlink(String),
    Device(Device),
}

/// A character device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// `/dev/null`.
    Null,
    /// `/dev/zero`.
    Zero,
    /// `/dev/full`.
    Full,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) mode: u32,
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) accessed: Duration,
    pub(crate) modified: Duration,
    pub(crate) changed: Duration,
    pub(crate) links: u32,
    /// The number of open files that refer to it.
    pub(crate) open: u32,
}

impl Node {
    pub(crate) fn new(content: Content, attributes: Attributes) -> Self {
        let Attributes {
            mode,
            user,
            group,
            now,
        } = attributes;
        let links = if matches!(content, Content::Directory(_)) {
            2
        } else {
            1
        };
        Self {
            content,
            mode: mode & 0o7777,
            user,
            group,
            accessed: now,
            modified: now,
            changed: now,
            links,
            open: 0,
        }
    }

    pub(crate) fn kind(&self) -> FileKind {
        match self.content {
            Content::File(_) => FileKind::File,
            Content::Directory(_) => FileKind::Directory,
            Content::Symlink(_) => FileKind::Symlink,
            Content::Device(_) => FileKind::CharDevice,
        }
    }

    /// Returns the bytes that count against the size of the volume.
    pub(crate) fn size(&self) -> u64 {
        match &self.content {
            Content::File(bytes) => bytes.len() as u64,
            Content::Symlink(target) => target.len() as u64,
            Content::Directory(_) | Content::Device(_) => 0,
        }
    }

    pub(crate) fn metadata(&self, inode: Inode) -> Metadata {
        let size = match self.content {
            // The size that common file systems show for a small directory.
            Content::Directory(_) => 4096,
            _ => self.size(),
        };
        Metadata {
            kind: self.kind(),
            mode: self.mode,
            user: self.user,
            group: self.group,
            size,
            inode: inode.0,
            links: self.links,
            accessed: self.accessed,
            modified: self.modified,
            changed: self.changed,
        }
    }
}
