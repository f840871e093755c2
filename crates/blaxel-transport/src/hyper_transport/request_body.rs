//! The body of a request as hyper queues it.

use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::{Body, Error};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

/// The body of a request, or `None` if it is empty.
///
/// It has the size of a pointer, because each connection has a queue with room for 32 requests, of
/// which it uses one.
#[derive(Default)]
pub(super) struct RequestBody(Option<Box<Body>>);

impl From<Body> for RequestBody {
    fn from(body: Body) -> Self {
        Self((!body.is_end_stream()).then(|| Box::new(body)))
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(&mut **body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Some(body) => body.is_end_stream(),
            None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(body) => body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
