//! Records the requests that the facade sends, in a layer directly above the transport.

use std::sync::{Arc, Mutex};

use blaxel_core::{Body, operation};
use http::{Method, Request};
use tower::util::MapRequestLayer;

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

/// A record of all requests.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Sent>>>);

impl Recorder {
    /// Returns and removes the requests recorded since the last call.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Returns a layer that records all requests.
    pub fn layer(
        &self,
    ) -> MapRequestLayer<impl Fn(Request<Body>) -> Request<Body> + Clone + Send + Sync + 'static>
    {
        let recorder = self.clone();
        MapRequestLayer::new(move |request| {
            let sent = sent(&request);
            recorder.0.lock().unwrap().push(sent);
            request
        })
    }
}

fn sent(request: &Request<Body>) -> Sent {
    let info = operation(request).expect("every request has its operation");
    let query = request.uri().query().unwrap_or_default().split('&');
    let name = |parameter: &str| parameter.split('=').next().unwrap().to_owned();
    Sent {
        operation: info.name(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: query.filter(|it| !it.is_empty()).map(name).collect(),
    }
}
