//! [`Files`], the file system of a guest.

mod changes;
mod error;
mod tar_header;

use std::sync::Arc;
use std::time::Duration;

pub use self::changes::{Change, ChangeKind, ChangeSender, Changes};
pub use self::error::FileError;
pub(crate) use self::tar_header::tar_header;
use crate::errno::Errno;

/// The bytes that [`Files::read`] reads of something that is not a regular file.
const DEVICE_LIMIT: usize = 1 << 20;

/// A file system, as the system calls of one user see it.
///
/// Paths are absolute and UTF-8, `/` separates names, and `..` leads to the parent of the
/// directory that was reached. Symbolic links are followed unless a method says otherwise. Modes
/// are the lower 12 bits of a POSIX mode and are set exactly, without a mask.
///
/// The methods do what one system call does. Those below [`read`](Self::read) are built of the
/// others and need not be implemented. Methods may block the thread
/// ([`Guest::is_blocking`](crate::Guest::is_blocking)).
pub trait Files: Send + Sync {
    /// Returns the metadata of what `path` leads to.
    ///
    /// # Errors
    ///
    /// Fails if it does not exist or cannot be reached.
    fn metadata(&self, path: &str) -> Result<Metadata, Errno>;

    /// Returns the metadata of the entry at `path`, without following it if it is a symbolic link.
    ///
    /// # Errors
    ///
    /// Fails if it does not exist or cannot be reached.
    fn link_metadata(&self, path: &str) -> Result<Metadata, Errno>;

    /// Opens a file, and creates it if `options` say so.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened in this way. A directory can be opened for reading only, and
    /// reading from it fails.
    fn open(&self, path: &str, options: &OpenOptions) -> Result<Arc<dyn OpenFile>, Errno>;

    /// Returns the entries of a directory, ordered by the bytes of their names.
    ///
    /// # Errors
    ///
    /// Fails if `path` is not a directory or cannot be read.
    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, Errno>;

    /// Creates a directory.
    ///
    /// # Errors
    ///
    /// Fails if something exists at `path`, or if its parent does not exist.
    fn create_dir(&self, path: &str, mode: u32) -> Result<(), Errno>;

    /// Removes an entry that is not a directory.
    ///
    /// # Errors
    ///
    /// Fails if it does not exist, or with [`Errno::IsDirectory`].
    fn remove_file(&self, path: &str) -> Result<(), Errno>;

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// Fails if it does not exist, is not a directory, or is not empty.
    fn remove_dir(&self, path: &str) -> Result<(), Errno>;

    /// Renames an entry. An existing entry at `to` is replaced if it is of the same type and, if it
    /// is a directory, empty.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::CrossDevice`] if the two places are on different file systems.
    fn rename(&self, from: &str, to: &str) -> Result<(), Errno>;

    /// Creates a symbolic link at `path` with the text `target`.
    ///
    /// # Errors
    ///
    /// Fails if something exists at `path`.
    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno>;

    /// Creates a second name `path` for the file `original`, which is not followed.
    ///
    /// # Errors
    ///
    /// Fails if something exists at `path`, or if `original` is a directory.
    fn hard_link(&self, original: &str, path: &str) -> Result<(), Errno>;

    /// Returns the text of a symbolic link.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::Invalid`] if `path` is not a symbolic link.
    fn read_link(&self, path: &str) -> Result<String, Errno>;

    /// Returns the path without links, `.` and `..`.
    ///
    /// # Errors
    ///
    /// Fails if it does not exist or cannot be reached.
    fn canonicalize(&self, path: &str) -> Result<String, Errno>;

    /// Sets the mode.
    ///
    /// # Errors
    ///
    /// Fails if the entry does not exist, or if the user does not own it.
    fn set_mode(&self, path: &str, mode: u32) -> Result<(), Errno>;

    /// Sets the owner, the group, or both. A symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// Fails if the entry does not exist, or if the user is not the superuser.
    fn set_owner(&self, path: &str, user: Option<u32>, group: Option<u32>) -> Result<(), Errno>;

    /// Sets the times of the last access and the last change, as times since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// Fails if the entry does not exist, or if the user does not own it.
    fn set_times(
        &self,
        path: &str,
        accessed: Option<Duration>,
        modified: Option<Duration>,
    ) -> Result<(), Errno>;

    /// Reports changes of the entries of a directory, and with `is_recursive` also of the
    /// directories in it, new ones included. The entries of a directory that appears as a whole are
    /// reported as created, once each.
    ///
    /// # Errors
    ///
    /// Fails if `path` is not a directory.
    fn watch(&self, path: &str, is_recursive: bool) -> Result<Changes, Errno>;

    /// Returns the space of the file system that `path` is on.
    ///
    /// # Errors
    ///
    /// Fails if `path` does not exist.
    fn space(&self, path: &str) -> Result<Space, Errno>;

    /// Reads a whole file.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened or read, or with [`Errno::FileTooLarge`] if it is a device that
    /// has no end.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let failed = |operation| move |errno| FileError::new(operation, path, errno);
        let file = self
            .open(path, &OpenOptions::reading())
            .map_err(failed("open"))?;
        let metadata = file.metadata().map_err(failed("stat"))?;
        let is_endless = |filled| metadata.kind != FileKind::File && filled > DEVICE_LIMIT;
        let mut content = vec![0; usize::try_from(metadata.size).unwrap_or(0)];
        let mut filled = 0;
        loop {
            if filled == content.len() {
                // One more chunk, in case that the file has grown.
                content.resize(filled + 4096, 0);
            }
            let room = content.get_mut(filled..).unwrap_or_default();
            match file.read_at(filled as u64, room).map_err(failed("read"))? {
                0 => break,
                read => filled += read,
            }
            if is_endless(filled) {
                return Err(failed("read")(Errno::FileTooLarge));
            }
        }
        content.truncate(filled);
        Ok(content)
    }

    /// Writes a whole file in place, and creates it with `mode` if it does not exist. An existing
    /// file keeps its mode.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened, or if the space does not suffice. The file may then hold a
    /// part of `content`.
    fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<(), FileError> {
        let failed = |operation| move |errno| FileError::new(operation, path, errno);
        let file = self
            .open(path, &OpenOptions::replacing(mode))
            .map_err(failed("open"))?;
        file.write_all_at(0, content).map_err(failed("write"))
    }

    /// Creates a directory and those above it, all with `mode`. An existing directory is left as
    /// it is.
    ///
    /// # Errors
    ///
    /// Fails if something on the way exists and is not a directory.
    fn create_dir_all(&self, path: &str, mode: u32) -> Result<(), FileError> {
        let failed = |path: &str, errno| Err(FileError::new("mkdir", path, errno));
        match self.metadata(path) {
            Ok(found) if found.kind == FileKind::Directory => return Ok(()),
            Ok(_) => return failed(path, Errno::NotDirectory),
            Err(_) => {}
        }
        let trimmed = path.trim_end_matches('/');
        if let Some((parent, _)) = trimmed.rsplit_once('/')
            && !parent.is_empty()
        {
            self.create_dir_all(parent, mode)?;
        }
        match self.create_dir(path, mode) {
            Ok(()) => Ok(()),
            // Somebody else may have created it in between.
            Err(Errno::Exists)
                if self
                    .metadata(path)
                    .is_ok_and(|found| found.kind == FileKind::Directory) =>
            {
                Ok(())
            }
            Err(errno) => failed(path, errno),
        }
    }

    /// Removes an entry, and if it is a directory all that is in it. A symbolic link is not
    /// followed. Returns without an error if there is none.
    ///
    /// # Errors
    ///
    /// Fails at the first entry that cannot be removed. The others before it are removed.
    fn remove_all(&self, path: &str) -> Result<(), FileError> {
        // A directory is first listed, and removed after what is in it. There may be more levels
        // than the stack of a thread has room for.
        let mut left = vec![(path.to_owned(), false)];
        while let Some((path, is_listed)) = left.pop() {
            let failed = |errno| FileError::new("unlinkat", &path, errno);
            if is_listed {
                self.remove_dir(&path).map_err(failed)?;
                continue;
            }
            match self.link_metadata(&path) {
                Ok(found) if found.kind == FileKind::Directory => {
                    let entries = self.read_dir(&path).map_err(failed)?;
                    let entries = entries.iter().rev();
                    let inside: Vec<_> = entries
                        .map(|entry| (join(&path, &entry.name), false))
                        .collect();
                    left.push((path.clone(), true));
                    left.extend(inside);
                }
                Ok(_) => self.remove_file(&path).map_err(failed)?,
                Err(Errno::NotFound | Errno::NotDirectory) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(())
    }
}

/// Appends a name to the path of a directory.
pub(crate) fn join(directory: &str, name: &str) -> String {
    let directory = directory.trim_end_matches('/');
    format!("{directory}/{name}")
}

/// An open file. It stays usable when its name is removed. Dropping the last reference closes it.
pub trait OpenFile: Send + Sync {
    /// Reads bytes from `offset` on, and returns how many. It is 0 at the end.
    ///
    /// # Errors
    ///
    /// Fails with [`Errno::BadDescriptor`] if the file is not open for reading.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno>;

    /// Writes bytes at `offset`, and returns how many. Files opened for appending ignore `offset`.
    ///
    /// # Errors
    ///
    /// Fails if nothing could be written, with [`Errno::NoSpace`] if the file system is full.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno>;

    /// Cuts the file or fills it up with zeros.
    ///
    /// # Errors
    ///
    /// Fails if the file is not open for writing, or with [`Errno::NoSpace`].
    fn set_len(&self, size: u64) -> Result<(), Errno>;

    /// Returns the metadata of the file.
    ///
    /// # Errors
    ///
    /// Fails if the machine cannot tell.
    fn metadata(&self) -> Result<Metadata, Errno>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    ///
    /// Fails if the space does not suffice. A part may have been written.
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.write_at(offset + written as u64, rest)? {
                0 => return Err(Errno::Io),
                count => written += count,
            }
        }
        Ok(())
    }
}

/// The way in which a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Allows reading.
    pub read: bool,
    /// Allows writing.
    pub write: bool,
    /// Lets all writes go to the end, and allows writing.
    pub append: bool,
    /// Removes its content.
    pub truncate: bool,
    /// Creates it if it does not exist.
    pub create: bool,
    /// Creates it, and fails if it exists. Symbolic links are not followed.
    pub create_new: bool,
    /// The mode of a created file.
    pub mode: u32,
}

impl OpenOptions {
    /// Returns the options for reading a file that exists.
    #[must_use]
    pub fn reading() -> Self {
        Self {
            read: true,
            ..Self::default()
        }
    }

    /// Returns the options for replacing the content of a file, which may not exist yet.
    #[must_use]
    pub fn replacing(mode: u32) -> Self {
        Self {
            write: true,
            truncate: true,
            create: true,
            mode,
            ..Self::default()
        }
    }
}

/// The facts about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its type.
    pub kind: FileKind,
    /// The lower 12 bits of its mode.
    pub mode: u32,
    /// The id of its owner.
    pub user: u32,
    /// The id of its group.
    pub group: u32,
    /// Its size in bytes. That of a symbolic link is the length of its text.
    pub size: u64,
    /// Its number in its file system.
    pub inode: u64,
    /// The number of its names.
    pub links: u32,
    /// The time of the last read, since 1970-01-01T00:00:00Z.
    pub accessed: Duration,
    /// The time of the last change of its content.
    pub modified: Duration,
    /// The time of the last change of its metadata.
    pub changed: Duration,
}

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device, such as `/dev/null`.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: String,
    /// Its type; links are not followed.
    pub kind: FileKind,
}

/// The space of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The size of the file system.
    pub total: u64,
    /// The bytes in use.
    pub used: u64,
}
