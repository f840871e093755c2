//! A body whose start was read already.

use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxError, Error};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// What was read of a body, the error that reading it met, and the rest.
pub(crate) struct Rejoined {
    start: Option<Bytes>,
    broken: Option<Error>,
    rest: Body,
}

impl Rejoined {
    pub(crate) fn new(start: Bytes, broken: Option<Error>, rest: Body) -> Self {
        Self {
            start: (!start.is_empty()).then_some(start),
            broken,
            rest,
        }
    }
}

impl http_body::Body for Rejoined {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error.into())));
        }
        Pin::new(&mut self.rest)
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::new()
    }
}
