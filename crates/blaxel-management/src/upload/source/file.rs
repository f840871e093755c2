//! A body that streams a file.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, Error, Source};
use bytes::Bytes;
use http_body::Frame;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use crate::upload::metered::unreadable;

/// The number of bytes per read. Each read runs on another thread, so small reads are slow.
const CHUNK: usize = 256 * 1024;

/// Opens a file, and returns its content and length.
pub(super) async fn open(path: &Path) -> Result<(Body, u64), Error> {
    let failed = |error| unreadable(&Source::File(path.to_owned())).caused_by(error);
    // Before it is opened: opening a pipe waits for somebody who writes to it, on a thread that cannot be stopped.
    check_kind(path, &tokio::fs::metadata(path).await.map_err(failed)?)?;
    let file = File::open(path).await.map_err(failed)?;
    let metadata = file.metadata().await.map_err(failed)?;
    // And after: another file may have taken its place.
    check_kind(path, &metadata)?;
    let content = Content {
        file,
        path: path.to_owned(),
        chunk: vec![0; CHUNK],
    };
    Ok((Body::new(content), metadata.len()))
}

/// Checks that the path is that of a regular file, which has a size and an end.
fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_file() {
        return Ok(());
    }
    let problem = "it is not a file; pack it into an archive first";
    Err(Error::input(
        "archive",
        &Source::File(path.to_owned()),
        problem,
    ))
}

/// The content of a file, as a body.
struct Content {
    file: File,
    path: PathBuf,
    chunk: Vec<u8>,
}

impl http_body::Body for Content {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let mut chunk = ReadBuf::new(&mut this.chunk);
        let outcome: io::Result<()> = ready!(Pin::new(&mut this.file).poll_read(cx, &mut chunk));
        Poll::Ready(match (outcome, chunk.filled()) {
            (Err(error), _) => {
                let source = Source::File(this.path.clone());
                Some(Err(unreadable(&source).caused_by(error)))
            }
            (Ok(()), []) => None,
            (Ok(()), read) => Some(Ok(Frame::data(Bytes::copy_from_slice(read)))),
        })
    }
}
