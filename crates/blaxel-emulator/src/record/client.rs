//! [`Client`], which sends requests to the platform.

use std::error::Error;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Request, Response, Uri, header};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use super::addresses::Addresses;
use super::custom_hosts::CustomHosts;
use crate::hosts::PlatformHost;
use crate::tls::{Roots, Secured};

/// The time limit for a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The time for which an unused connection is kept.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// A client with a pool of connections, for HTTP/1.1 and HTTP/2 as the server chooses.
#[derive(Clone)]
pub(super) struct Client {
    usual: legacy::Client<Secured<Dial>, Body>,
    /// For requests that ask for another protocol, which HTTP/2 has no place for.
    for_upgrades: legacy::Client<Secured<Dial>, Body>,
}

impl Client {
    /// Creates a client. If there is a stand-in for the platform, connections to all hosts of the platform and to those
    /// of previews on custom domains lead to it.
    pub(super) fn new(roots: &Roots, addresses: &Addresses) -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Otherwise a streamed chunk would wait for the acknowledgement of the one before.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIME));
        let dial = Dial {
            tcp,
            stand_in: addresses.stand_in().cloned(),
            custom_hosts: addresses.custom_hosts().clone(),
        };
        let connectors = roots.connectors(dial, addresses.is_secure())?;
        let [usual, for_upgrades] = connectors.map(|connector| {
            legacy::Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE_TIME)
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .build(connector)
        });
        Ok(Self {
            usual,
            for_upgrades,
        })
    }

    /// Sends a request with an absolute URI. The body of the response is streamed.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Body>, String> {
        let client = match asks_for_upgrade(request.headers()) {
            true => &self.for_upgrades,
            false => &self.usual,
        };
        match client.request(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) => Err(described(&error)),
        }
    }
}

/// Returns `true` if a request asks for another protocol, such as that of a WebSocket.
pub(super) fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// Returns an error with its causes, and what to do about it if that is known.
fn described(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    if Roots::refused(error) {
        text.push_str(
            "; if it is the right server, trust its authority with --root-certificate, or \
             RecorderBuilder::root_certificate",
        );
    }
    text
}

/// Opens the connections.
#[derive(Clone)]
pub(super) struct Dial {
    tcp: HttpConnector,
    stand_in: Option<Uri>,
    custom_hosts: CustomHosts,
}

impl Service<Uri> for Dial {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = <HttpConnector as Service<Uri>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let to = self.stand_in.clone().filter(|_| self.stands_for(&uri));
        self.tcp.call(to.unwrap_or(uri))
    }
}

impl Dial {
    /// Returns `true` for an address of the platform, for which something else may stand in.
    fn stands_for(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        PlatformHost::parse(&host).is_some()
            || host.ends_with(".localhost")
            || self.custom_hosts.contain(&host)
    }
}
