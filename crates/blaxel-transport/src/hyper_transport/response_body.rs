//! The body of a response, with the resources that it holds until it ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blaxel_core::Error;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::failure;
use super::origin::Origin;
use super::origin_limiter::Permit;

/// The body of a response. It returns its permit when it ends, fails or is dropped.
pub(super) struct ResponseBody {
    incoming: Incoming,
    /// A frame that was read with the headers, and the only one so far. Boxed because it is rare and large.
    first: Option<Box<Result<Frame<Bytes>, hyper::Error>>>,
    pub(super) origin: Origin,
    permit: Option<Permit>,
}

impl ResponseBody {
    /// Wraps the body of a response of hyper.
    pub(super) fn new(
        incoming: Incoming,
        first: Option<Result<Frame<Bytes>, hyper::Error>>,
        origin: Origin,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            incoming,
            first: first.map(Box::new),
            origin,
            permit,
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let frame = match this.first.take() {
            Some(first) => Some(*first),
            None => ready!(Pin::new(&mut this.incoming).poll_frame(cx)),
        };
        let frame = frame.map(|frame| frame.map_err(|error| failure::in_body(error, &this.origin)));
        if !matches!(frame, Some(Ok(_))) || this.incoming.is_end_stream() {
            this.permit = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.incoming.size_hint();
        if let Some(Ok(first)) = self.first.as_deref() {
            let size = first.data_ref().map_or(0, Bytes::len) as u64;
            // Upper first: it must not be below the lower one.
            if let Some(upper) = hint.upper() {
                hint.set_upper(upper.saturating_add(size));
            }
            hint.set_lower(hint.lower().saturating_add(size));
        }
        hint
    }
}
