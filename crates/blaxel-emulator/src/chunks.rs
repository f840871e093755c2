//! Response bodies that are sent chunk by chunk.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use crate::fault::Disconnected;

/// A response body that is sent chunk by chunk: its bytes, the pauses between them, and its end.
///
/// Each chunk is a write of its own, and its bytes are sent as they are. Pauses are real time and
/// need a tokio runtime with timers. [`FromIterator`] collects chunks without pauses.
///
/// ```
/// use std::time::Duration;
/// use blaxel_emulator::Chunks;
///
/// let truncated = Chunks::new()
///     .then("data: {\"n\": 1}\n\n")
///     .pause(Duration::from_millis(50))
///     .then("data: {\"n\"")
///     .cut();
/// # let _ = truncated;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Chunks {
    steps: VecDeque<Step>,
    /// The pause before the chunk that is added next; at the end, the pause before the end of the
    /// body.
    pause: Duration,
    cut: bool,
}

/// A chunk and the pause before it.
#[derive(Clone, Debug)]
struct Step {
    pause: Duration,
    bytes: Bytes,
}

impl Chunks {
    /// Creates an empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a chunk. See [`Chunks`] for an example.
    pub fn then(mut self, bytes: impl Into<Bytes>) -> Self {
        let (pause, bytes) = (std::mem::take(&mut self.pause), bytes.into());
        self.steps.push_back(Step { pause, bytes });
        self
    }

    /// Adds a pause before the next chunk, or before the end of the body if no chunk follows.
    pub fn pause(mut self, time: Duration) -> Self {
        self.pause = self.pause.saturating_add(time);
        self
    }

    /// Closes the connection after the last chunk, so that the body has no end marker.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Creates a body with the same pause between every two chunks.
    pub(crate) fn evenly(chunks: impl IntoIterator<Item = Bytes>, pause: Duration) -> Self {
        let first = Self::new();
        chunks.into_iter().fold(first, |all, chunk| {
            let pause = if all.steps.is_empty() {
                Duration::ZERO
            } else {
                pause
            };
            all.pause(pause).then(chunk)
        })
    }

    /// Converts the chunks into a response body.
    pub(crate) fn into_body(self) -> axum::body::Body {
        let first = self.steps.front().map_or(self.pause, |step| step.pause);
        let next = if first.is_zero() {
            NextChunk::Now
        } else {
            NextChunk::After(first)
        };
        axum::body::Body::new(ChunkedBody { chunks: self, next })
    }
}

impl<B: Into<Bytes>> FromIterator<B> for Chunks {
    fn from_iter<I: IntoIterator<Item = B>>(chunks: I) -> Self {
        chunks.into_iter().fold(Self::new(), Self::then)
    }
}

/// A body that returns one chunk per poll and yields in between, so that each chunk is written on
/// its own.
struct ChunkedBody {
    chunks: Chunks,
    next: NextChunk,
}

/// The time of the next chunk.
enum NextChunk {
    Now,
    /// This long after the next poll. A zero pause only yields once.
    After(Duration),
    /// A pause that has started.
    Sleeping(Pin<Box<Sleep>>),
}

impl http_body::Body for ChunkedBody {
    type Data = Bytes;
    type Error = Disconnected;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Disconnected>>> {
        match &mut self.next {
            NextChunk::Now => {}
            NextChunk::After(pause) if pause.is_zero() => {
                self.next = NextChunk::Now;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            NextChunk::After(pause) => {
                let mut sleeping = Box::pin(sleep(*pause));
                if sleeping.as_mut().poll(cx).is_pending() {
                    self.next = NextChunk::Sleeping(sleeping);
                    return Poll::Pending;
                }
            }
            NextChunk::Sleeping(sleeping) => {
                if sleeping.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        if let Some(step) = self.chunks.steps.pop_front() {
            let next = self.chunks.steps.front();
            let pause = next.map_or(self.chunks.pause, |step| step.pause);
            self.next = NextChunk::After(pause);
            return Poll::Ready(Some(Ok(Frame::data(step.bytes))));
        }
        self.next = NextChunk::Now;
        self.chunks.pause = Duration::ZERO;
        let cut = std::mem::take(&mut self.chunks.cut);
        Poll::Ready(cut.then_some(Err(Disconnected::Closed)))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.steps.is_empty() && !self.chunks.cut && self.chunks.pause.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use http_body_util::BodyExt as _;

    use super::*;

    /// Reads a body; the flag is `true` if it ended without an error.
    async fn read(chunks: Chunks) -> (Vec<Bytes>, bool) {
        let mut body = chunks.into_body();
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => read.push(frame.into_data().unwrap()),
                Err(_) => return (read, false),
            }
        }
        (read, true)
    }

    #[tokio::test]
    async fn chunks_are_sent_unchanged() {
        for chunks in [&[][..], &["a"], &["a", "\u{e9}\r\n", "", "b"]] {
            let body = chunks.iter().copied().collect::<Chunks>();
            let expected: Vec<Bytes> = chunks.iter().map(|chunk| Bytes::from(*chunk)).collect();
            assert_eq!(read(body.clone()).await, (expected.clone(), true));
            assert_eq!(read(body.cut()).await, (expected, false));
        }
    }

    #[tokio::test]
    async fn a_body_pauses_before_chunks_and_before_its_end() {
        let pause = Duration::from_millis(15);
        let bodies = [
            Chunks::new().pause(pause).then("a"),
            Chunks::new().then("a").pause(pause).then("b"),
            Chunks::new().then("a").pause(pause),
            Chunks::new().pause(pause),
            Chunks::new().then("a").pause(pause).cut(),
        ];
        for body in bodies {
            let began = Instant::now();
            read(body.clone()).await;
            assert!(began.elapsed() >= pause, "{body:?}");
        }
    }
}
