//! Requests to a store, at presigned addresses.
//!
//! A sandbox for tests reaches this machine only: the addresses are `http://` on a loopback host. No
//! error names them, because they are secrets.

use std::fmt::Display;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use blaxel_core::__private::is_loopback;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request to a store.
pub(super) struct Exchange<'a> {
    /// The word for it in errors: `upload` or `download`.
    pub(super) purpose: &'static str,
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Exchange<'_> {
    /// Sends the request and returns the headers of a successful response. `read` gets the chunks of
    /// its body, with the size of all of them if that is known.
    pub(super) async fn run(
        self,
        read: impl FnMut(&[u8], Option<u64>) -> Result<(), String>,
    ) -> Result<HeaderMap, String> {
        let purpose = self.purpose;
        let failed = move |error: &dyn Display| format!("{purpose} failed: {error}");
        let malformed = || format!("the address of the {purpose} is malformed");
        let uri: Uri = self.url.parse().map_err(|_| malformed())?;
        let host = uri.host().unwrap_or_default();
        if uri.scheme_str() != Some("http") || !is_loopback(host) {
            return Err(format!(
                "a simulated sandbox {purpose}s only {} http:// on this machine",
                if purpose == "upload" { "to" } else { "from" }
            ));
        }
        let address = (
            host.trim_matches(['[', ']']).to_owned(),
            uri.port_u16().unwrap_or(80),
        );
        let stream = TcpStream::connect(address).await;
        let stream = TokioIo::new(stream.map_err(|error| failed(&error))?);
        let (mut sender, connection) = http1::handshake(stream)
            .await
            .map_err(|error| failed(&error))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri.authority().map_or(host, |authority| authority.as_str());
        let length = self.body.len();
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = path.parse().map_err(|_| malformed())?;
        *request.headers_mut() = self.headers;
        let authority = authority.parse().map_err(|_| malformed())?;
        request.headers_mut().insert(HOST, authority);
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
        let sending = async {
            let response = sender.send_request(request).await;
            receive(response.map_err(|error| failed(&error))?, purpose, read).await
        };
        let mut sending = std::pin::pin!(sending);
        tokio::select! {
            received = &mut sending => received,
            ended = connection => match ended {
                // What has arrived is still there.
                Ok(()) => sending.await,
                Err(error) => Err(failed(&error)),
            },
        }
    }
}

async fn receive(
    response: Response<Incoming>,
    purpose: &str,
    mut read: impl FnMut(&[u8], Option<u64>) -> Result<(), String>,
) -> Result<HeaderMap, String> {
    if !response.status().is_success() {
        let status = response.status();
        return Err(format!("{purpose} failed: the store answered {status}"));
    }
    let (head, mut body) = response.into_parts();
    let size = body.size_hint().exact();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| format!("{purpose} failed: {error}"))?;
        if let Ok(bytes) = frame.into_data() {
            read(&bytes, size)?;
        }
    }
    Ok(head.headers)
}
