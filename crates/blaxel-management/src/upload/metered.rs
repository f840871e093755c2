//! The body of an upload: exactly as long as it was said to be, and in pieces that are counted.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, Error, Source};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::progress::{Progress, Watcher};

/// The most bytes that are handed over at once: few enough for a smooth progress.
const PIECE: usize = 64 * 1024;

/// A body in pieces. The last one is handed over only when the end behind it was seen: a connection asks
/// for no more than was announced, so what is too long would else arrive as an archive cut short.
pub(super) struct Metered {
    inner: Body,
    /// What was read and is not handed over yet.
    next: Bytes,
    ended: bool,
    progress: Progress,
    watcher: Option<Watcher>,
    fault: Arc<OnceLock<Error>>,
}

impl Metered {
    /// The body, and the place where what its reading fails with will be.
    pub(super) fn new(
        inner: Body,
        start: Progress,
        watcher: Option<Watcher>,
    ) -> (Self, Arc<OnceLock<Error>>) {
        let fault = Arc::new(OnceLock::new());
        let metered = Self {
            inner,
            next: Bytes::new(),
            ended: false,
            progress: start,
            watcher,
            fault: Arc::clone(&fault),
        };
        (metered, fault)
    }

    fn left(&self) -> u64 {
        self.progress.total - self.progress.sent
    }

    fn hand_over(&mut self) -> Frame<Bytes> {
        let piece = self.next.split_to(self.next.len().min(PIECE));
        self.progress.sent += piece.len() as u64;
        if let Some(watch) = &self.watcher {
            watch(self.progress);
        }
        Frame::data(piece)
    }

    fn fail(&self, error: Error) -> Error {
        self.fault.get_or_init(|| error).clone()
    }

    /// It is longer or shorter than it was said to be.
    fn mismatch(&self, how: &str) -> Error {
        let total = self.progress.total;
        let problem = format!("it is {how} than the {total} bytes it was said to have");
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
            let is_last = this.next.len() as u64 == this.left();
            if !this.next.is_empty() && (this.ended || !is_last || this.next.len() > PIECE) {
                return Poll::Ready(Some(Ok(this.hand_over())));
            }
            if this.ended {
                return Poll::Ready(match this.left() {
                    0 => None,
                    _ => Some(Err(this.mismatch("shorter"))),
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
                    if this.next.len() as u64 + data.len() as u64 > this.left() {
                        return Poll::Ready(Some(Err(this.mismatch("longer"))));
                    }
                    if !data.is_empty() {
                        this.next = data;
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

/// An archive that cannot be read, or is not as it was said to be.
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

    /// Gives these pieces.
    struct Pieces(VecDeque<Vec<u8>>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            let piece = self.0.pop_front();
            Poll::Ready(piece.map(|piece| Ok(Frame::data(piece.into()))))
        }
    }

    /// Reads as a connection does: until the announced length is there, and no further.
    async fn read(pieces: &[Vec<u8>], total: u64) -> (Result<Vec<u8>, Error>, Vec<Progress>, bool) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watcher: Watcher = {
            let seen = Arc::clone(&seen);
            Arc::new(move |progress| seen.lock().unwrap().push(progress))
        };
        let start = Progress {
            sent: 0,
            total,
            attempt: 2,
        };
        let inner = Body::new(Pieces(pieces.to_vec().into()));
        let (metered, fault) = Metered::new(inner, start, Some(watcher));
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
        (outcome.map(|()| got), seen, fault.get().is_some())
    }

    #[tokio::test]
    async fn progress_goes_on_piece_by_piece_up_to_the_end() {
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
        /// Whatever the pieces: what has the announced length arrives, and nothing else ever looks
        /// complete, not even to a connection that reads no further than that length.
        #[test]
        fn only_the_announced_length_is_complete(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..6),
            total in 0u64..12,
        ) {
            let whole = pieces.concat();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (outcome, seen, faulty) = runtime.block_on(read(&pieces, total));
            if whole.len() as u64 == total {
                prop_assert_eq!(outcome.unwrap(), whole);
                prop_assert!(seen.last().is_none_or(|seen| seen.sent == total));
                prop_assert!(!faulty);
            } else {
                prop_assert!(outcome.unwrap_err().is_input());
                prop_assert!(faulty);
            }
        }
    }
}
