//! The body of an upload: it enforces the announced length and reports progress.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, Error, Source};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::progress::{Progress, ProgressCallback};

/// The maximum number of bytes of a chunk, small enough for smooth progress.
const MAX_CHUNK: usize = 64 * 1024;

/// A body that is exactly as long as announced, or fails.
///
/// The last chunk is held back until the end of the inner body is known. A connection reads no further than
/// the announced length, so without this a body that is too long would arrive as a truncated archive.
pub(super) struct Metered {
    inner: Body,
    /// The data that was read and not yet returned.
    pending: Bytes,
    ended: bool,
    progress: Progress,
    on_progress: Option<ProgressCallback>,
    /// The first error of reading the source.
    source_error: Arc<OnceLock<Error>>,
}

impl Metered {
    /// Creates the body. The second value holds the error of reading `inner`, as soon as there is one.
    pub(super) fn new(
        inner: Body,
        start: Progress,
        on_progress: Option<ProgressCallback>,
    ) -> (Self, Arc<OnceLock<Error>>) {
        let source_error = Arc::new(OnceLock::new());
        let metered = Self {
            inner,
            pending: Bytes::new(),
            ended: false,
            progress: start,
            on_progress,
            source_error: Arc::clone(&source_error),
        };
        (metered, source_error)
    }

    /// Returns the number of announced bytes that have not been returned.
    fn remaining(&self) -> u64 {
        self.progress.total - self.progress.sent
    }

    /// Returns the next chunk, and reports the progress.
    fn next_chunk(&mut self) -> Frame<Bytes> {
        let chunk = self.pending.split_to(self.pending.len().min(MAX_CHUNK));
        self.progress.sent += chunk.len() as u64;
        if let Some(on_progress) = &self.on_progress {
            on_progress(self.progress);
        }
        Frame::data(chunk)
    }

    /// Records the error of the source, and returns it.
    fn fail(&self, error: Error) -> Error {
        self.source_error.get_or_init(|| error).clone()
    }

    /// Fails because the source is `longer` or `shorter` than announced.
    fn wrong_length(&self, comparison: &str) -> Error {
        let total = self.progress.total;
        let problem = format!("it is {comparison} than the announced {total} bytes");
        self.fail(Error::input("archive", &Source::Code, problem))
    }
}

impl http_body::Body for Metered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        loop {
            let is_last = this.pending.len() as u64 == this.remaining();
            if !this.pending.is_empty()
                && (this.ended || !is_last || this.pending.len() > MAX_CHUNK)
            {
                return Poll::Ready(Some(Ok(this.next_chunk())));
            }
            if this.ended {
                return Poll::Ready(match this.remaining() {
                    0 => None,
                    _ => Some(Err(this.wrong_length("shorter"))),
                });
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                None => this.ended = true,
                Some(Err(error)) if error.is_input() => {
                    return Poll::Ready(Some(Err(this.fail(error))));
                }
                Some(Err(error)) => {
                    let error = unreadable(&Source::Code).caused_by(error);
                    return Poll::Ready(Some(Err(this.fail(error))));
                }
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    if this.pending.len() as u64 + data.len() as u64 > this.remaining() {
                        return Poll::Ready(Some(Err(this.wrong_length("longer"))));
                    }
                    if !data.is_empty() {
                        this.pending = data;
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}

/// Creates the error for an archive that cannot be read.
pub(super) fn unreadable(source: &Source) -> Error {
    Error::input("archive", source, "it cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    /// A body of these chunks.
    struct Chunks(VecDeque<Vec<u8>>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            let chunk = self.0.pop_front();
            Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk.into()))))
        }
    }

    /// Reads like a connection: up to the announced length, and no further.
    async fn read(chunks: &[Vec<u8>], total: u64) -> (Result<Vec<u8>, Error>, Vec<Progress>, bool) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let on_progress: ProgressCallback = {
            let seen = Arc::clone(&seen);
            Arc::new(move |progress| seen.lock().unwrap().push(progress))
        };
        let start = Progress {
            sent: 0,
            total,
            attempt: 2,
        };
        let inner = Body::new(Chunks(chunks.to_vec().into()));
        let (metered, source_error) = Metered::new(inner, start, Some(on_progress));
        assert_eq!(metered.size_hint().exact(), Some(total));
        let mut body = Body::new(metered);
        let mut got = Vec::new();
        let outcome = loop {
            match body.chunk().await {
                Ok(Some(chunk)) => got.extend_from_slice(&chunk),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            if got.len() as u64 == total {
                break Ok(());
            }
        };
        let seen = seen.lock().unwrap().clone();
        (outcome.map(|()| got), seen, source_error.get().is_some())
    }

    #[tokio::test]
    async fn progress_is_reported_for_each_chunk_up_to_the_end() {
        let total = 150 * 1024;
        let (outcome, seen, _) = read(&[vec![7; 150 * 1024]], total).await;
        assert_eq!(outcome.unwrap().len() as u64, total);
        let sent: Vec<u64> = seen.iter().map(|seen| seen.sent / 1024).collect();
        assert_eq!(sent, [64, 128, 150]);
        assert!(
            seen.iter()
                .all(|seen| seen.total == total && seen.attempt == 2)
        );
    }

    proptest! {
        /// For any chunking of the source, a body of the announced length arrives, and no other body looks
        /// complete, not even to a connection that reads no further than that length.
        #[test]
        fn only_a_body_of_the_announced_length_is_complete(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..6),
            total in 0u64..12,
        ) {
            let whole = chunks.concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (outcome, seen, failed) = runtime.block_on(read(&chunks, total));
            if whole.len() as u64 == total {
                prop_assert_eq!(outcome.unwrap(), whole);
                prop_assert!(seen.last().is_none_or(|seen| seen.sent == total));
                prop_assert!(!failed);
            } else {
                prop_assert!(outcome.unwrap_err().is_input());
                prop_assert!(failed);
            }
        }
    }
}
