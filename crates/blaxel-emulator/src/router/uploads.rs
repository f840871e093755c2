//! Presigned URLs, and upload URLs in responses.

use axum::response::Response;
use http::{HeaderName, HeaderValue};

use super::call::Call;
use super::task_urls;
use crate::uploads::{Purpose, SignedHeaders};

/// The path prefix of all upload URLs.
const ADDRESSES: &str = "/uploads/";
/// The header with the upload URL.
const UPLOAD_URL: HeaderName = HeaderName::from_static("x-blaxel-upload-url");

/// Returns `true` if a path is that of a presigned URL: one for an upload, or for the tasks of an execution.
pub(crate) fn is_presigned(path: &str) -> bool {
    prefix(path).is_some()
}

/// Returns a path without the secret part of a presigned URL.
pub(crate) fn redacted_path(path: &str) -> &str {
    prefix(path).unwrap_or(path)
}

fn prefix(path: &str) -> Option<&'static str> {
    let prefixes = [ADDRESSES, task_urls::ADDRESSES];
    prefixes.into_iter().find(|prefix| path.starts_with(prefix))
}

/// Returns `true` if a request asks for an upload URL.
pub(crate) fn is_requested(call: &Call) -> bool {
    call.query.get("upload") == Some("true")
}

/// Creates an upload URL and adds it to the response as a header. The upload must have the signed headers.
pub(crate) fn add_upload_url(
    call: &Call,
    purpose: Purpose,
    signed: SignedHeaders,
    mut response: Response,
) -> Response {
    let engine = &call.engine;
    let now = engine.clock.since_epoch();
    // Like the storage of the platform, it lists the names and keeps the values to itself.
    let names = signed.iter().map(|(name, _)| format!("%3B{name}"));
    let names: String = std::iter::once("host".to_owned()).chain(names).collect();
    let token = engine
        .uploads
        .open(purpose, signed, engine.next_number(), now);
    let url = format!(
        "{}/uploads/{token}?X-Amz-SignedHeaders={names}",
        engine.origin
    );
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert(UPLOAD_URL, url);
    }
    response
}
