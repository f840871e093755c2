//! The leaf against servers on loopback sockets that do exactly what a test says.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod allocations;
mod certificates;
mod failures;
mod frames;
#[cfg(feature = "gzip")]
mod gzip;
mod pools;
mod proxies;
mod server;
mod tls;
mod turns;
mod versions;

use blaxel_core::{Body, Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
use blaxel_transport::{HyperBuilder, HyperTransport, Proxy, Roots};
use http::Method;

static READ: OperationInfo = OperationInfo::new("ReadThing", Method::GET, "/thing");
static RUN: OperationInfo =
    OperationInfo::new("RunThing", Method::GET, "/thing").with_plane(Plane::Run);

/// A leaf that asks neither the environment nor the machine.
fn leaf() -> HyperBuilder {
    HyperTransport::builder()
        .roots(Roots::Added)
        .proxy(Proxy::none())
}

/// A request that no operation made.
fn plain(url: &str) -> http::Request<Body> {
    http::Request::get(url).body(Body::empty()).unwrap()
}

fn described(info: &'static OperationInfo, url: &str) -> http::Request<Body> {
    let mut writer = RequestWriter::new(info);
    writer.address(url, &Source::Code).unwrap();
    writer.finish().unwrap()
}

/// Sends a request and reads its answer's body.
async fn text(leaf: &HyperTransport, request: http::Request<Body>) -> Result<String, Error> {
    let response = leaf.send(request).await?;
    let bytes = blaxel_core::response::collect(response.into_body(), 1 << 20).await?;
    Ok(String::from_utf8(bytes.into()).unwrap())
}
