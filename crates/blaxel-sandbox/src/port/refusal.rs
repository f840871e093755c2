//! Responses of the platform to a request that a program should have received.

use blaxel_core::__private::{is_by_edge, media_type, read_error};
use blaxel_core::{Body, Error, OperationInfo};
use http::header::{CONTENT_LENGTH, SERVER};
use http_body::Body as _;

/// Returns the response of a program, and the error of one that the platform made instead.
pub(super) async fn check(
    operation: &'static OperationInfo,
    response: http::Response<Body>,
) -> Result<http::Response<Body>, Error> {
    if !is_by_platform(&response) {
        return Ok(response);
    }
    let (error, _) = read_error(Some(operation), response).await;
    Err(error)
}

/// Returns `true` if the gateway, or a proxy in front of it, made the response.
///
/// The gateway says so. The proxies do not always: they respond with an HTML page and a gateway status, or with an
/// empty 502 if nothing listens. A program that names itself in the header `server` has made its response itself.
fn is_by_platform(response: &http::Response<Body>) -> bool {
    let (status, headers) = (response.status(), response.headers());
    if status.is_success() {
        return false;
    }
    let by_gateway = headers
        .get("x-blaxel-source")
        .is_some_and(|source| source == "platform");
    let by_edge = is_by_edge(headers);
    let may_be_edge = by_edge || !headers.contains_key(SERVER);
    let is_page = media_type(headers) == "text/html";
    let says_empty = headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length == "0");
    let is_empty = says_empty || response.body().is_end_stream();
    let looks_like_edge = match status.as_u16() {
        502 => by_edge || is_page || is_empty,
        503 | 504 => by_edge || is_page,
        _ => by_edge && is_page,
    };
    by_gateway || (may_be_edge && looks_like_edge)
}
