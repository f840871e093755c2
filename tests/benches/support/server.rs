//! A server that sends the same document in response to each request for an agent.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::document::DOCUMENT;
use super::process::serve_all;

/// Number of requests for [`HELD`] that must arrive before any is answered.
pub const HELD_CALLS: usize = 1000;
/// The agent for which the server waits until [`HELD_CALLS`] requests have arrived.
pub const HELD: &str = "held";

/// Serves the document while the future is polled.
pub async fn serve(listener: TcpListener) {
    let barrier = Arc::new(Barrier::new(HELD_CALLS));
    let service = service_fn(move |request| respond(request, Arc::clone(&barrier)));
    serve_all(listener, service).await;
}

async fn respond(
    request: http::Request<Incoming>,
    barrier: Arc<Barrier>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    if request.uri().path().ends_with(HELD) {
        barrier.wait().await;
    }
    let body = Full::new(Bytes::from_static(DOCUMENT.as_bytes()));
    let mut response = http::Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
