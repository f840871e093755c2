//! Clients of an emulator with TLS, from parts, so that nothing of this workspace's own client is used.

use std::sync::Arc;

use blaxel_emulator::Emulator;
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::address;

pub(crate) async fn connect(emulator: &Emulator) -> TcpStream {
    TcpStream::connect(address(emulator)).await.unwrap()
}

/// Performs a handshake. The client trusts this authority only, and offers these protocols.
pub(crate) async fn handshake<I>(
    io: I,
    authority: Option<&str>,
    name: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<I>>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    if let Some(pem) = authority {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        roots.add(der).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, io).await
}

/// Connects with TLS by this name.
pub(crate) async fn secure(
    emulator: &Emulator,
    name: &str,
    protocols: &[&str],
) -> TlsStream<TcpStream> {
    let stream = connect(emulator).await;
    let secured = handshake(stream, emulator.certificate_authority(), name, protocols);
    secured.await.unwrap()
}

/// Opens a tunnel, and returns the connection or the head of the refusal.
pub(crate) async fn tunnel(emulator: &Emulator, host: &str) -> Result<TcpStream, String> {
    tunnel_at(&address(emulator), host).await
}

/// Opens a tunnel through the proxy at an address.
pub(crate) async fn tunnel_at(address: &str, host: &str) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    match head.starts_with("HTTP/1.1 200 ") {
        true => Ok(stream),
        false => Err(head),
    }
}

/// A client on a connection with HTTP/2.
pub(crate) type Http2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

pub(crate) async fn http2<I>(io: I) -> Http2
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let new = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io));
    let (sender, connection) = new.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Sends one request over HTTP/1.1.
pub(crate) async fn once<I>(io: I, request: Request<Full<Bytes>>) -> Response<Incoming>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let new = hyper::client::conn::http1::handshake(TokioIo::new(io));
    let (mut sender, connection) = new.await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

/// Returns a request with the headers of a client.
pub(crate) fn get(emulator: &Emulator, uri: &str) -> Request<Full<Bytes>> {
    with(emulator, http::Method::GET, uri, Bytes::new())
}

pub(crate) fn with(
    emulator: &Emulator,
    method: http::Method,
    uri: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/json")
        .header(
            "x-blaxel-authorization",
            format!("Bearer {}", emulator.api_key()),
        )
        .header("x-blaxel-workspace", emulator.workspace())
        .header("blaxel-version", "2026-04-28")
        .body(Full::new(body.into()))
        .unwrap();
    // A path alone is a request of HTTP/1.1, whose client sets the host itself.
    if request.uri().authority().is_none() {
        let host = address(emulator).parse().unwrap();
        request.headers_mut().entry("host").or_insert(host);
    } else {
        *request.version_mut() = Version::HTTP_2;
    }
    request
}
