//! The content codings that a request asks for.

use blaxel_core::{Body, OperationInfo, operation};
use http::header::{ACCEPT_ENCODING, HeaderValue, RANGE};

use super::response::Decoding;

/// Sets `Accept-Encoding`, and returns the way to decode the response.
///
/// A caller or layer that sets the header itself reads the response without our help. Without the
/// header, a server could choose any coding.
pub(super) fn add_codings(request: &mut http::Request<Body>, gzip: bool) -> Decoding {
    if request.headers().contains_key(ACCEPT_ENCODING) {
        return Decoding::None;
    }
    let codings = if gzip && may_be_compressed(request) {
        "gzip"
    } else {
        "identity"
    };
    let codings = HeaderValue::from_static(codings);
    request.headers_mut().insert(ACCEPT_ENCODING, codings);
    Decoding::DEFAULT
}

/// Returns `true` for a request whose response is known to be read as a whole. A stream would be
/// delayed by the compressor's buffer, and a part of a compressed body cannot be decompressed.
fn may_be_compressed(request: &http::Request<Body>) -> bool {
    let is_whole = |operation: &OperationInfo| !operation.is_streamed();
    operation(request).is_some_and(is_whole) && !request.headers().contains_key(RANGE)
}
