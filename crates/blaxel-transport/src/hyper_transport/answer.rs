//! The body of an answer, and what is held until it ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::Error;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::failure;
use super::place::Place;
use super::turns::Turn;

/// The body of an answer. It ends its turn when it ends, fails or is dropped.
pub(super) struct Answer {
    incoming: Incoming,
    pub(super) place: Place,
    turn: Option<Turn>,
}

impl Answer {
    pub(super) fn new(incoming: Incoming, place: Place, turn: Option<Turn>) -> Self {
        Self {
            incoming,
            place,
            turn,
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        let frame =
            frame.map(|frame| frame.map_err(|error| failure::within_the_body(error, &this.place)));
        if !matches!(frame, Some(Ok(_))) || this.incoming.is_end_stream() {
            this.turn = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
