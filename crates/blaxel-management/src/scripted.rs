//! A service for tests that answers by script, and notes what it was asked.

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

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It is answered.
    Answer(Response<Bytes>),
    /// It fails, and nobody knows how far it got.
    Lost,
    /// It fails, and did not get anywhere.
    Unreachable,
    /// It is never answered.
    Silence,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", body.to_string())
    }

    /// The page by which the network between cuts off what takes too long.
    pub(crate) fn cut_off() -> Self {
        let page = "<html><title>504 Gateway Time-out</title></html>".to_owned();
        Self::body(504, "text/html", page)
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::body(status, "text/plain", String::new())
    }

    pub(crate) fn xml(status: u16, document: &str) -> Self {
        Self::body(status, "application/xml", document.to_owned())
    }

    fn body(status: u16, kind: &str, body: String) -> Self {
        let response = Response::builder()
            .status(status)
            .header("content-type", kind);
        Self::Answer(response.body(body.into()).unwrap())
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer(response) = &mut self {
            let value = HeaderValue::from_str(value).unwrap();
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        self
    }
}

/// A request that came.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Method and address.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    /// How long the body said that it was.
    pub(crate) announced: Option<u64>,
    pub(crate) body: Bytes,
    /// When it came, counted from the start of the script.
    pub(crate) at: Duration,
}

/// Answers requests by script.
#[derive(Clone)]
pub(crate) struct Script {
    start: Instant,
    answer: Arc<Mutex<Answer>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Answer = Box<dyn FnMut(&str) -> Reply + Send>;

impl Script {
    /// One reply after the other; the last one stands for all that come after it.
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::with(move |_| match replies.len() {
            1 => replies.front().cloned().unwrap(),
            _ => replies
                .pop_front()
                .expect("a script has at least one reply"),
        })
    }

    /// As the function says, which is given the method and the address.
    pub(crate) fn with(answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        Self {
            start: Instant::now(),
            answer: Arc::new(Mutex::new(Box::new(answer))),
            seen: Arc::default(),
        }
    }

    /// The requests that came, in their order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Methods and addresses of the requests that came, in their order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| seen.line.clone()).collect()
    }

    /// How long the script has gone on.
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
            let announced = http_body::Body::size_hint(&body).exact();
            let body = response::collect(body, usize::MAX).await?;
            let line = format!("{} {}", head.method, target(&head.uri));
            let reply = (script.answer.lock().unwrap())(&line);
            script.seen.lock().unwrap().push(Seen {
                line,
                headers: head.headers,
                announced,
                body,
                at: script.elapsed(),
            });
            match reply {
                Reply::Answer(answer) => Ok(answer.map(Body::from)),
                Reply::Lost => Err(Error::transport("the connection broke", "reset")),
                Reply::Unreachable => Err(Error::connect("api.example", "refused")),
                Reply::Silence => std::future::pending().await,
            }
        })
    }
}

/// What a test expects of a URI: an address, or the path alone for the control plane.
pub(crate) fn target(uri: &http::Uri) -> String {
    let uri = uri.to_string();
    match uri.strip_prefix("blaxel://control") {
        Some(path) => path.to_owned(),
        None => uri,
    }
}
