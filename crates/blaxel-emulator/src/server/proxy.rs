//! The emulator as a proxy, so that clients that know the addresses of the platform only reach it.
//!
//! `CONNECT` to a host of the platform leads to the emulator itself, which ends TLS within the tunnel.

use std::time::Duration;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::upgrade::{OnUpgrade, on};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::site::Site;
use crate::hosts;

/// The time limit for a connection to another host.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A connection that a client asked for with `CONNECT`.
pub(super) struct Tunnel {
    pub(super) upgrade: OnUpgrade,
    pub(super) to: Destination,
}

pub(super) enum Destination {
    /// The emulator itself.
    Here,
    Elsewhere(TcpStream),
}

/// Refuses a request that is for a host of others, by the URI that only a proxy gets.
pub(super) fn refused<H>(
    site: &Site<H>,
    request: &mut Request<Incoming>,
) -> Option<Response<Body>> {
    let is_old = request.version() < Version::HTTP_2;
    let authority = hosts::take_authority(request);
    // With HTTP/2, each request has an authority, whether it is for a proxy or not.
    let other = authority.filter(|host| is_old && !hosts::is_own(host, site.port));
    other.map(|host| not_ours(&host))
}

/// Opens the tunnel that `CONNECT` asks for, or returns the refusal. Only the connection of a client itself may
/// become a tunnel, and not a tunnel again.
pub(super) async fn open<H>(
    site: &Site<H>,
    request: Request<Incoming>,
    may_tunnel: bool,
) -> Result<Tunnel, Response<Body>> {
    let is_old = request.version() < Version::HTTP_2;
    let host = request.uri().authority().cloned();
    let Some(host) = host.filter(|_| may_tunnel && is_old) else {
        let problem = "tunnels begin on a connection of their own, with HTTP/1.1";
        return Err(refusal(StatusCode::NOT_IMPLEMENTED, problem));
    };
    let to = connect(site, &host).await?;
    let upgrade = on(request);
    Ok(Tunnel { upgrade, to })
}

async fn connect<H>(site: &Site<H>, host: &Authority) -> Result<Destination, Response<Body>> {
    if hosts::is_own(host, site.port) {
        if site.tls.is_none() && !hosts::is_loopback(host.host()) {
            let problem = format!(
                "the emulator has no certificate for {}: start it with --tls, or Builder::tls",
                host.host()
            );
            return Err(refusal(StatusCode::FORBIDDEN, &problem));
        }
        Ok(Destination::Here)
    } else if site.passes_others {
        let name = host.host().trim_matches(['[', ']']);
        let connecting = TcpStream::connect((name, host.port_u16().unwrap_or(443)));
        match timeout(CONNECT_TIME, connecting).await {
            Ok(Ok(stream)) => Ok(Destination::Elsewhere(stream)),
            Ok(Err(error)) => Err(unreachable(host, &error.to_string())),
            Err(_) => Err(unreachable(host, "it takes too long")),
        }
    } else {
        Err(not_ours(host))
    }
}

fn not_ours(host: &Authority) -> Response<Body> {
    let problem = format!(
        "the emulator is a proxy for the hosts of the platform, and {} is none of them: add it to \
         NO_PROXY, or let tunnels to other hosts pass with --pass-other-hosts or \
         Builder::pass_other_hosts",
        host.host()
    );
    refusal(StatusCode::FORBIDDEN, &problem)
}

fn unreachable(host: &Authority, why: &str) -> Response<Body> {
    let problem = format!("cannot connect to {host}: {why}");
    refusal(StatusCode::BAD_GATEWAY, &problem)
}

/// Returns a response with a sentence, which is its reason phrase too: of a refused tunnel, many clients
/// show nothing else.
fn refusal(status: StatusCode, problem: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{problem}\n")));
    *response.status_mut() = status;
    if let Ok(reason) = ReasonPhrase::try_from(problem.as_bytes().to_vec()) {
        response.extensions_mut().insert(reason);
    }
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
