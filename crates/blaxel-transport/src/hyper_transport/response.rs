//! Conversion of hyper's responses.

use blaxel_core::Body;
use http_body::Body as _;
use hyper::body::Incoming;

#[cfg(feature = "gzip")]
use super::gunzip;
use super::origin::Origin;
use super::origin_limiter::Permit;
use super::response_body::ResponseBody;

/// The way to decode a response body.
#[derive(Clone, Copy)]
pub(super) enum Decoding {
    /// Leave it unchanged.
    None,
    /// Decompress it, if it is compressed. The transport asked for that, so the layers above do not
    /// expect it.
    #[cfg(feature = "gzip")]
    Gzip,
}

/// Converts a response of hyper to one with a [`Body`]. It costs at most one allocation.
pub(super) fn from_hyper(
    response: http::Response<Incoming>,
    origin: Origin,
    decoding: Decoding,
    permit: Option<Permit>,
) -> http::Response<Body> {
    let (head, incoming) = response.into_parts();
    // There is no body, so the permit is returned here.
    if incoming.is_end_stream() {
        return http::Response::from_parts(head, Body::empty());
    }
    let body = ResponseBody::new(incoming, origin, permit);
    match decoding {
        Decoding::None => http::Response::from_parts(head, Body::new(body)),
        #[cfg(feature = "gzip")]
        Decoding::Gzip => gunzip::decompress(head, body),
    }
}
