//! Streams of server-sent events.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;

/// The first bytes of each stream, so that a client learns at once that it is open.
const OPENING: Bytes = Bytes::from_static(b": open\n\n");

/// Appends an event. Its data is JSON, which has no line breaks.
pub(super) fn push(to: &mut String, name: &str, id: Option<u64>, data: &Value) {
    // A string does not refuse text.
    if let Some(id) = id {
        let _ = writeln!(to, "id: {id}");
    }
    let _ = write!(to, "event: {name}\ndata: {data}\n\n");
}

/// Creates a response that streams events.
pub(super) fn response(events: impl Stream<Item = String> + Send + 'static) -> Response {
    let opening = futures_util::stream::once(async { OPENING });
    let chunks = opening.chain(events.map(Bytes::from));
    let body = Body::from_stream(chunks.map(Ok::<_, Infallible>));
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}
