//! The platform's edge in front of the server: its limit on request bodies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::response::Response;
use blaxel_core::Timestamp;
use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, StatusCode};
use serde_json::json;

use super::respond;
use crate::errno::Errno;
use crate::state::State;

/// Tells after a request whether its body was larger than the limit.
pub(super) struct Excess(Arc<AtomicBool>);

impl Excess {
    pub(super) fn is_found(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Refuses a request whose announced body is too large, and ends one without an announced length
/// at the limit.
#[allow(clippy::result_large_err)]
pub(super) fn limit(
    state: &State,
    request: Request<Body>,
) -> Result<(Request<Body>, Option<Excess>), Response> {
    let Some(limit) = state.edge_limit else {
        return Ok((request, None));
    };
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(refusal(&state.guest.clock().now()));
    }
    let is_found = Arc::new(AtomicBool::new(false));
    let excess = Excess(Arc::clone(&is_found));
    let request = request.map(|body| {
        let start = (body.into_data_stream(), limit, is_found);
        Body::from_stream(stream::unfold(
            start,
            |(mut chunks, left, is_found)| async move {
                let chunk = match chunks.next().await? {
                    Ok(chunk) => chunk,
                    Err(error) => return Some((Err(error), (chunks, 0, is_found))),
                };
                match left.checked_sub(chunk.len() as u64) {
                    Some(left) => Some((Ok(chunk), (chunks, left, is_found))),
                    None => {
                        is_found.store(true, Ordering::Relaxed);
                        Some((
                            Err(axum::Error::new(Errno::FileTooLarge)),
                            (chunks, 0, is_found),
                        ))
                    }
                }
            },
        ))
    });
    Ok((request, Some(excess)))
}

/// Returns the edge's refusal of a request that is too large.
pub(super) fn refusal(now: &Timestamp) -> Response {
    const CODE: &str = "REQUEST_ENTITY_TOO_LARGE";
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    let mut response = respond::json(
        status,
        &json!({"error": {
            "code": CODE,
            "message": "The request body is too large.",
            "origin": "platform",
            "retryable": false,
            "action": "Send a smaller request body, or upload the file in parts.",
            "do_not": "Do not repeat the request unchanged.",
            "docs_url": "https://docs.blaxel.ai/troubleshooting/error-codes",
            "status": status.as_u16(),
            "timestamp": now.as_str(),
        }}),
    );
    let headers = response.headers_mut();
    headers.insert("x-blaxel-source", HeaderValue::from_static("platform"));
    headers.insert("x-blaxel-error-code", HeaderValue::from_static(CODE));
    response
}
