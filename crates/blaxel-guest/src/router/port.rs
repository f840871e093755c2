//! `/port/{port}`: what the programs of the sandbox serve.
//!
//! In a real sandbox, the platform's edge has this route, and passes requests to the port.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use blaxel_core::Timestamp;
use http::header::{CONNECTION, HOST, HeaderValue, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body::{Frame, SizeHint};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::task::AbortHandle;

use super::respond;
use crate::state::State;

/// The headers of one connection, which are not passed on.
const HOP_BY_HOP: [&str; 5] = [
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Returns the port and the path after it if a path is one of this route.
pub(super) fn target(path: &str) -> Option<(u16, &str)> {
    let rest = path.strip_prefix("/port/")?;
    let (port, rest) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    Some((port.parse().ok()?, rest))
}

/// Passes a request to a port.
pub(super) async fn forward(
    state: Arc<State>,
    request: Request<Body>,
    port: u16,
    path: &str,
) -> Response {
    let query = request.uri().query();
    let target = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let sent = send(&state, request, port, &target).await;
    sent.unwrap_or_else(|| bad_gateway(&state.guest.clock().now(), port))
}

/// Answers as the edge does when nothing listens.
fn bad_gateway(now: &Timestamp, port: u16) -> Response {
    const CODE: &str = "BAD_GATEWAY";
    let status = StatusCode::BAD_GATEWAY;
    let mut response = respond::json(
        status,
        &json!({"error": {
            "code": CODE,
            "message": format!("Nothing is listening on port {port}."),
            "origin": "platform",
            "retryable": true,
            "action": "Start a program that listens on the port, and wait for it.",
            "do_not": "Do not bind the program to a loopback address.",
            "docs_url": "https://docs.blaxel.ai/troubleshooting/error-codes",
            "status": status.as_u16(),
            "timestamp": now.as_str(),
        }}),
    );
    let headers = response.headers_mut();
    headers.insert("x-blaxel-source", HeaderValue::from_static("platform"));
    headers.insert("x-blaxel-error-code", HeaderValue::from_static(CODE));
    response
}

async fn send(
    state: &Arc<State>,
    mut request: Request<Body>,
    port: u16,
    target: &str,
) -> Option<Response> {
    let stream = state.guest.connect(port).await.ok()?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    let task = state.connections.spawn(async move {
        // The response tells what went wrong.
        let _ = connection.with_upgrades().await;
    });
    let connection = Running(task);
    let is_upgrade = request.headers().contains_key(UPGRADE);
    let upgraded = is_upgrade.then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    let path: PathAndQuery = target.parse().ok()?;
    head.uri = Uri::from(path);
    remove_hop_by_hop(&mut head.headers, is_upgrade);
    if !head.headers.contains_key(HOST) {
        let host = HeaderValue::from_str(&format!("localhost:{port}")).ok()?;
        head.headers.insert(HOST, host);
    }
    head.version = http::Version::HTTP_11;
    let request = Request::from_parts(head, body);
    let mut response = sender.send_request(request).await.ok()?;
    let is_switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if is_switched && let Some(client) = upgraded {
        let server = hyper::upgrade::on(&mut response);
        let awake = state.guest.clock().stay_awake();
        state.connections.spawn(async move {
            let _used = (connection, awake);
            let (Ok(client), Ok(server)) = (client.await, server.await) else {
                return;
            };
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            // Both ends see when the other one closes.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
        let (mut head, _) = response.into_parts();
        remove_hop_by_hop(&mut head.headers, true);
        return Some(Response::from_parts(head, Body::empty()));
    }
    let (mut head, body) = response.into_parts();
    remove_hop_by_hop(&mut head.headers, false);
    let body = Forwarded {
        body: Body::new(body),
        _connection: connection,
    };
    Some(Response::from_parts(head, Body::new(body)))
}

fn remove_hop_by_hop(headers: &mut HeaderMap, is_upgrade: bool) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if !is_upgrade {
        headers.remove(CONNECTION);
        headers.remove(UPGRADE);
    }
}

/// A task that ends with its owner.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of a response, and the connection that it comes from.
struct Forwarded {
    body: Body,
    _connection: Running,
}

impl http_body::Body for Forwarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_followed_by_the_path_of_its_program() {
        for (path, expected) in [
            ("/port/3000", Some((3000, "/"))),
            ("/port/3000/", Some((3000, "/"))),
            ("/port/3000/a/b%20c", Some((3000, "/a/b%20c"))),
            ("/port/x/a", None),
            ("/port/70000", None),
            ("/ports/3000", None),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }
}
