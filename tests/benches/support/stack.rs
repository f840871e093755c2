//! Our own stack as its users build it, and the headers that it sends.

use std::sync::{Arc, Mutex};

use blaxel_core::{Body, Error, HttpService, OperationInfo, RequestWriter};
use blaxel_transport::{Client, ClientBuilder, DefaultTransport, HttpVersion, HyperTransport};
use http::HeaderMap;
use tower::layer::util::Identity;

use super::process::runtime;

static GET: OperationInfo = OperationInfo::new("GetAnything", http::Method::GET, "/");

/// Returns a builder of a client of the API at `url`.
pub fn builder(
    url: &str,
    version: HttpVersion,
) -> ClientBuilder<DefaultTransport, Identity, Identity> {
    Client::builder()
        .api_key("bl_a_key_as_long_as_the_platform_s_own_are")
        .workspace("benchmark")
        .api_url(url)
        .hyper(HyperTransport::builder().http_version(version))
}

/// Returns the headers that our stack sends, so that other clients send the same.
pub fn headers(url: &str) -> HeaderMap {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let keep = Arc::clone(&seen);
    let transport = tower::service_fn(move |request: http::Request<Body>| {
        if let Ok(mut seen) = keep.lock() {
            seen.clone_from(request.headers());
        }
        std::future::ready(Ok::<_, Error>(http::Response::new(Body::empty())))
    });
    let builder = builder(url, HttpVersion::Auto).transport(transport);
    let client = builder.build().expect("a client");
    let request = RequestWriter::new(&GET).finish().expect("a request");
    let call = async move { client.send(request).await.map(drop) };
    std::thread::spawn(move || runtime().block_on(call))
        .join()
        .expect("a call")
        .expect("a response");
    let seen = seen.lock().expect("headers");
    assert!(!seen.is_empty(), "our stack sends headers");
    seen.clone()
}
