//! Our own stack, as its users put it together.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use blaxel_core::{Body, Error, HttpService};
use blaxel_transport::{Client, ClientBuilder, HyperLeaf};
use http::HeaderMap;
use tower::layer::util::Identity;
use tower::util::MapRequestLayer;

use super::agent::GetAgent;

fn builder(address: SocketAddr) -> ClientBuilder<HyperLeaf, Identity, Identity> {
    Client::builder()
        .api_key("bl_a_key_as_long_as_the_platform_s_own_are")
        .workspace("benchmark")
        .api_url(format!("http://{address}/v0"))
}

pub fn plain(address: SocketAddr) -> impl HttpService {
    builder(address).build().expect("a client")
}

pub fn boxed(address: SocketAddr) -> impl HttpService {
    builder(address).build().expect("a client").boxed()
}

/// With two layers at each of the two seats that do nothing.
pub fn layered(address: SocketAddr) -> impl HttpService {
    let unchanged = |request: http::Request<Body>| request;
    builder(address)
        .call_layer(MapRequestLayer::new(unchanged))
        .call_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged))
        .build()
        .expect("a client")
}

/// The headers that our stack sends, for the others to send them too.
pub fn headers(address: SocketAddr) -> HeaderMap {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let keep = Arc::clone(&seen);
    let leaf = tower::service_fn(move |request: http::Request<Body>| {
        if let Ok(mut seen) = keep.lock() {
            seen.clone_from(request.headers());
        }
        std::future::ready(Ok::<_, Error>(http::Response::new(Body::empty())))
    });
    let client = builder(address).transport(leaf).build().expect("a client");
    // The answer is no agent, but by then the headers have been seen.
    let call = async move {
        blaxel_core::call(&client, &GetAgent { name: "x" })
            .await
            .err()
    };
    std::thread::spawn(move || super::server::runtime().block_on(call))
        .join()
        .expect("a call");
    let seen = seen.lock().expect("headers");
    assert!(!seen.is_empty(), "our stack sends headers");
    seen.clone()
}
