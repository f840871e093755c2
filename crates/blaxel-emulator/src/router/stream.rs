//! Answers that come in pieces: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::Frame;
use tokio::time::{Sleep, sleep};

/// An event of a stream.
pub(crate) fn event(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// An answer that comes event by event.
pub(crate) fn event_stream(pieces: VecDeque<Bytes>, pause: Duration) -> Response {
    let body = Body::new(Pieces {
        pieces,
        pause,
        rest: Rest::Over,
    });
    let kind = HeaderValue::from_static("text/event-stream");
    let cache = HeaderValue::from_static("no-cache");
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)],
        body,
    )
        .into_response()
}

/// A body that gives one piece at a time and lets the reader run in between, so that each piece
/// goes out on its own.
struct Pieces {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    rest: Rest,
}

/// The rest between two pieces.
enum Rest {
    /// It is over, or there was nothing to rest from.
    Over,
    /// It begins with the next poll. Without a pause the reader just gets its turn once.
    Due,
    /// It lasts.
    Asleep(Pin<Box<Sleep>>),
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let pause = self.pause;
        match &mut self.rest {
            Rest::Over => {}
            Rest::Due if pause.is_zero() => {
                self.rest = Rest::Over;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Rest::Due => {
                let mut sleeping = Box::pin(sleep(pause));
                if sleeping.as_mut().poll(cx).is_pending() {
                    self.rest = Rest::Asleep(sleeping);
                    return Poll::Pending;
                }
            }
            Rest::Asleep(sleeping) => {
                if sleeping.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        self.rest = Rest::Due;
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
}
