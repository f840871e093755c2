//! The leaf of the stack: requests over sockets, by hyper.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::{Body, Error, Source};
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use tower_service::Service;

/// How long a connection without a request is kept: below the 120 seconds after which the platform
/// closes it, so that a request does not meet a closing connection.
const POOL_IDLE: Duration = Duration::from_secs(50);

/// Requests over TCP and TLS, with a pool of connections.
///
/// HTTP/2 is used where the server offers it in the TLS handshake, else HTTP/1.1. TLS is rustls with
/// the `ring` provider, which is handed over explicitly: no process-wide default is read or set.
/// Redirects are not followed.
///
/// A clone shares the pool. Building one needs no runtime; sending a request needs tokio's.
#[derive(Clone)]
pub struct HyperTransport {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    /// Why `https` addresses cannot be reached, if they cannot.
    tls_problem: Option<Arc<str>>,
}

/// Sets up a [`HyperTransport`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HyperBuilder {
    roots: Roots,
    connect_timeout: Option<Duration>,
}

/// Which authorities are trusted to vouch for a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the operating system, by its own verifier where it has one.
    #[default]
    Platform,
    /// Mozilla's list, as built into the program.
    #[cfg(feature = "webpki-roots")]
    BuiltIn,
}

impl HyperBuilder {
    /// The authorities to trust. Those of the operating system by default.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// How long a TCP connection may take to be made. 10 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// Takes a connection limit for the case that none was set here.
    pub(crate) fn or_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout.get_or_insert(limit);
        self
    }

    /// The transport.
    ///
    /// A machine without usable root certificates gives a transport that reaches plain `http` only;
    /// a call to an `https` address then says what is missing.
    #[must_use]
    pub fn build(self) -> HyperTransport {
        let (config, tls_problem) = match tls_config(self.roots) {
            Ok(config) => (config, None),
            Err(problem) => (trusting_nobody(), Some(problem.into())),
        };
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        http.set_connect_timeout(Some(
            self.connect_timeout.unwrap_or(Duration::from_secs(10)),
        ));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(connector);
        HyperTransport {
            client,
            tls_problem,
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn tls_config(roots: Roots) -> Result<ClientConfig, String> {
    use rustls_platform_verifier::BuilderVerifierExt;

    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?;
    let config = match roots {
        Roots::Platform => builder.with_platform_verifier().map_err(|problem| {
            format!(
                "no root certificates could be loaded from this machine ({problem}); install its \
                 certificate package, or use the feature `webpki-roots` with `Roots::BuiltIn`"
            )
        })?,
        #[cfg(feature = "webpki-roots")]
        Roots::BuiltIn => {
            let store =
                rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            builder.with_root_certificates(store)
        }
    };
    Ok(config.with_no_client_auth())
}

/// A configuration that no server passes. It stands in for one that could not be made.
fn trusting_nobody() -> ClientConfig {
    let config = ClientConfig::builder_with_provider(provider());
    match config.with_safe_default_protocol_versions() {
        Ok(builder) => builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
        // The provider is a constant of this crate and has the default versions.
        Err(_) => unreachable!("ring supports the default protocol versions"),
    }
}

impl HyperTransport {
    /// Begins to set one up.
    pub fn builder() -> HyperBuilder {
        HyperBuilder::default()
    }
}

impl Default for HyperTransport {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HyperTransport")
    }
}

impl Service<http::Request<Body>> for HyperTransport {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = HyperFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> HyperFuture {
        let uri = request.uri();
        let (scheme, authority) = (uri.scheme(), uri.authority());
        let refusal = match (scheme, authority, &self.tls_problem) {
            (None, _, _) | (_, None, _) => Some("it is not absolute"),
            (Some(scheme), _, Some(problem)) if *scheme == Scheme::HTTPS => Some(&**problem),
            _ => None,
        };
        if let Some(problem) = refusal {
            return HyperFuture(Step::Refused(Some(Error::input(
                "address",
                &Source::Code,
                problem,
            ))));
        }
        let place = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or_default(),
            authority.map_or("", |authority| authority.as_str())
        );
        HyperFuture(Step::Sending {
            response: self.client.request(request),
            place,
        })
    }
}

/// A request on its way over a socket.
pub struct HyperFuture(Step);

enum Step {
    Refused(Option<Error>),
    Sending {
        response: ResponseFuture,
        place: String,
    },
}

impl Future for HyperFuture {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Step::Refused(error) => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
            Step::Sending { response, place } => {
                Poll::Ready(match ready!(Pin::new(response).poll(cx)) {
                    Ok(response) => Ok(response.map(Body::new)),
                    Err(error) if error.is_connect() => Err(Error::connect(place, error)),
                    Err(error) => Err(Error::transport(
                        format!("the connection to {place} failed before an answer came"),
                        error,
                    )),
                })
            }
        }
    }
}

impl fmt::Debug for HyperFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HyperFuture")
    }
}
