//! The addresses that archives are uploaded to, as answers offer them.

use axum::response::Response;
use http::{HeaderName, HeaderValue};

use super::call::Call;
use crate::uploads::Purpose;

/// What all addresses to upload to begin with.
const ADDRESSES: &str = "/uploads/";
/// The header with the address.
const UPLOAD_URL: HeaderName = HeaderName::from_static("x-blaxel-upload-url");

/// Whether a path is an address to upload to.
pub(crate) fn is_upload(path: &str) -> bool {
    path.starts_with(ADDRESSES)
}

/// A path as it may be written down: the secret part of an address is left out.
pub(crate) fn redacted_path(path: &str) -> &str {
    if is_upload(path) { ADDRESSES } else { path }
}

/// Whether a request asks for an address to upload to.
pub(crate) fn is_requested(call: &Call) -> bool {
    call.query.get("upload") == Some("true")
}

/// Opens an address and tells it in the answer's header.
pub(crate) fn add_upload_url(call: &Call, purpose: Purpose, mut response: Response) -> Response {
    let engine = &call.engine;
    let now = engine.clock.since_epoch();
    let token = engine.uploads.open(purpose, engine.next_number(), now);
    if let Ok(url) = HeaderValue::try_from(format!("{}/uploads/{token}", engine.origin)) {
        response.headers_mut().insert(UPLOAD_URL, url);
    }
    response
}
