//! Credentials at work.

use std::fmt;
#[cfg(feature = "oauth")]
use std::sync::Arc;

use blaxel_core::{BaseUrl, BoxFuture, Error, HttpService};
use http::HeaderValue;

#[cfg(feature = "oauth")]
use crate::cache::TokenCache;
use crate::credentials::{Credentials, Grant};
#[cfg(feature = "oauth")]
use crate::oauth::{AuthorizationServer, ClientGrant, Dialect, Identity, RefreshGrant};

/// Gives each request the value of its authentication header.
///
/// The value is `Bearer` and an API key or token, marked as sensitive. The transport sends it as
/// `X-Blaxel-Authorization`; `Authorization` is accepted too, but never both.
///
/// A clone is cheap and shares everything. An API key or access token is a value that is prepared
/// once: no lock, no task. Client credentials and refresh tokens are exchanged for access tokens,
/// and functions asked for them, by these rules:
///
/// - No token is fetched before the first is needed, and one request fetches it for all who wait.
/// - In the last fifth of its lifetime, or the last 60 seconds if that is longer, but never more
///   than half of it, a token is renewed in the background while it still serves. Processes that
///   began together do so at slightly different times. If it fails, the token serves until it
///   expires.
/// - A failed request is not repeated for 5 seconds, or as long as the server asks for, up to 60; a
///   refusal of the credentials not for 30. Who asks meanwhile is told of the same failure.
/// - A token request has 30 seconds. Who stops waiting for it stops nobody else.
/// - A refused refresh token is not sent again at all. Only when a [`TokenStore`](crate::TokenStore)
///   holds another one does it go on.
/// - An exchange of a refresh token is carried to its end even if everyone stops waiting, so that a
///   token which takes the place of the old one is not lost.
/// - The lifetime is the answer's `expires_in`, else what the token says of itself if it is a JWT,
///   else 5 minutes.
///
/// A request for a token runs as a tokio task, which ends when the last clone is gone. Where no
/// runtime is at hand it runs in the first future that waits for it, without the time limit, and
/// tokens are not renewed before they expire. A runtime must have its timer enabled.
#[derive(Clone)]
pub struct Authenticator {
    method: Method,
}

#[derive(Clone)]
enum Method {
    Fixed(HeaderValue),
    #[cfg(feature = "oauth")]
    Tokens(TokenCache),
}

impl Authenticator {
    /// Puts credentials to work. Nothing is sent yet.
    ///
    /// Tokens are fetched from `oauth/token` under `api_base`, the control plane's address, by
    /// `service`. That should send requests as they are: no retries, no credential, no redirects.
    #[must_use]
    pub fn new(credentials: &Credentials, api_base: &BaseUrl, service: impl HttpService) -> Self {
        #[cfg(feature = "oauth")]
        return Self::with_server(credentials, &AuthorizationServer::blaxel(api_base), service);
        #[cfg(not(feature = "oauth"))]
        {
            let _ = (api_base, service);
            let Grant::Bearer { header, .. } = credentials.grant();
            Self {
                method: Method::Fixed(header.clone()),
            }
        }
    }

    /// As [`new`](Self::new), for a token endpoint that speaks another dialect of OAuth 2.0.
    #[cfg(feature = "oauth")]
    #[must_use]
    pub fn with_dialect(
        credentials: &Credentials,
        api_base: &BaseUrl,
        service: impl HttpService,
        dialect: Dialect,
    ) -> Self {
        let server = AuthorizationServer::under(api_base, dialect);
        Self::with_server(credentials, &server, service)
    }

    /// As [`new`](Self::new), with the tokens of any authorization server.
    #[cfg(feature = "oauth")]
    #[must_use]
    pub fn with_server(
        credentials: &Credentials,
        server: &AuthorizationServer,
        service: impl HttpService,
    ) -> Self {
        let source = credentials.source();
        let cache = match credentials.grant() {
            Grant::Bearer { header, .. } => {
                return Self {
                    method: Method::Fixed(header.clone()),
                };
            }
            Grant::Client {
                id,
                secret,
                in_body,
            } => {
                let identity = Identity {
                    id: id.clone(),
                    secret: Some(secret.clone()),
                    in_body: *in_body,
                };
                let grant = ClientGrant::new(identity, source, server.clone(), service.boxed());
                TokenCache::new(grant)
            }
            Grant::Refresh(sign_in) => {
                let sign_in = Arc::clone(sign_in);
                let grant = RefreshGrant::new(sign_in, source, server.clone(), service.boxed());
                TokenCache::new(grant)
            }
            Grant::Function(function) => TokenCache::new(function.clone()),
        };
        Self {
            method: Method::Tokens(cache),
        }
    }

    /// The header's value if it is at hand, without waiting; `None` if a token must be fetched
    /// first. It may start the renewal of a token in the background.
    #[must_use]
    pub fn ready(&self) -> Option<HeaderValue> {
        match &self.method {
            Method::Fixed(header) => Some(header.clone()),
            #[cfg(feature = "oauth")]
            Method::Tokens(cache) => cache.ready(),
        }
    }

    /// The header's value, after waiting for a token if none is at hand.
    ///
    /// The future may be dropped at any time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the token endpoint
    /// refused or gave no usable answer; status, code and message of a refusal can be read from
    /// it. A failure to reach the endpoint keeps its kind. The message names the kind of
    /// credential, where it came from and the endpoint's host. In any case the request that was to
    /// carry the header counts as not sent.
    pub async fn header(&self) -> Result<HeaderValue, Error> {
        match &self.method {
            Method::Fixed(header) => Ok(header.clone()),
            #[cfg(feature = "oauth")]
            Method::Tokens(cache) => cache.header().await,
        }
    }

    /// As [`header`](Self::header), as a future that owns what it needs.
    #[must_use]
    pub fn header_owned(self) -> BoxFuture<Result<HeaderValue, Error>> {
        Box::pin(async move { self.header().await })
    }

    /// Forgets the token in a header's value that the server refused, if it is still the current
    /// one.
    ///
    /// Returns whether [`header`](Self::header) may give another value now. It never does for API
    /// keys and access tokens, nor shortly after a token could not be fetched.
    #[must_use]
    pub fn invalidate(&self, used: &HeaderValue) -> bool {
        match &self.method {
            Method::Fixed(_) => {
                let _ = used;
                false
            }
            #[cfg(feature = "oauth")]
            Method::Tokens(cache) => cache.invalidate(used),
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.method {
            Method::Fixed(_) => "Authenticator(fixed)",
            #[cfg(feature = "oauth")]
            Method::Tokens(_) => "Authenticator(tokens)",
        })
    }
}
