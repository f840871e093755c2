//! Reading local files.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Source};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::parts::ByteStream;

/// The size of the chunks that are read. Each costs a change of threads.
const CHUNK: usize = 512 * 1024;

/// A local file that is open for reading.
pub(crate) struct LocalFile {
    pub(crate) stream: ByteStream,
    pub(crate) len: u64,
    pub(crate) mode: Option<u32>,
}

/// Creates the error of a local file.
pub(crate) fn local_error(path: &Path, problem: io::Error) -> Error {
    let text = format!("`{}`", path.display());
    Error::input("local file", &Source::Code, text).caused_by(problem)
}

/// Opens a local file.
pub(crate) async fn open(path: &Path) -> Result<LocalFile, Error> {
    let problem = |problem| local_error(path, problem);
    // Before it is opened: opening a pipe waits for somebody who writes to it, on a thread that cannot be stopped.
    check_kind(&tokio::fs::metadata(path).await.map_err(problem)?).map_err(problem)?;
    let file = tokio::fs::File::open(path).await.map_err(problem)?;
    let metadata = file.metadata().await.map_err(problem)?;
    // And after: another file may have taken its place.
    check_kind(&metadata).map_err(problem)?;
    Ok(LocalFile {
        stream: Box::pin(Chunks {
            file: Some(Reader {
                file: file.into_std().await,
                buffer: BytesMut::new(),
            }),
            reading: None,
            path: path.to_owned(),
        }),
        len: metadata.len(),
        mode: mode(&metadata),
    })
}

/// Checks that a file has an end and a size, so that it can be read without waiting.
fn check_kind(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(if metadata.is_dir() {
        io::ErrorKind::IsADirectory.into()
    } else {
        let problem = "it is not a regular file; send its content with `write_stream`";
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    })
}

/// Returns the permissions, on systems that have them.
pub(crate) fn mode(metadata: &Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Some(metadata.permissions().mode() & 0o7777)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

/// The chunks of a file.
struct Chunks {
    /// The file, unless a thread reads it.
    file: Option<Reader>,
    reading: Option<JoinHandle<io::Result<(Reader, Bytes)>>>,
    path: PathBuf,
}

/// A file and the memory of its chunks, which is used again when the chunk before was dropped.
struct Reader {
    file: File,
    buffer: BytesMut,
}

impl Reader {
    /// Reads the next chunk, which is empty at the end. It blocks.
    fn read(mut self) -> io::Result<(Self, Bytes)> {
        let mut filled = 0;
        while let Some(room) = self
            .buffer
            .get_mut(filled..)
            .filter(|room| !room.is_empty())
        {
            match self.file.read(room) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
                Err(problem) => return Err(problem),
            }
        }
        self.buffer.truncate(filled);
        let chunk = self.buffer.split().freeze();
        Ok((self, chunk))
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(mut file) = self.file.take() {
            // Not on the thread that reads, where the allocator would keep memory of its own.
            file.buffer.resize(CHUNK, 0);
            self.reading = Some(spawn_blocking(move || file.read()));
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let outcome = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let outcome = outcome.unwrap_or_else(|problem| Err(io::Error::other(problem)));
        Poll::Ready(match outcome {
            Err(problem) => Some(Err(local_error(&self.path, problem))),
            Ok((_, chunk)) if chunk.is_empty() => None,
            Ok((file, chunk)) => {
                self.file = Some(file);
                Some(Ok(chunk))
            }
        })
    }
}
