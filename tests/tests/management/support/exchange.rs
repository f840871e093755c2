//! What went over the wire, noted by a layer just before the transport.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxFuture, Error, HttpService, OperationInfo, operation, response};
use http::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tower::{Layer, Service};

/// No answer of the emulator is as large.
const LIMIT: usize = 1 << 24;

/// A request as it was sent, and its answer as it came.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The operation that the request says it is of.
    pub info: &'static OperationInfo,
    /// Its name.
    pub operation: String,
    pub method: String,
    /// Below the version segment, as escaped.
    pub path: String,
    /// The parameters as escaped, sorted.
    pub query: Vec<String>,
    /// The API version that was asked for.
    pub version: String,
    pub body: Option<Value>,
    pub status: u16,
    /// The body of the answer, if it has one that is JSON.
    pub answer: Option<Value>,
}

impl Exchange {
    /// The JSON of the answer.
    pub fn answer(&self) -> &Value {
        let operation = &self.operation;
        let answer = self.answer.as_ref();
        answer.unwrap_or_else(|| panic!("{operation} was answered without JSON"))
    }
}

/// Notes all exchanges.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Exchange>>>);

impl Recorder {
    /// What was noted since this was asked last.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S> Layer<S> for Recorder {
    type Service = Recording<S>;

    fn layer(&self, inner: S) -> Recording<S> {
        Recording {
            inner,
            recorder: self.clone(),
        }
    }
}

#[derive(Clone)]
pub struct Recording<S> {
    inner: S,
    recorder: Recorder,
}

impl<S: HttpService> Service<http::Request<Body>> for Recording<S> {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Result<http::Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (inner, recorder) = (self.inner.clone(), self.recorder.clone());
        let mut exchange = sent(&request);
        Box::pin(async move {
            let (head, body) = inner.send(request).await?.into_parts();
            let bytes = response::collect(body, LIMIT).await?;
            exchange.status = head.status.as_u16();
            exchange.answer = json(&head.headers, &bytes);
            recorder.0.lock().unwrap().push(exchange);
            Ok(http::Response::from_parts(head, Body::from(bytes)))
        })
    }
}

fn sent(request: &http::Request<Body>) -> Exchange {
    let info = operation(request).expect("every request tells its operation");
    let name = info.name();
    let version = request
        .headers()
        .get("blaxel-version")
        .expect("every request has a version");
    let path = request.uri().path();
    let query = request.uri().query().unwrap_or_default();
    let mut query: Vec<_> = query.split('&').map(str::to_owned).collect();
    query.retain(|parameter| !parameter.is_empty());
    query.sort();
    let bytes = request
        .body()
        .bytes()
        .expect("the facade sends what it has at hand");
    let body = json(request.headers(), &bytes);
    assert_eq!(
        body.is_some(),
        !bytes.is_empty(),
        "the body of {name} is said to be JSON"
    );
    Exchange {
        info,
        operation: name.to_owned(),
        method: request.method().to_string(),
        path: path
            .strip_prefix("/v0")
            .expect("a path of the control plane")
            .to_owned(),
        query,
        version: version.to_str().unwrap().to_owned(),
        body,
        status: 0,
        answer: None,
    }
}

fn json(headers: &HeaderMap, bytes: &[u8]) -> Option<Value> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/json") || bytes.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(bytes).expect("what is said to be JSON is JSON"))
}
