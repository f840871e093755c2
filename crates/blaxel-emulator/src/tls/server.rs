//! [`Tls`], the TLS of a server.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authority::Authority;
use super::certificates::Certificates;

/// The protocols of HTTP, the preferred one first.
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The time limit of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The TLS of a server.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    pub(super) fn new(authority: Authority) -> io::Result<Self> {
        let certificates = Arc::new(Certificates::new(authority)?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        config.alpn_protocols = [HTTP2, HTTP1].map(<[u8]>::to_vec).into();
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Performs the handshake. Returns the connection, and `true` if the client chose HTTP/2.
    pub(crate) async fn accept<I>(&self, io: I) -> io::Result<(TlsStream<I>, bool)>
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = timeout(HANDSHAKE, self.0.accept(io)).await??;
        let chosen = stream.get_ref().1.alpn_protocol();
        let is_http2 = chosen == Some(HTTP2);
        Ok((stream, is_http2))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_does_not_go_on_is_given_up() {
        let tls = Tls::new(Authority::new().unwrap()).unwrap();
        let (mut client, server) = duplex(64);
        client.write_all(&[22, 3, 1]).await.unwrap();
        let error = tls.accept(server).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
