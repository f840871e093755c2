//! Bodies that come in chunks.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use crate::fault::Disconnected;

/// A body piece by piece: what comes, after which pauses, and how it ends.
///
/// Each piece is a write of its own, and its bytes are sent as they are. Pauses are real time and need
/// a tokio runtime with timers.
///
/// ```
/// use std::time::Duration;
/// use blaxel_emulator::Chunks;
///
/// let torn = Chunks::new()
///     .then("data: {\"n\": 1}\n\n")
///     .pause(Duration::from_millis(50))
///     .then("data: {\"n\"")
///     .cut();
/// # let _ = torn;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Chunks {
    steps: VecDeque<Step>,
    /// How long it rests before the next step, and in the end before the end.
    pause: Duration,
    cut: bool,
}

/// A piece, and the pause before it.
#[derive(Clone, Debug)]
struct Step {
    pause: Duration,
    bytes: Bytes,
}

impl Chunks {
    /// No chunks yet: an empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn then(mut self, bytes: impl Into<Bytes>) -> Self {
        let (pause, bytes) = (std::mem::take(&mut self.pause), bytes.into());
        self.steps.push_back(Step { pause, bytes });
        self
    }

    /// Rests before the next piece, or before the end if no piece follows.
    pub fn pause(mut self, time: Duration) -> Self {
        self.pause = self.pause.saturating_add(time);
        self
    }

    /// Ends abruptly: the connection is closed after the last piece, and the body has no end marker.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// The chunks with the same pause between each two.
    pub(crate) fn evenly(chunks: impl IntoIterator<Item = Bytes>, pause: Duration) -> Self {
        let first = Self::new();
        chunks.into_iter().fold(first, |all, piece| {
            let pause = if all.steps.is_empty() {
                Duration::ZERO
            } else {
                pause
            };
            all.pause(pause).then(piece)
        })
    }

    /// The body that they are.
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

/// A body that gives one piece at a time and lets the reader run in between, so that each piece
/// goes out on its own.
struct ChunkedBody {
    chunks: Chunks,
    next: NextChunk,
}

/// When the next piece comes.
enum NextChunk {
    Now,
    /// So long after the next poll. Without a pause the reader just gets its next once.
    After(Duration),
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
        Poll::Ready(cut.then_some(Err(Disconnected)))
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

    /// What a body gives: its chunks, and whether it ended as bodies should.
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
    async fn pieces_come_as_they_are() {
        for chunks in [&[][..], &["a"], &["a", "\u{e9}\r\n", "", "b"]] {
            let body = chunks.iter().copied().collect::<Chunks>();
            let expected: Vec<Bytes> = chunks.iter().map(|piece| Bytes::from(*piece)).collect();
            assert_eq!(read(body.clone()).await, (expected.clone(), true));
            assert_eq!(read(body.cut()).await, (expected, false));
        }
    }

    #[tokio::test]
    async fn a_body_rests_where_it_is_told_to() {
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
