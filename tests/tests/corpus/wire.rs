//! Services that send a response of the corpus.

use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::{Body, BoxService, Error, HttpService};
use blaxel_tests::{Reply, WireServer};
use blaxel_transport::HyperTransport;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body::Frame;

use crate::case::{Case, Head};

/// The sizes of the chunks in which a body is received.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Chunks {
    /// All of it at once.
    Whole,
    /// One byte each.
    Single,
}

/// A body that arrives in chunks.
struct Arriving(VecDeque<Bytes>);

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// Creates a response.
pub(crate) fn response(head: &Head, body: Bytes, chunks: Chunks) -> http::Response<Body> {
    let chunks = match chunks {
        Chunks::Whole => VecDeque::from([body]),
        Chunks::Single => (0..body.len()).map(|at| body.slice(at..=at)).collect(),
    };
    let mut response = http::Response::new(Body::new(Arriving(chunks)));
    *response.status_mut() = head.status;
    response.headers_mut().extend(head.headers.iter().cloned());
    response
}

/// Creates a service that sends one response to every request.
pub(crate) fn service(head: &Head, body: Bytes, chunks: Chunks) -> BoxService {
    let head = head.clone();
    tower::service_fn(move |_: http::Request<Body>| {
        let response = response(&head, body.clone(), chunks);
        std::future::ready(Ok::<_, Error>(response))
    })
    .boxed()
}

/// A server on a socket, with a service that sends every request to it.
pub(crate) struct Remote {
    pub(crate) service: BoxService,
    _server: WireServer,
}

impl Remote {
    /// Starts a server that sends a response in its content coding. Only the transport with sockets reads
    /// codings.
    pub(crate) async fn start(case: &Case) -> Self {
        let body = match case.head.header("content-encoding") {
            Some("gzip") => gzip(&case.body),
            Some("deflate") => deflate(&case.body),
            _ => case.body.to_vec(),
        };
        let mut wire = format!("HTTP/1.1 {} Status\r\n", case.head.status.as_u16()).into_bytes();
        for (name, value) in &case.head.headers {
            wire.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        wire.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
        wire.extend(b"connection: close\r\n\r\n");
        wire.extend(body);
        let server = WireServer::start(Reply::Bytes(wire)).await;
        let base = server.url().to_owned();
        let transport = HyperTransport::default();
        let service = tower::service_fn(move |mut request: http::Request<Body>| {
            let path = request.uri().path().to_owned();
            *request.uri_mut() = format!("{base}{path}").parse().unwrap();
            let transport = transport.clone();
            async move { transport.send(request).await }
        });
        Self {
            service: service.boxed(),
            _server: server,
        }
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
