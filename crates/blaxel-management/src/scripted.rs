//! A service for tests that sends scripted responses and records the requests.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(dead_code, reason = "which tests there are is a matter of features")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, BoxFuture, Error, response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use serde_json::Value;
use tokio::time::Instant;
use tower::Service;

/// The outcome of a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The server sends a response.
    Response(Response<Bytes>),
    /// The connection breaks after the request may have been delivered.
    Lost,
    /// The connection fails before the request is delivered.
    Unreachable,
    /// The server never responds.
    NoResponse,
}

impl Reply {
    /// Returns a JSON response.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// Returns the page of a gateway between client and server that has timed out.
    pub(crate) fn gateway_timeout() -> Self {
        let page = "<html><title>504 Gateway Time-out</title></html>".to_owned();
        Self::body(504, "text/html", page)
    }

    /// Returns a response with an empty body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::body(status, "text/plain", String::new())
    }

    /// Returns an XML response, like those of object storage.
    pub(crate) fn xml(status: u16, document: &str) -> Self {
        Self::body(status, "application/xml", document.to_owned())
    }

    /// Returns a response with a content type and a body.
    fn body(status: u16, content_type: &str, body: String) -> Self {
        let response = Response::builder()
            .status(status)
            .header("content-type", content_type);
        Self::Response(response.body(body.into()).unwrap())
    }

    /// Adds a header to a response; has no effect on a failure.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Response(response) = &mut self {
            let value = HeaderValue::from_str(value).unwrap();
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        self
    }
}

/// A recorded request.
#[derive(Debug)]
pub(crate) struct RecordedRequest {
    /// The method and the URI.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    /// The length that the body announced.
    pub(crate) content_length: Option<u64>,
    pub(crate) body: Bytes,
    /// The time of the request, relative to the start of the script.
    pub(crate) at: Duration,
}

/// A service that responds according to a script.
#[derive(Clone)]
pub(crate) struct Script {
    start: Instant,
    respond: Arc<Mutex<Respond>>,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
}

/// The function that computes a reply.
type Respond = Box<dyn FnMut(&str) -> Reply + Send>;

impl Script {
    /// Creates a script that sends one reply after the other, and repeats the last one.
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::with(move |_| match replies.len() {
            1 => replies.front().cloned().unwrap(),
            _ => replies
                .pop_front()
                .expect("a script has at least one reply"),
        })
    }

    /// Creates a script that computes each reply from the method and the URI.
    pub(crate) fn with(respond: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        Self {
            start: Instant::now(),
            respond: Arc::new(Mutex::new(Box::new(respond))),
            requests: Arc::default(),
        }
    }

    /// Removes and returns the recorded requests, in order.
    pub(crate) fn take_requests(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// Returns the methods and URIs of the recorded requests, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|request| request.line.clone())
            .collect()
    }

    /// Returns the time since the start of the script.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Service<Request<Body>> for Script {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let script = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let content_length = http_body::Body::size_hint(&body).exact();
            let body = response::collect(body, usize::MAX).await?;
            let line = format!("{} {}", head.method, target(&head.uri));
            let reply = (script.respond.lock().unwrap())(&line);
            script.requests.lock().unwrap().push(RecordedRequest {
                line,
                headers: head.headers,
                content_length,
                body,
                at: script.elapsed(),
            });
            match reply {
                Reply::Response(response) => Ok(response.map(Body::from)),
                Reply::Lost => Err(Error::transport("the connection broke", "reset")),
                Reply::Unreachable => Err(Error::connect("api.example", "refused")),
                Reply::NoResponse => std::future::pending().await,
            }
        })
    }
}

/// Returns the URI as tests compare it: in full, or only the path for the control plane.
pub(crate) fn target(uri: &http::Uri) -> String {
    let uri = uri.to_string();
    match uri.strip_prefix("blaxel://control") {
        Some(path) => path.to_owned(),
        None => uri,
    }
}
