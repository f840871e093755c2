//! [`HyperTransport`] against servers on loopback sockets whose behavior each test defines.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod allocations;
mod certificates;
mod codings;
mod failures;
mod frames;
#[cfg(feature = "gzip")]
mod gzip;
mod in_flight;
mod pools;
mod proxies;
mod runtimes;
mod server;
mod sharing;
mod small_bodies;
mod tls;
mod upgrades;
mod versions;

use blaxel_core::{Body, Error, HttpService, OperationInfo, Plane, RequestWriter, Source};
use blaxel_transport::{HyperBuilder, HyperTransport, Proxy, Roots};
use http::Method;

static READ: OperationInfo = OperationInfo::new("ReadThing", Method::GET, "/thing");
static RUN: OperationInfo =
    OperationInfo::new("RunThing", Method::GET, "/thing").with_plane(Plane::Run);

/// Returns a builder that uses neither the environment's proxy nor the machine's root certificates.
fn builder() -> HyperBuilder {
    HyperTransport::builder()
        .roots(Roots::Added)
        .proxy(Proxy::none())
}

/// Returns a request without a context.
fn plain(url: &str) -> http::Request<Body> {
    http::Request::get(url).body(Body::empty()).unwrap()
}

/// Returns a request of an operation.
fn described(info: &'static OperationInfo, url: &str) -> http::Request<Body> {
    let mut writer = RequestWriter::new(info);
    writer.address(url, &Source::Code).unwrap();
    writer.finish().unwrap()
}

/// Sends a request and reads its response body.
async fn text(transport: &HyperTransport, request: http::Request<Body>) -> Result<String, Error> {
    let response = transport.send(request).await?;
    let bytes = blaxel_core::response::collect(response.into_body(), 1 << 20).await?;
    Ok(String::from_utf8(bytes.into()).unwrap())
}
