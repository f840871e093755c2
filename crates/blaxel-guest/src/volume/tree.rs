//! [`Tree`], the nodes of a volume by number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::node::{Attributes, Content, Device, Inode, Node};
use crate::errno::Errno;
use crate::files::{DirEntry, FileKind, Metadata};

/// The root directory of every volume.
pub(crate) const ROOT: Inode = Inode(1);

/// The largest number of nodes of a volume.
const MAX_NODES: usize = 1 << 20;
/// The longest name of an entry, in bytes.
const MAX_NAME: usize = 255;

/// The nodes of a volume. Paths, links and permissions are the business of its users.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: HashMap<Inode, Node>,
    next: u64,
    used: u64,
    /// The bytes that the contents of all files may have together.
    pub(crate) capacity: u64,
    /// The error for a node that does not exist.
    missing: Errno,
}

impl Tree {
    pub(crate) fn new(capacity: u64) -> Self {
        let attributes = Attributes {
            mode: 0o755,
            user: 0,
            group: 0,
            now: Duration::ZERO,
        };
        let root = Node::new(Content::Directory(BTreeMap::new()), attributes);
        Self {
            nodes: HashMap::from([(ROOT, root)]),
            next: ROOT.0 + 1,
            used: 0,
            capacity,
            missing: Errno::NotFound,
        }
    }

    /// Creates the tree of a volume whose contents are elsewhere. It refuses all operations.
    #[cfg(all(feature = "local", target_os = "linux"))]
    pub(super) fn moved() -> Self {
        Self {
            nodes: HashMap::new(),
            missing: Errno::NotImplemented,
            ..Self::new(0)
        }
    }

    /// Returns a copy in which no file is open.
    pub(crate) fn copy(&self) -> Self {
        let kept = self.nodes.iter().filter(|(_, node)| node.links > 0);
        let nodes: HashMap<_, _> = kept
            .map(|(inode, node)| {
                (
                    *inode,
                    Node {
                        open: 0,
                        ..node.clone()
                    },
                )
            })
            .collect();
        let used = nodes.values().map(Node::size).sum();
        Self {
            nodes,
            next: self.next,
            used,
            capacity: self.capacity,
            missing: self.missing,
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Returns the largest number of nodes, and the current one.
    pub(crate) fn inodes(&self) -> (usize, usize) {
        (MAX_NODES, self.nodes.len())
    }

    fn node(&self, inode: Inode) -> Result<&Node, Errno> {
        self.nodes.get(&inode).ok_or(self.missing)
    }

    /// Returns a node.
    pub(super) fn get(&self, inode: Inode) -> Result<&Node, Errno> {
        self.node(inode)
    }

    /// Sets the times of the last access, the last change of the contents, and the last change at all.
    pub(super) fn set_all_times(&mut self, inode: Inode, times: [Duration; 3]) {
        if let Some(node) = self.nodes.get_mut(&inode) {
            [node.accessed, node.modified, node.changed] = times;
        }
    }

    fn node_mut(&mut self, inode: Inode) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&inode).ok_or(self.missing)
    }

    fn entries(&self, directory: Inode) -> Result<&BTreeMap<String, Inode>, Errno> {
        match &self.node(directory)?.content {
            Content::Directory(entries) => Ok(entries),
            _ => Err(Errno::NotDirectory),
        }
    }

    fn entries_mut(&mut self, directory: Inode) -> Result<&mut BTreeMap<String, Inode>, Errno> {
        match &mut self.node_mut(directory)?.content {
            Content::Directory(entries) => Ok(entries),
            _ => Err(Errno::NotDirectory),
        }
    }

    /// Returns the entries of a directory to add one. A directory that was removed gets none.
    fn entries_to_extend(
        &mut self,
        directory: Inode,
    ) -> Result<&mut BTreeMap<String, Inode>, Errno> {
        match self.node(directory)?.links {
            0 => Err(Errno::NotFound),
            _ => self.entries_mut(directory),
        }
    }

    pub(crate) fn metadata(&self, inode: Inode) -> Result<Metadata, Errno> {
        Ok(self.node(inode)?.metadata(inode))
    }

    pub(crate) fn child(&self, directory: Inode, name: &str) -> Result<Option<Inode>, Errno> {
        Ok(self.entries(directory)?.get(name).copied())
    }

    pub(crate) fn children(&self, directory: Inode) -> Result<Vec<(DirEntry, Inode)>, Errno> {
        let entries = self.entries(directory)?;
        let named = |(name, inode): (&String, &Inode)| {
            let kind = self.node(*inode)?.kind();
            Ok((
                DirEntry {
                    name: name.clone(),
                    kind,
                },
                *inode,
            ))
        };
        entries.iter().map(named).collect()
    }

    pub(crate) fn link_target(&self, inode: Inode) -> Result<Option<&str>, Errno> {
        match &self.node(inode)?.content {
            Content::Symlink(target) => Ok(Some(target)),
            _ => Ok(None),
        }
    }

    /// Returns the bytes of a file.
    #[cfg(all(feature = "local", target_os = "linux"))]
    pub(super) fn bytes(&self, inode: Inode) -> Result<Option<&[u8]>, Errno> {
        match &self.node(inode)?.content {
            Content::File(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    /// Creates a node with a name.
    pub(crate) fn create(
        &mut self,
        directory: Inode,
        name: &str,
        content: Content,
        attributes: Attributes,
    ) -> Result<Inode, Errno> {
        check_name(name)?;
        if self.entries_to_extend(directory)?.contains_key(name) {
            return Err(Errno::Exists);
        }
        let node = Node::new(content, attributes);
        if self.nodes.len() >= MAX_NODES || self.used + node.size() > self.capacity {
            return Err(Errno::NoSpace);
        }
        if node.kind() == FileKind::Directory {
            self.node_mut(directory)?.links += 1;
        }
        let inode = Inode(self.next);
        self.next += 1;
        self.used += node.size();
        self.nodes.insert(inode, node);
        self.entries_mut(directory)?.insert(name.to_owned(), inode);
        self.touch(directory, attributes.now)?;
        Ok(inode)
    }

    /// Gives a file another name.
    pub(crate) fn link(
        &mut self,
        inode: Inode,
        directory: Inode,
        name: &str,
        now: Duration,
    ) -> Result<(), Errno> {
        check_name(name)?;
        if self.node(inode)?.kind() == FileKind::Directory {
            return Err(Errno::NotPermitted);
        }
        if self.entries(directory)?.contains_key(name) {
            return Err(Errno::Exists);
        }
        self.entries_mut(directory)?.insert(name.to_owned(), inode);
        let node = self.node_mut(inode)?;
        node.links += 1;
        node.changed = now;
        self.touch(directory, now)
    }

    /// Removes a name of something that is not a directory.
    pub(crate) fn unlink(
        &mut self,
        directory: Inode,
        name: &str,
        now: Duration,
    ) -> Result<(), Errno> {
        let inode = self.child(directory, name)?.ok_or(Errno::NotFound)?;
        if self.node(inode)?.kind() == FileKind::Directory {
            return Err(Errno::IsDirectory);
        }
        self.entries_mut(directory)?.remove(name);
        self.touch(directory, now)?;
        let node = self.node_mut(inode)?;
        node.links = node.links.saturating_sub(1);
        node.changed = now;
        self.forget_unused(inode);
        Ok(())
    }

    /// Removes an empty directory.
    pub(crate) fn remove_dir(
        &mut self,
        directory: Inode,
        name: &str,
        now: Duration,
    ) -> Result<(), Errno> {
        let inode = self.child(directory, name)?.ok_or(Errno::NotFound)?;
        if !self.entries(inode)?.is_empty() {
            return Err(Errno::NotEmpty);
        }
        self.entries_mut(directory)?.remove(name);
        let parent = self.node_mut(directory)?;
        parent.links = parent.links.saturating_sub(1);
        self.touch(directory, now)?;
        self.node_mut(inode)?.links = 0;
        self.forget_unused(inode);
        Ok(())
    }

    /// Moves an entry. The caller has made sure that a directory does not move into itself.
    pub(crate) fn rename(
        &mut self,
        (from, old): (Inode, &str),
        (to, new): (Inode, &str),
        now: Duration,
    ) -> Result<(), Errno> {
        check_name(new)?;
        let inode = self.child(from, old)?.ok_or(Errno::NotFound)?;
        let is_directory = self.node(inode)?.kind() == FileKind::Directory;
        if let Some(existing) = self.child(to, new)? {
            if existing == inode {
                return Ok(());
            }
            match (
                is_directory,
                self.node(existing)?.kind() == FileKind::Directory,
            ) {
                (true, true) => self.remove_dir(to, new, now)?,
                (false, false) => self.unlink(to, new, now)?,
                (true, false) => return Err(Errno::NotDirectory),
                (false, true) => return Err(Errno::IsDirectory),
            }
        }
        self.entries_to_extend(to)?.insert(new.to_owned(), inode);
        self.entries_mut(from)?.remove(old);
        if is_directory && from != to {
            let old_parent = self.node_mut(from)?;
            old_parent.links = old_parent.links.saturating_sub(1);
            self.node_mut(to)?.links += 1;
        }
        self.node_mut(inode)?.changed = now;
        self.touch(from, now)?;
        self.touch(to, now)
    }

    /// Records that an entry was added to a directory or removed.
    fn touch(&mut self, directory: Inode, now: Duration) -> Result<(), Errno> {
        let node = self.node_mut(directory)?;
        (node.modified, node.changed) = (now, now);
        Ok(())
    }

    pub(crate) fn opened(&mut self, inode: Inode) -> Result<(), Errno> {
        self.node_mut(inode)?.open += 1;
        Ok(())
    }

    pub(crate) fn closed(&mut self, inode: Inode) {
        if let Some(node) = self.nodes.get_mut(&inode) {
            node.open = node.open.saturating_sub(1);
        }
        self.forget_unused(inode);
    }

    /// Drops a node that has no name and is not open.
    fn forget_unused(&mut self, inode: Inode) {
        let is_used = |node: &Node| node.links > 0 || node.open > 0;
        if self.nodes.get(&inode).is_none_or(is_used) {
            return;
        }
        if let Some(node) = self.nodes.remove(&inode) {
            self.used = self.used.saturating_sub(node.size());
        }
    }

    pub(crate) fn read_at(
        &mut self,
        inode: Inode,
        offset: u64,
        buffer: &mut [u8],
        now: Duration,
    ) -> Result<usize, Errno> {
        let node = self.node_mut(inode)?;
        let count = match &node.content {
            Content::File(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = bytes.get(start..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                for (to, from) in buffer.iter_mut().zip(rest) {
                    *to = *from;
                }
                count
            }
            Content::Device(Device::Null) => 0,
            Content::Device(Device::Zero | Device::Full) => {
                buffer.fill(0);
                buffer.len()
            }
            Content::Directory(_) => return Err(Errno::IsDirectory),
            Content::Symlink(_) => return Err(Errno::Invalid),
        };
        node.accessed = now;
        Ok(count)
    }

    /// Writes as many bytes as there is room for. `offset` is `None` for the end.
    pub(crate) fn write_at(
        &mut self,
        inode: Inode,
        offset: Option<u64>,
        bytes: &[u8],
        now: Duration,
    ) -> Result<usize, Errno> {
        let free = self.capacity.saturating_sub(self.used);
        let node = self.node_mut(inode)?;
        let content = match &mut node.content {
            Content::File(content) => Arc::make_mut(content),
            Content::Device(Device::Null | Device::Zero) => return Ok(bytes.len()),
            Content::Device(Device::Full) => return Err(Errno::NoSpace),
            Content::Directory(_) => return Err(Errno::IsDirectory),
            Content::Symlink(_) => return Err(Errno::Invalid),
        };
        if bytes.is_empty() {
            return Ok(0);
        }
        let size = content.len() as u64;
        let start = offset.unwrap_or(size);
        let largest = size.saturating_add(free);
        let end = start
            .saturating_add(bytes.len() as u64)
            .min(largest.max(size));
        if end <= start {
            return Err(Errno::NoSpace);
        }
        let (start, end) = (to_usize(start)?, to_usize(end)?);
        let bytes = bytes.get(..end - start).ok_or(Errno::Io)?;
        if content.len() < start {
            content.resize(start, 0);
        }
        // What is appended needs no zeros before.
        let (over, appended) = bytes.split_at(bytes.len().min(content.len() - start));
        let place = content
            .get_mut(start..start + over.len())
            .ok_or(Errno::Io)?;
        for (to, from) in place.iter_mut().zip(over) {
            *to = *from;
        }
        content.extend_from_slice(appended);
        let grown = content.len() as u64 - size;
        (node.modified, node.changed) = (now, now);
        self.used += grown;
        Ok(end - start)
    }

    pub(crate) fn set_len(&mut self, inode: Inode, size: u64, now: Duration) -> Result<(), Errno> {
        let free = self.capacity.saturating_sub(self.used);
        let node = self.node_mut(inode)?;
        let content = match &mut node.content {
            Content::File(content) => Arc::make_mut(content),
            Content::Device(_) => return Ok(()),
            Content::Directory(_) => return Err(Errno::IsDirectory),
            Content::Symlink(_) => return Err(Errno::Invalid),
        };
        let old = content.len() as u64;
        if size > old && size - old > free {
            return Err(Errno::NoSpace);
        }
        content.resize(to_usize(size)?, 0);
        if size < old {
            content.shrink_to_fit();
        }
        (node.modified, node.changed) = (now, now);
        self.used = self.used - old + size;
        Ok(())
    }

    pub(crate) fn set_mode(&mut self, inode: Inode, mode: u32, now: Duration) -> Result<(), Errno> {
        let node = self.node_mut(inode)?;
        node.mode = mode & 0o7777;
        node.changed = now;
        Ok(())
    }

    pub(crate) fn set_owner(
        &mut self,
        inode: Inode,
        user: Option<u32>,
        group: Option<u32>,
        now: Duration,
    ) -> Result<(), Errno> {
        let node = self.node_mut(inode)?;
        node.user = user.unwrap_or(node.user);
        node.group = group.unwrap_or(node.group);
        node.changed = now;
        Ok(())
    }

    pub(crate) fn set_times(
        &mut self,
        inode: Inode,
        accessed: Option<Duration>,
        modified: Option<Duration>,
        now: Duration,
    ) -> Result<(), Errno> {
        let node = self.node_mut(inode)?;
        node.accessed = accessed.unwrap_or(node.accessed);
        node.modified = modified.unwrap_or(node.modified);
        node.changed = now;
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), Errno> {
    match name {
        "" => Err(Errno::NotFound),
        _ if name.len() > MAX_NAME => Err(Errno::NameTooLong),
        _ if name.contains('\0') => Err(Errno::Invalid),
        _ => Ok(()),
    }
}

fn to_usize(size: u64) -> Result<usize, Errno> {
    usize::try_from(size).map_err(|_| Errno::FileTooLarge)
}
