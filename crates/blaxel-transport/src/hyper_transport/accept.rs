//! The content codings that a request asks for.

use blaxel_core::{Body, CallContext, OperationInfo};
use http::header::{ACCEPT_ENCODING, Entry, HeaderValue, RANGE};

use super::response::Decoding;

/// Sets `Accept-Encoding`, and returns the way to decode the response.
///
/// A caller or layer that sets the header itself reads the response without our help. Without the
/// header, a server could choose any coding.
pub(super) fn add_codings(
    request: &mut http::Request<Body>,
    context: Option<&CallContext>,
    gzip: bool,
) -> Decoding {
    let operation = context.and_then(CallContext::operation);
    let codings = if gzip && may_be_compressed(request, operation) {
        "gzip"
    } else {
        "identity"
    };
    match request.headers_mut().entry(ACCEPT_ENCODING) {
        Entry::Occupied(_) => Decoding::None,
        Entry::Vacant(entry) => {
            entry.insert(HeaderValue::from_static(codings));
            Decoding::DEFAULT
        }
    }
}

/// Returns `true` for a request whose response is known to be read as a whole. A stream would be
/// delayed by the compressor's buffer, and a part of a compressed body cannot be decompressed.
fn may_be_compressed(
    request: &http::Request<Body>,
    operation: Option<&'static OperationInfo>,
) -> bool {
    // A request has few headers, so comparing their names costs less than to hash one.
    let is_part = || request.headers().keys().any(|it| it == RANGE);
    operation.is_some_and(|it| !it.is_streamed()) && !is_part()
}
