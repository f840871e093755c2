//! Makes connections: TCP, a tunnel through a proxy if there is one, TLS.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use blaxel_core::{BoxError, BoxFuture};
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::proxy::Rules;
use super::stream::Boxed;
use super::version::HttpVersion;

/// A connection to a proxy or, without one, to the server: TCP, under TLS if the proxy speaks it.
type Line = Boxed<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// A connection to the server.
type Stream = Boxed<MaybeHttpsStream<Line>>;

/// Makes connections, within a limit of time. A clone counts a reference.
#[derive(Clone)]
pub(super) struct Connector(Arc<Shared>);

struct Shared {
    https: HttpsConnector<Road>,
    version: HttpVersion,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(
        mut tls: ClientConfig,
        rules: Rules,
        version: HttpVersion,
        limit: Duration,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        // If a name has several addresses, this is shared out among them.
        tcp.set_connect_timeout(Some(limit));
        let mut to_proxy = tls.clone();
        to_proxy.alpn_protocols = vec![b"http/1.1".to_vec()];
        tls.alpn_protocols = match version {
            HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersion::Http2 => vec![b"h2".to_vec()],
        };
        let road = Road(Arc::new(Ways {
            to_proxy: HttpsConnector::from((tcp.clone(), to_proxy)),
            tcp,
            rules,
        }));
        Self(Arc::new(Shared {
            https: HttpsConnector::from((road, tls)),
            version,
            limit,
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
                let problem = format!("there was no connection within {:?}", shared.limit);
                return Err(io::Error::new(io::ErrorKind::TimedOut, problem).into());
            };
            let stream = Boxed::new(outcome?);
            let agreed = stream.connected().is_negotiated_h2();
            if shared.version == HttpVersion::Http2 && secure && !agreed {
                return Err("the server does not speak HTTP/2".into());
            }
            Ok(stream)
        })
    }
}

/// Connects by any connector.
async fn connect<C>(mut connector: C, target: Uri) -> Result<C::Response, C::Error>
where
    C: Service<Uri>,
{
    poll_fn(|cx| connector.poll_ready(cx)).await?;
    connector.call(target).await
}

/// Everything below TLS with the server. A clone counts a reference.
#[derive(Clone)]
struct Road(Arc<Ways>);

struct Ways {
    tcp: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
    rules: Rules,
}

impl Service<Uri> for Road {
    type Response = Line;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let ways = Arc::clone(&self.0);
        Box::pin(async move {
            match ways.rules.proxy_for(&target)? {
                None => {
                    let tcp = connect(ways.tcp.clone(), target).await?;
                    Ok(Boxed::new(MaybeHttpsStream::Http(tcp)))
                }
                // In a box of its own: every connection without a proxy would hold room for it.
                Some(proxy) => Box::pin(through(&proxy, ways.to_proxy.clone(), target))
                    .await
                    .map_err(|cause| {
                        Box::new(NoTunnel {
                            proxy: proxy.uri().clone(),
                            cause,
                        })
                        .into()
                    }),
            }
        })
    }
}

async fn through(
    proxy: &Intercept,
    connector: HttpsConnector<HttpConnector>,
    target: Uri,
) -> Result<Line, BoxError> {
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
    if let Some(credentials) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(credentials.clone());
    }
    Ok(Boxed::new(connect(tunnel, with_port(target)?).await?))
}

/// The address with its port written out: a tunnel takes 443 where there is none.
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

/// A proxy did not give us a way to the server.
#[derive(Debug)]
struct NoTunnel {
    proxy: Uri,
    cause: BoxError,
}

impl fmt::Display for NoTunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no way through the proxy {}", self.proxy)
    }
}

impl StdError for NoTunnel {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.cause)
    }
}
