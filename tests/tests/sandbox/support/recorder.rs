//! Records the requests that the facade sends, in a layer directly above the transport.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxFuture, Error, HttpService, operation};
use http::Method;
use tower::{Layer, Service};

/// A request that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The name in the request's description.
    pub operation: &'static str,
    pub method: Method,
    pub path: String,
    /// The names of the query parameters.
    pub query: Vec<String>,
}

/// A layer that records all requests.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Sent>>>);

impl Recorder {
    /// Returns and removes the requests recorded since the last call.
    pub fn take(&self) -> Vec<Sent> {
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
        let info = operation(&request).expect("every request has its operation");
        let query = request.uri().query().unwrap_or_default().split('&');
        let name = |parameter: &str| parameter.split('=').next().unwrap().to_owned();
        self.recorder.0.lock().unwrap().push(Sent {
            operation: info.name(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: query.filter(|it| !it.is_empty()).map(name).collect(),
        });
        let inner = self.inner.clone();
        Box::pin(async move { inner.send(request).await })
    }
}
