//! Archives of small local files, made while they are sent.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::{BoxFuture, Error};
use bytes::Bytes;
use futures_core::Stream;
use tar::{Builder, EntryType, Header};

use super::walk::{LocalEntry, LocalKind};
use crate::files::local_file::local_error;

/// The bytes of a tar archive of some files. Each file is read as a whole.
pub(super) struct Archive {
    entries: VecDeque<LocalEntry>,
    /// `None` after the end.
    builder: Option<Builder<Vec<u8>>>,
    reading: Option<(LocalEntry, BoxFuture<io::Result<Vec<u8>>>)>,
}

impl Archive {
    pub(super) fn new(entries: impl IntoIterator<Item = LocalEntry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            builder: Some(Builder::new(Vec::new())),
            reading: None,
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let Some(builder) = &mut self.builder else {
            return Poll::Ready(None);
        };
        if self.reading.is_none() {
            match self.entries.pop_front() {
                Some(entry) if matches!(entry.kind, LocalKind::File(_)) => {
                    let path = entry.path.clone();
                    self.reading =
                        Some((entry, Box::pin(async move { tokio::fs::read(path).await })));
                }
                Some(entry) => return Poll::Ready(Some(append(builder, &entry, &[]))),
                None => {
                    let end = self.builder.take().map(Builder::into_inner);
                    return Poll::Ready(end.map(|end| match end {
                        Ok(bytes) => Ok(bytes.into()),
                        Err(problem) => Err(local_error(Path::new("archive"), problem)),
                    }));
                }
            }
        }
        let Some((entry, reading)) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let content = ready!(reading.as_mut().poll(cx));
        let chunk = match content {
            Ok(content) => append(builder, entry, &content),
            Err(problem) => Err(local_error(&entry.path, problem)),
        };
        self.reading = None;
        Poll::Ready(Some(chunk))
    }
}

impl Stream for Archive {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

/// Appends an entry, and returns the bytes of the archive so far that were not returned before.
fn append(
    builder: &mut Builder<Vec<u8>>,
    entry: &LocalEntry,
    content: &[u8],
) -> Result<Bytes, Error> {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(entry.modified.unwrap_or(0));
    let outcome = match &entry.kind {
        LocalKind::File(_) => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(entry.mode.unwrap_or(0o644));
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, &entry.name, content)
        }
        LocalKind::Directory => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(entry.mode.unwrap_or(0o755));
            header.set_size(0);
            builder.append_data(&mut header, &entry.name, io::empty())
        }
        LocalKind::Link(target) => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            builder.append_link(&mut header, &entry.name, target)
        }
    };
    outcome.map_err(|problem| local_error(&entry.path, problem))?;
    Ok(std::mem::take(builder.get_mut()).into())
}
