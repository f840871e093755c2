//! [`ImageDigest`]: a digest of everything that an image is built from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use blaxel_core::Error;
use sha2::{Digest, Sha256};

use super::blocking::Cancelled;
use super::context::{Content, Entry, invalid, unreadable};

/// The number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// A SHA-256 digest of everything that an image is built from: its Dockerfile, the paths and contents of its local
/// files, and its build arguments.
///
/// It is the same on every machine: it depends neither on the times, owners and other permissions of files nor on
/// their order. On Unix it depends on whether a file is executable; elsewhere no file is. The base image enters it
/// by name alone, so a moved tag such as `latest` does not change it.
///
/// It is displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageDigest([u8; 32]);

impl ImageDigest {
    /// Returns the first 12 hexadecimal digits, for names.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageDigest({self})")
    }
}

/// Computes an [`ImageDigest`] entry by entry.
///
/// Every length precedes what it is the length of, so that no two contexts are the same text.
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Sha256::new_with_prefix(b"image context 1\n"))
    }

    /// Adds an entry without its contents.
    pub(super) fn start(&mut self, entry: &Entry) {
        let (kind, length) = match &entry.content {
            Content::Directory => (b'd', 0),
            Content::Bytes(bytes) => (b'f', bytes.len() as u64),
            Content::File {
                length,
                is_executable,
                ..
            } => (if *is_executable { b'x' } else { b'f' }, *length),
        };
        self.0.update([kind]);
        self.0.update((entry.path.len() as u64).to_le_bytes());
        self.0.update(entry.path.as_bytes());
        self.0.update(length.to_le_bytes());
    }

    /// Adds a part of the contents.
    pub(super) fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    pub(super) fn finish(self) -> ImageDigest {
        ImageDigest(self.0.finalize().into())
    }
}

/// Returns the digest of entries. It blocks.
pub(super) fn digest(entries: &[Entry], cancelled: &Cancelled) -> Result<ImageDigest, Error> {
    let mut hasher = Hasher::new();
    for entry in entries.iter().filter(|entry| entry.is_counted) {
        hasher.start(entry);
        read(&entry.content, cancelled, |chunk| {
            hasher.update(chunk);
            Ok(())
        })?;
    }
    Ok(hasher.finish())
}

/// Reads contents in chunks, all but the last of which have the same size. It fails if the length of a file has
/// changed since it was found.
pub(super) fn read(
    content: &Content,
    cancelled: &Cancelled,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (path, length) = match content {
        Content::Directory => return Ok(()),
        Content::Bytes(bytes) => return bytes.chunks(CHUNK).try_for_each(take),
        Content::File { path, length, .. } => (path, *length),
    };
    let mut file = File::open(path).map_err(|problem| unreadable(path, problem))?;
    let mut chunk = vec![0; CHUNK];
    let mut total: u64 = 0;
    loop {
        cancelled.check()?;
        let filled = fill(&mut file, &mut chunk).map_err(|problem| unreadable(path, problem))?;
        total = total.saturating_add(filled.len() as u64);
        if total > length || (total < length && filled.len() < CHUNK) {
            return Err(changed(path));
        }
        take(filled)?;
        if total == length {
            return Ok(());
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill<'a>(file: &mut File, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}

/// Creates the error for a file that changes during a build.
fn changed(path: &Path) -> Error {
    invalid(
        path,
        "it changed while it was read; build again when it is complete",
    )
}
