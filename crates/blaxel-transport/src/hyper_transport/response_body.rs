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
    pub(super) origin: Origin,
    permit: Option<Permit>,
}

impl ResponseBody {
    /// Wraps the body of a response of hyper.
    pub(super) fn new(incoming: Incoming, origin: Origin, permit: Option<Permit>) -> Self {
        Self {
            incoming,
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
        let frame = ready!(Pin::new(&mut this.incoming).poll_frame(cx));
        let frame = frame.map(|frame| frame.map_err(|error| failure::in_body(error, &this.origin)));
        if !matches!(frame, Some(Ok(_))) || this.incoming.is_end_stream() {
            this.permit = None;
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
