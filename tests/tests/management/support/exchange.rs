//! Records all requests and responses, in a layer directly above the transport.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxFuture, Error, HttpService, OperationInfo, operation, response};
use http::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tower::{Layer, Service};

/// The size limit of a response body; no response of the emulator is as large.
const LIMIT: usize = 1 << 24;

/// A request as it was sent, and its response as it was received.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The operation in the request's extensions.
    pub info: &'static OperationInfo,
    /// The name of the operation.
    pub operation: String,
    pub method: String,
    /// The escaped path below the version segment.
    pub path: String,
    /// The escaped query parameters, sorted.
    pub query: Vec<String>,
    /// The API version that was requested.
    pub version: String,
    pub body: Option<Value>,
    pub status: u16,
    /// The body of the response, if it is JSON.
    pub response: Option<Value>,
}

impl Exchange {
    /// Returns the JSON of the response.
    pub fn response(&self) -> &Value {
        let operation = &self.operation;
        let response = self.response.as_ref();
        response.unwrap_or_else(|| panic!("{operation} had a response without JSON"))
    }
}

/// A layer that records all exchanges.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Exchange>>>);

impl Recorder {
    /// Returns and removes the exchanges recorded since the last call.
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
            exchange.response = json(&head.headers, &bytes);
            recorder.0.lock().unwrap().push(exchange);
            Ok(http::Response::from_parts(head, Body::from(bytes)))
        })
    }
}

fn sent(request: &http::Request<Body>) -> Exchange {
    let info = operation(request).expect("every request has its operation");
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
    let bytes = request.body().bytes().expect("the body is buffered");
    let body = json(request.headers(), &bytes);
    assert_eq!(
        body.is_some(),
        !bytes.is_empty(),
        "the body of {name} has the content type of JSON"
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
        response: None,
    }
}

fn json(headers: &HeaderMap, bytes: &[u8]) -> Option<Value> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/json") || bytes.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(bytes).expect("the body is valid JSON"))
}
