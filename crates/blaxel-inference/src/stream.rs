//! Server-sent events out of a response's body.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::{Body, Error};
use futures_core::Stream;
use http_body::Body as _;

use crate::sse::{Decoder, Event};

/// The server-sent events of a response, as they arrive.
///
/// Dropping it ends the connection's stream, so a caller that has seen enough costs nothing more.
#[must_use = "events are read only when they are asked for"]
pub struct EventStream {
    /// `None` once the body has ended.
    body: Option<Body>,
    decoder: Decoder,
}

impl EventStream {
    /// Reads events from a body. One event may be up to
    /// [`Decoder::DEFAULT_LIMIT`] bytes.
    pub fn new(body: Body) -> Self {
        Self::with_decoder(body, Decoder::new())
    }

    /// Reads events from a body by a decoder with a limit of its own.
    pub fn with_decoder(body: Body, decoder: Decoder) -> Self {
        Self {
            body: Some(body),
            decoder,
        }
    }

    /// The next event, or `None` at the end of the body.
    ///
    /// It may be dropped while it waits: no event is lost.
    ///
    /// # Errors
    ///
    /// When the connection fails or falls silent, and [`Error::is_decode`] for an event that is too
    /// large or not UTF-8. After an error the stream has ended.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            if let Some(event) = self.decoder.next_event() {
                return Poll::Ready(Some(event.map_err(|problem| {
                    self.body = None;
                    unreadable(problem)
                })));
            }
            let Some(body) = &mut self.body else {
                return Poll::Ready(self.decoder.finish().map(|last| last.map_err(unreadable)));
            };
            match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.decoder.push(chunk);
                    }
                }
                Some(Err(error)) => {
                    self.body = None;
                    self.decoder = Decoder::new();
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.body = None,
            }
        }
    }
}

fn unreadable(problem: crate::sse::DecodeError) -> Error {
    Error::decode("the event stream cannot be read").caused_by(problem)
}

impl Stream for EventStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("open", &self.body.is_some())
            .finish_non_exhaustive()
    }
}
