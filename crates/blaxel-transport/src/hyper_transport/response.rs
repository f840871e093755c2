//! Conversion of hyper's responses.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use blaxel_core::Body;
use http::header::CONTENT_ENCODING;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

#[cfg(feature = "gzip")]
use super::inflate;
use super::origin::Origin;
use super::origin_limiter::Permit;
use super::response_body::ResponseBody;

/// Maximum size in bytes of a body that is read with the headers. A longer one is read when the caller asks for it.
const MAX_AT_ONCE: u64 = 16 * 1024;

/// The way to decode a response body.
#[derive(Clone, Copy)]
pub(super) enum Decoding {
    /// Leave it unchanged: someone above the transport chose the codings, and decodes them.
    None,
    /// Decompress it, if it is compressed, even if nobody asked for that.
    #[cfg(feature = "gzip")]
    Inflate,
}

impl Decoding {
    /// The way for requests whose codings the transport has chosen.
    #[cfg(feature = "gzip")]
    pub(super) const DEFAULT: Self = Self::Inflate;
    /// The way for requests whose codings the transport has chosen.
    #[cfg(not(feature = "gzip"))]
    pub(super) const DEFAULT: Self = Self::None;
}

/// Converts a response of hyper to one with a [`Body`]. It costs at most one allocation, and none if the whole
/// body has arrived with the headers.
pub(super) fn from_hyper(
    response: http::Response<Incoming>,
    origin: &Origin,
    decoding: Decoding,
    permit: Option<Permit>,
) -> http::Response<Body> {
    let (head, mut incoming) = response.into_parts();
    // There is no body, so the permit is returned here.
    if incoming.is_end_stream() {
        return http::Response::from_parts(head, Body::empty());
    }
    let mut first = None;
    // A permit is held until the caller has read the body.
    if permit.is_none() && is_small(&incoming) && !head.headers.contains_key(CONTENT_ENCODING) {
        // Whoever reads the rest says whom to wake.
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut incoming).poll_frame(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(None) => return http::Response::from_parts(head, Body::empty()),
            Poll::Ready(Some(frame)) => match frame.map(Frame::into_data) {
                Ok(Ok(bytes)) if incoming.is_end_stream() => {
                    return http::Response::from_parts(head, Body::from(bytes));
                }
                Ok(Ok(bytes)) => first = Some(Ok(Frame::data(bytes))),
                Ok(Err(trailers)) => first = Some(Ok(trailers)),
                Err(error) => first = Some(Err(error)),
            },
        }
    }
    let body = ResponseBody::new(incoming, first, origin.clone(), permit);
    match decoding {
        Decoding::None => http::Response::from_parts(head, Body::new(body)),
        #[cfg(feature = "gzip")]
        Decoding::Inflate => inflate::decompress(head, body),
    }
}

/// Returns `true` if the length of a body is known and small, so that it probably arrives with the headers.
fn is_small(incoming: &Incoming) -> bool {
    let size = incoming.size_hint().exact();
    size.is_some_and(|size| size <= MAX_AT_ONCE)
}
