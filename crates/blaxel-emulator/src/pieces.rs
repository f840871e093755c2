//! Bodies that come in pieces.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use crate::fault::Cut;

/// A body piece by piece: what comes, after which pauses, and how it ends.
///
/// Each piece is a write of its own, and its bytes are sent as they are. Pauses are real time and need
/// a tokio runtime with timers.
///
/// ```
/// use std::time::Duration;
/// use blaxel_emulator::Pieces;
///
/// let torn = Pieces::new()
///     .then("data: {\"n\": 1}\n\n")
///     .pause(Duration::from_millis(50))
///     .then("data: {\"n\"")
///     .cut();
/// # let _ = torn;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Pieces {
    steps: VecDeque<Step>,
    /// How long it rests before the next step, and in the end before the end.
    rest: Duration,
    cut: bool,
}

/// A piece, and the rest before it.
#[derive(Clone, Debug)]
struct Step {
    rest: Duration,
    bytes: Bytes,
}

impl Pieces {
    /// No pieces yet: an empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn then(mut self, bytes: impl Into<Bytes>) -> Self {
        let (rest, bytes) = (std::mem::take(&mut self.rest), bytes.into());
        self.steps.push_back(Step { rest, bytes });
        self
    }

    /// Rests before the next piece, or before the end if no piece follows.
    pub fn pause(mut self, time: Duration) -> Self {
        self.rest = self.rest.saturating_add(time);
        self
    }

    /// Ends abruptly: the connection is closed after the last piece, and the body has no end marker.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// The pieces with the same pause between each two.
    pub(crate) fn evenly(pieces: impl IntoIterator<Item = Bytes>, pause: Duration) -> Self {
        let first = Self::new();
        pieces.into_iter().fold(first, |all, piece| {
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
        let first = self.steps.front().map_or(self.rest, |step| step.rest);
        let turn = if first.is_zero() {
            Turn::Now
        } else {
            Turn::After(first)
        };
        axum::body::Body::new(Coming { pieces: self, turn })
    }
}

impl<B: Into<Bytes>> FromIterator<B> for Pieces {
    fn from_iter<I: IntoIterator<Item = B>>(pieces: I) -> Self {
        pieces.into_iter().fold(Self::new(), Self::then)
    }
}

/// A body that gives one piece at a time and lets the reader run in between, so that each piece
/// goes out on its own.
struct Coming {
    pieces: Pieces,
    turn: Turn,
}

/// When the next piece comes.
enum Turn {
    Now,
    /// So long after the next poll. Without a rest the reader just gets its turn once.
    After(Duration),
    Asleep(Pin<Box<Sleep>>),
}

impl http_body::Body for Coming {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut self.turn {
            Turn::Now => {}
            Turn::After(rest) if rest.is_zero() => {
                self.turn = Turn::Now;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Turn::After(rest) => {
                let mut sleeping = Box::pin(sleep(*rest));
                if sleeping.as_mut().poll(cx).is_pending() {
                    self.turn = Turn::Asleep(sleeping);
                    return Poll::Pending;
                }
            }
            Turn::Asleep(sleeping) => {
                if sleeping.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        if let Some(step) = self.pieces.steps.pop_front() {
            let next = self.pieces.steps.front();
            let rest = next.map_or(self.pieces.rest, |step| step.rest);
            self.turn = Turn::After(rest);
            return Poll::Ready(Some(Ok(Frame::data(step.bytes))));
        }
        self.turn = Turn::Now;
        self.pieces.rest = Duration::ZERO;
        let cut = std::mem::take(&mut self.pieces.cut);
        Poll::Ready(cut.then_some(Err(Cut)))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.steps.is_empty() && !self.pieces.cut && self.pieces.rest.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use http_body_util::BodyExt as _;

    use super::*;

    /// What a body gives: its pieces, and whether it ended as bodies should.
    async fn read(pieces: Pieces) -> (Vec<Bytes>, bool) {
        let mut body = pieces.into_body();
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
        for pieces in [&[][..], &["a"], &["a", "\u{e9}\r\n", "", "b"]] {
            let body = pieces.iter().copied().collect::<Pieces>();
            let expected: Vec<Bytes> = pieces.iter().map(|piece| Bytes::from(*piece)).collect();
            assert_eq!(read(body.clone()).await, (expected.clone(), true));
            assert_eq!(read(body.cut()).await, (expected, false));
        }
    }

    #[tokio::test]
    async fn a_body_rests_where_it_is_told_to() {
        let pause = Duration::from_millis(15);
        let bodies = [
            Pieces::new().pause(pause).then("a"),
            Pieces::new().then("a").pause(pause).then("b"),
            Pieces::new().then("a").pause(pause),
            Pieces::new().pause(pause),
            Pieces::new().then("a").pause(pause).cut(),
        ];
        for body in bodies {
            let began = Instant::now();
            read(body.clone()).await;
            assert!(began.elapsed() >= pause, "{body:?}");
        }
    }
}
