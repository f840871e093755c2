//! A certificate authority for tests, and TLS servers with its certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::frames::Wire;
use crate::server::{Log, Server, response, serve_http1};

/// A certificate authority with a name of its own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Authorities with the same name would be taken for one.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("Authority {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Returns a TLS acceptor for these host names that offers these ALPN protocols.
    pub(crate) fn acceptor(&self, names: &[&str], protocols: &[&str]) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Starts a server that responds with the name of the protocol in use.
    pub(crate) async fn server(&self, names: &[&str], protocols: &[&str]) -> Server {
        let acceptor = self.acceptor(names, protocols);
        Server::start(move |_, stream, log| {
            let acceptor = acceptor.clone();
            async move {
                match acceptor.accept(stream).await {
                    Ok(stream) => serve_negotiated(stream, log).await,
                    Err(error) => log.add(format!("handshake: {error}")),
                }
            }
        })
        .await
    }
}

/// Serves a connection with the negotiated protocol.
async fn serve_negotiated<S>(stream: TlsStream<S>, log: Log)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return serve_http1(stream, response("http/1.1").into(), log).await;
    }
    let mut wire = Wire::accept(stream).await;
    while let Some(stream) = wire.request().await {
        log.add("request");
        wire.head(stream, false).await;
        wire.data(stream, b"h2", true).await;
    }
}
