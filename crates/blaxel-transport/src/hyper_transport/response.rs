//! Conversion of hyper's responses.

use blaxel_core::Body;
use http_body::Body as _;
use hyper::body::Incoming;

#[cfg(feature = "gzip")]
use super::inflate;
use super::origin::Origin;
use super::origin_limiter::Permit;
use super::response_body::ResponseBody;

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
        Decoding::Inflate => inflate::decompress(head, body),
    }
}
