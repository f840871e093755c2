//! Reading local files.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, Source};
use bytes::Bytes;
use futures_core::Stream;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::parts::ByteStream;

/// The size of the chunks that are read.
const CHUNK: usize = 256 * 1024;

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
    let file = File::open(path).await.map_err(problem)?;
    let metadata = file.metadata().await.map_err(problem)?;
    if metadata.is_dir() {
        return Err(problem(io::ErrorKind::IsADirectory.into()));
    }
    Ok(LocalFile {
        stream: Box::pin(Chunks {
            file,
            buffer: Vec::new(),
            path: path.to_owned(),
        }),
        len: metadata.len(),
        mode: mode(&metadata),
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
    file: File,
    buffer: Vec<u8>,
    path: PathBuf,
}

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.buffer.resize(CHUNK, 0);
        let mut buffer = ReadBuf::new(&mut this.buffer);
        let outcome = ready!(Pin::new(&mut this.file).poll_read(cx, &mut buffer));
        let read = Bytes::copy_from_slice(buffer.filled());
        Poll::Ready(match outcome {
            Err(problem) => Some(Err(local_error(&this.path, problem))),
            Ok(()) if read.is_empty() => None,
            Ok(()) => Some(Ok(read)),
        })
    }
}
