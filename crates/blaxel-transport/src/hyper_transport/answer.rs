//! The body of an answer, and what is held until it ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::{Body, Error};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::failure;
use super::place::Place;
use super::turns::Turn;

/// How an answer is to be read.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// As it comes.
    Plain,
    /// Inflated, if it is compressed: we asked for that, so nobody above knows of it.
    #[cfg(feature = "gzip")]
    Inflated,
}

/// The answer as the layers above see it. It costs at most one allocation.
pub(super) fn wrap(
    response: http::Response<Incoming>,
    place: Place,
    reading: Reading,
    turn: Option<Turn>,
) -> http::Response<Body> {
    let (head, incoming) = response.into_parts();
    // Nothing follows: the turn ends here.
    if incoming.is_end_stream() {
        return http::Response::from_parts(head, Body::empty());
    }
    let answer = Answer {
        incoming,
        place,
        turn,
    };
    match reading {
        Reading::Plain => http::Response::from_parts(head, Body::new(answer)),
        #[cfg(feature = "gzip")]
        Reading::Inflated => super::gunzip::inflate(head, answer),
    }
}

/// The body of an answer. It ends its turn when it ends, fails or is dropped.
pub(super) struct Answer {
    incoming: Incoming,
    pub(super) place: Place,
    turn: Option<Turn>,
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
