//! Server-sent events.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};

use crate::chunks::Chunks;

/// Creates an event.
pub(crate) fn event(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// Creates an event with a name.
pub(crate) fn named_event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// Creates a response that streams events.
pub(crate) fn event_stream(events: impl IntoIterator<Item = Bytes>, pause: Duration) -> Response {
    let kind = HeaderValue::from_static("text/event-stream");
    let cache = HeaderValue::from_static("no-cache");
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)],
        Chunks::evenly(events, pause).into_body(),
    )
        .into_response()
}
