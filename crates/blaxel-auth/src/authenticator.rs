//! Turns credentials into the authentication header of requests.

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

/// Provides the value of the authentication header for each request.
///
/// The value is `Bearer` and an API key or token, marked as sensitive. The transport sends it as
/// `X-Blaxel-Authorization`; the API accepts `Authorization` too, but never send both.
///
/// Clones are cheap and share all state. An API key or access token is turned into a header value once: there
/// is no lock and no task. Client credentials and refresh tokens are exchanged for access tokens, and a
/// function is called for them, by these rules:
///
/// - No token is fetched before the first one is needed, and a single request fetches it for all waiting
///   callers.
/// - A token is renewed in the background, while it is still in use, during the last fifth of its lifetime, or
///   the last 60 seconds if that is longer, but never before half of its lifetime has passed. A random offset
///   keeps processes that started together from renewing at the same time. If the renewal fails, the token is
///   used until it expires.
/// - After a failed token request, no other is sent for 5 seconds, or for as long as the server asks, up to 60
///   seconds; after a refusal of the credentials, for 30 seconds. Callers get the same error in the meantime.
/// - A token that is [refused](Self::invalidate) is replaced. If the next one is refused too, it is used for
///   another 30 seconds before it is replaced, so that calls which are always refused cost few token requests.
/// - A token request times out after 30 seconds. A caller that stops waiting does not affect the others.
/// - A refused refresh token is never sent again. The authenticator continues once a `TokenStore` has another
///   one.
/// - The exchange of a refresh token always runs to its end, even if all callers stop waiting, so that a
///   refresh token which replaces the old one is not lost.
/// - The lifetime of a token is the `expires_in` of the response; without it, the lifetime in the token itself
///   if that is a JWT; otherwise 5 minutes.
///
/// A token request runs as a tokio task, which ends when the last clone is dropped. Outside of a runtime it
/// runs in the first future that waits for it, without the time limit, and tokens are not renewed before they
/// expire. A runtime must have its timer enabled.
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
    /// Creates an authenticator for `credentials`. Nothing is sent yet.
    ///
    /// Tokens are requested from `oauth/token` under `api_base`, the address of the control plane, over
    /// `service`. The service should send requests unchanged: without retries, credentials or redirects.
    ///
    /// ```
    /// use blaxel_auth::{Authenticator, Credentials};
    /// use blaxel_core::{BaseUrl, Error, HttpService};
    ///
    /// fn authenticator(transport: impl HttpService) -> Result<Authenticator, Error> {
    ///     let credentials = Credentials::api_key("bl_example")?;
    ///     let api = "https://api.blaxel.ai/v0".parse::<BaseUrl>()?;
    ///     Ok(Authenticator::new(&credentials, &api, transport))
    /// }
    /// ```
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

    /// Creates an authenticator as [`new`](Self::new) does, for a token endpoint that uses another dialect of
    /// OAuth 2.0.
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

    /// Creates an authenticator as [`new`](Self::new) does, with tokens of any authorization server.
    ///
    /// ```
    /// use blaxel_auth::{Authenticator, AuthorizationServer, Credentials};
    /// # use blaxel_core::{Error, HttpService};
    ///
    /// # fn example(service: impl HttpService) -> Result<(), Error> {
    /// let server = AuthorizationServer::standard("https://id.example.com/oauth2/token")?;
    /// let credentials = Credentials::client_credentials("id", "secret")?;
    /// let authenticator = Authenticator::with_server(&credentials, &server, service);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Returns the header value if it is available without waiting, or `None` if a token must be fetched
    /// first. May start the renewal of a token in the background.
    #[must_use]
    pub fn ready(&self) -> Option<HeaderValue> {
        match &self.method {
            Method::Fixed(header) => Some(header.clone()),
            #[cfg(feature = "oauth")]
            Method::Tokens(cache) => cache.ready(),
        }
    }

    /// Returns the header value, after fetching a token if necessary.
    ///
    /// The future may be dropped at any time.
    ///
    /// ```
    /// # async fn example(authenticator: blaxel_auth::Authenticator) -> Result<(), blaxel_core::Error> {
    /// let header = match authenticator.ready() {
    ///     Some(header) => header,
    ///     None => authenticator.header().await?,
    /// };
    /// let mut request = http::Request::get("https://api.blaxel.ai/v0/agents").body(()).unwrap();
    /// request.headers_mut().insert("x-blaxel-authorization", header.clone());
    ///
    /// // After a 401:
    /// if authenticator.invalidate(&header) {
    ///     let next = authenticator.header().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the token endpoint refused the
    /// credentials or sent no usable response; the error has the status, code and message of a refusal. A
    /// failure to reach the endpoint keeps its kind. The message names the kind of credential, its source and
    /// the host of the endpoint. In any case the request that was to carry the header counts as not sent.
    pub async fn header(&self) -> Result<HeaderValue, Error> {
        match &self.method {
            Method::Fixed(header) => Ok(header.clone()),
            #[cfg(feature = "oauth")]
            Method::Tokens(cache) => cache.header().await,
        }
    }

    /// Returns the header value as [`header`](Self::header) does, as a `'static` future.
    #[must_use]
    pub fn header_owned(self) -> BoxFuture<Result<HeaderValue, Error>> {
        Box::pin(async move { self.header().await })
    }

    /// Drops the token in a header value that the server refused, if it is still the current one.
    ///
    /// Returns `true` if [`header`](Self::header) may now return another value. It never does for API keys and
    /// access tokens, nor shortly after a token request failed, nor for a token that replaced a refused one less
    /// than 30 seconds ago.
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
