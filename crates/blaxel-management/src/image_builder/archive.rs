//! The archive of a build: a ZIP that is made while it is sent.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, Error, Source};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use http_body::Frame;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use tokio::sync::mpsc;

use super::blocking::{self, Cancelled};
use super::context::{Content, Entry};
use super::digest::{Hasher, ImageDigest, read};
use crate::upload::{Archive, UploadSource};

/// The number of bytes of a chunk of the archive.
const CHUNK: usize = 64 * 1024;

/// The number of chunks that wait to be sent.
const WAITING: usize = 2;

/// The files of a build, with the digest and the length of their archive.
pub(super) struct Packed {
    entries: Arc<[Entry]>,
    pub(super) digest: ImageDigest,
    length: u64,
}

impl Packed {
    /// Measures the archive of some files, by making it once without keeping it. It blocks.
    pub(super) fn measure(entries: Vec<Entry>, cancelled: &Cancelled) -> Result<Self, Error> {
        let mut length = Length(0);
        let digest = write(&entries, &mut length, cancelled)?;
        Ok(Self {
            entries: entries.into(),
            digest,
            length: length.0,
        })
    }

    /// Returns the source of an upload, which makes the archive again for each attempt. Memory holds a few chunks of
    /// it. If a file has changed since it was measured, the upload fails.
    pub(super) fn source(&self) -> UploadSource {
        let (entries, digest) = (Arc::clone(&self.entries), self.digest);
        UploadSource::function(Archive::Zip, self.length, move || {
            let body = stream(Arc::clone(&entries), digest);
            async move { Ok::<_, Error>(body) }
        })
    }
}

/// Counts bytes.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the archive of some files, and returns their digest.
///
/// The same files give the same bytes: all times are those of the format's start, and permissions are 755 or 644.
fn write(entries: &[Entry], sink: impl Write, cancelled: &Cancelled) -> Result<ImageDigest, Error> {
    let mut hasher = Hasher::new();
    let mut archive = ZipArchiveWriter::new(sink);
    for entry in entries {
        cancelled.check()?;
        if entry.is_counted {
            hasher.start(entry);
        }
        let is_executable = matches!(
            &entry.content,
            Content::File {
                is_executable: true,
                ..
            }
        );
        let permissions = if is_executable { 0o755 } else { 0o644 };
        if matches!(entry.content, Content::Directory) {
            let directory = archive.new_dir(entry.path.as_str());
            directory.unix_permissions(0o755).create().map_err(failed)?;
            continue;
        }
        let file = archive.new_file(entry.path.as_str());
        let file = file.compression_method(CompressionMethod::DEFLATE);
        let (mut file, config) = file.unix_permissions(permissions).start().map_err(failed)?;
        let encoder = DeflateEncoder::new(&mut file, Compression::default());
        let mut contents = config.wrap(encoder);
        read(&entry.content, cancelled, |chunk| {
            if entry.is_counted {
                hasher.update(chunk);
            }
            contents.write_all(chunk).map_err(failed)
        })?;
        let (encoder, descriptor) = contents.finish().map_err(failed)?;
        encoder.finish().map_err(failed)?;
        file.finish(descriptor).map_err(failed)?;
    }
    archive.finish().map_err(failed)?;
    Ok(hasher.finish())
}

/// Creates the error for an archive that cannot be written.
fn failed(problem: impl Into<blaxel_core::BoxError>) -> Error {
    Error::input("archive", &Source::Code, "it cannot be written").caused_by(problem)
}

/// The body of an archive that is being made.
struct Stream(mpsc::Receiver<Result<Bytes, Error>>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0
            .poll_recv(cx)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

/// Returns the body of an archive. It is made on another thread, which ends when the body is dropped.
fn stream(entries: Arc<[Entry]>, digest: ImageDigest) -> Body {
    let (sender, receiver) = mpsc::channel(WAITING);
    let outcome = sender.clone();
    tokio::task::spawn_blocking(move || {
        let mut sink = Sink {
            sender,
            chunk: Vec::with_capacity(CHUNK),
        };
        // The sink fails as soon as the body is dropped, so the work needs no other sign of it.
        let written = write(&entries, &mut sink, &Cancelled::default());
        let end = written.and_then(|found| match found == digest {
            true => Ok(sink.chunk.into()),
            false => {
                let problem = "a local file changed while it was uploaded; build again";
                Err(Error::input("archive", &Source::Code, problem))
            }
        });
        // The body may have been dropped, and then nobody needs the end.
        let _ = outcome.blocking_send(end);
    });
    Body::new(Stream(receiver))
}

/// Sends chunks to the body. The last one is kept until the whole archive is known to be right.
struct Sink {
    sender: mpsc::Sender<Result<Bytes, Error>>,
    chunk: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() >= CHUNK {
            let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
            let sent = self.sender.blocking_send(Ok(full.into()));
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        let free = CHUNK.saturating_sub(self.chunk.len());
        let taken = bytes.get(..free).unwrap_or(bytes);
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Finds the files of a build and measures their archive.
pub(super) async fn pack(
    entries: impl FnOnce(&Cancelled) -> Result<Vec<Entry>, Error> + Send + 'static,
) -> Result<Packed, Error> {
    blocking::run(move |cancelled| Packed::measure(entries(cancelled)?, cancelled)).await
}
