//! Establishes connections: TCP, a tunnel through a proxy if there is one, then TLS.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::__private::{check_address, duration};
use blaxel_core::{BoxError, BoxFuture};
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use tower_service::Service;

use super::proxy::Rules;
use super::stream::Boxed;
use super::version::HttpVersion;

/// A TCP connection to the server, or a tunnel through a proxy, which may use TLS itself.
type ProxyStream = Boxed;

/// A connection to the server, with TLS for `https`.
type Stream = Boxed;

/// Establishes connections within a time limit. Cloning it increments a reference count.
#[derive(Clone)]
pub(super) struct Connector(Arc<Shared>);

/// The state that all clones of a [`Connector`] share.
struct Shared {
    https: HttpsConnector<ProxyConnector>,
    version: HttpVersion,
    limit: Duration,
}

impl Connector {
    /// Creates a connector over a route. `tls` must not have ALPN protocols yet.
    pub(super) fn new(
        route: ProxyConnector,
        mut tls: ClientConfig,
        version: HttpVersion,
        limit: Duration,
    ) -> Self {
        tls.alpn_protocols = match version {
            HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersion::Http2 => vec![b"h2".to_vec()],
        };
        Self(Arc::new(Shared {
            https: HttpsConnector::from((route, tls)),
            version,
            limit,
        }))
    }
}

impl ProxyConnector {
    /// Creates a connector. `tls`, for proxies that use it, must not have ALPN protocols yet.
    pub(super) fn new(mut tls: ClientConfig, rules: Rules, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        // If a name has several addresses, this time is divided among them.
        tcp.set_connect_timeout(Some(limit));
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(ProxyConnectorInner {
            to_proxy: HttpsConnector::from((tcp.clone(), tls)),
            tcp,
            rules,
        }))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<Result<Stream, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let secure = target.scheme() == Some(&Scheme::HTTPS);
            let connecting = connect(shared.https.clone(), target);
            let Ok(outcome) = tokio::time::timeout(shared.limit, connecting).await else {
                let limit = duration(shared.limit);
                let problem =
                    format!("timed out: connecting took longer than its limit of {limit}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, problem).into());
            };
            let stream = match outcome? {
                MaybeHttpsStream::Http(stream) => stream,
                secure => Boxed::new(secure),
            };
            let agreed = stream.connected().is_negotiated_h2();
            if shared.version == HttpVersion::Http2 && secure && !agreed {
                return Err("the server does not speak HTTP/2".into());
            }
            Ok(stream)
        })
    }
}

/// Establishes a connection with any connector.
async fn connect<C>(mut connector: C, target: Uri) -> Result<C::Response, C::Error>
where
    C: Service<Uri>,
{
    poll_fn(|cx| connector.poll_ready(cx)).await?;
    connector.call(target).await
}

/// Establishes the connection below TLS: directly, or through a proxy. Cloning it increments a
/// reference count.
#[derive(Clone)]
pub(super) struct ProxyConnector(Arc<ProxyConnectorInner>);

/// The state that all clones of a [`ProxyConnector`] share.
struct ProxyConnectorInner {
    tcp: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
    rules: Rules,
}

impl Service<Uri> for ProxyConnector {
    type Response = ProxyStream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<ProxyStream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            // An address that is not read in full must not become a connection to a default port.
            check_address(&target)?;
            match inner.rules.proxy_for(&target)? {
                None => {
                    let tcp = connect(inner.tcp.clone(), target).await?;
                    Ok(Boxed::new(tcp))
                }
                // Boxed separately, so that connections without a proxy do not reserve space for it.
                Some(proxy) => Box::pin(connect_through(&proxy, inner.to_proxy.clone(), target))
                    .await
                    .map_err(|cause| {
                        Box::new(TunnelError {
                            proxy: proxy.uri().clone(),
                            cause,
                        })
                        .into()
                    }),
            }
        })
    }
}

/// Opens a tunnel through a proxy.
async fn connect_through(
    proxy: &Intercept,
    connector: HttpsConnector<HttpConnector>,
    target: Uri,
) -> Result<ProxyStream, BoxError> {
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
    if let Some(credentials) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(credentials.clone());
    }
    Ok(match connect(tunnel, with_port(target)?).await? {
        MaybeHttpsStream::Http(stream) => Boxed::new(stream),
        secure => Boxed::new(secure),
    })
}

/// Adds the port to an `http` address without one: a tunnel would use 443.
fn with_port(target: Uri) -> Result<Uri, BoxError> {
    if target.port().is_some() || target.scheme() != Some(&Scheme::HTTP) {
        return Ok(target);
    }
    let host = target.host().unwrap_or_default();
    let authority = Authority::try_from(format!("{host}:80"))?;
    let mut parts = target.into_parts();
    parts.authority = Some(authority);
    Ok(Uri::from_parts(parts)?)
}

/// A proxy did not open a tunnel to the server.
#[derive(Debug)]
struct TunnelError {
    proxy: Uri,
    cause: BoxError,
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not open a tunnel through the proxy {}",
            self.proxy
        )
    }
}

impl StdError for TunnelError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.cause)
    }
}
