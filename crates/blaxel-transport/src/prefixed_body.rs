//! A body whose start has already been read.

use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxError, Error};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// The bytes read from a body, the error that reading it met, and the rest of the body.
pub(crate) struct PrefixedBody {
    prefix: Option<Bytes>,
    error: Option<Error>,
    rest: Body,
}

impl PrefixedBody {
    /// Joins the start of a body with its error or its rest.
    pub(crate) fn new(prefix: Bytes, error: Option<Error>, rest: Body) -> Self {
        Self {
            prefix: (!prefix.is_empty()).then_some(prefix),
            error,
            rest,
        }
    }
}

impl http_body::Body for PrefixedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(prefix) = self.prefix.take() {
            return Poll::Ready(Some(Ok(Frame::data(prefix))));
        }
        if let Some(error) = self.error.take() {
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
