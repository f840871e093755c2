//! The bodies of requests, which are read to their end even if the router does not.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use http::header::EXPECT;
use http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::fault::Disconnected;
use crate::lock::lock;

/// The limits on a body that is drained. Beyond them the connection is closed.
const DRAIN_LIMIT: usize = 64 << 10;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The time in which the part of a body before an error is sent.
const SEND_TIME: Duration = Duration::from_millis(20);

/// Returns the response to a request, and drains the request's body.
///
/// A refusal may not have read the body. It is drained before the response is sent, because hyper closes
/// a connection with an unread body, and a client that has pooled it would fail with its next request.
pub(super) async fn drained<F: Future<Output = Response<Body>>>(
    request: Request<Incoming>,
    answer: impl FnOnce(Request<Body>) -> F,
) -> Response<Body> {
    if request.body().is_end_stream() {
        return answer(request.map(|_| Body::empty())).await;
    }
    // Such a client waits for the refusal before it sends the body.
    let is_expecting = request.headers().contains_key(EXPECT);
    let (head, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body));
    let shared = Body::new(SharedBody(Arc::clone(&body)));
    let response = answer(Request::from_parts(head, shared)).await;
    if response.extensions().get::<Disconnected>().is_some() {
        return response;
    }
    // A workload may go on reading the body beside the response.
    if let Some(Ok(rest)) = Arc::into_inner(body).map(Mutex::into_inner)
        && !rest.is_end_stream()
        && !is_expecting
    {
        let draining = to_bytes(Body::new(rest), DRAIN_LIMIT);
        // The response is sent even if the body does not end in time.
        let _ = tokio::time::timeout(DRAIN_TIME, draining).await;
    }
    response
}

/// A request body that can be drained when the router has dropped it.
struct SharedBody(Arc<Mutex<Incoming>>);

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *lock(&self.0)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).size_hint()
    }
}

/// A response body of HTTP/2, whose error comes late: the stream is reset then, which discards all that
/// was not sent before.
pub(super) struct LateError {
    body: Body,
    error: Option<(axum::Error, Pin<Box<Sleep>>)>,
}

impl LateError {
    pub(super) fn new(body: Body) -> Self {
        Self { body, error: None }
    }
}

impl HttpBody for LateError {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.error.is_none() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Err(error)) => self.error = Some((error, Box::pin(sleep(SEND_TIME)))),
                frame => return Poll::Ready(frame),
            }
        }
        if let Some((_, time)) = &mut self.error {
            ready!(time.as_mut().poll(cx));
        }
        Poll::Ready(self.error.take().map(|(error, _)| Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.error.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
