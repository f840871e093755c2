//! The endpoints of an authorization server.

use std::fmt;

use blaxel_core::__private::{self as core, MAX_MESSAGE_CHARS, one_line};
use blaxel_core::{BaseUrl, Error, Source};
use http::Uri;

use super::dialect::Dialect;

/// An OAuth 2.0 authorization server: its endpoints and its dialect.
///
/// The platform's own server is created from the address of the API, any other one from its endpoints. An
/// address must begin with `https`, or with `http` on this machine.
///
/// ```
/// use blaxel_auth::AuthorizationServer;
/// use blaxel_core::BaseUrl;
///
/// let api = "https://api.blaxel.ai/v0".parse::<BaseUrl>()?;
/// assert_eq!(AuthorizationServer::blaxel(&api).host(), "api.blaxel.ai");
///
/// let other = AuthorizationServer::standard("https://id.example.com/oauth2/token")?
///     .with_device_endpoint("https://id.example.com/oauth2/device_authorization")?;
/// assert_eq!(other.host(), "id.example.com");
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthorizationServer {
    pub(super) dialect: Dialect,
    issuer: Option<String>,
    token: Address,
    device: Option<Address>,
    authorization: Option<Address>,
    supports_pkce: bool,
    /// `true` if every redirect of the server names its issuer.
    names_issuer: bool,
    /// The methods by which a client may authenticate at the token endpoint, if the server has named them.
    client_methods: Option<Vec<String>>,
}

/// The address of an endpoint.
#[derive(Clone)]
pub(super) enum Address {
    Under(BaseUrl, &'static str),
    Exact(core::Address),
}

impl Address {
    /// Reads the address of an endpoint; `what` is its name in the error.
    fn read(what: &str, text: &str, source: &Source) -> Result<Self, Error> {
        core::Address::read_secure(text)
            .map(Self::Exact)
            .map_err(|problem| Error::input(what, source, problem))
    }

    pub(super) fn uri(&self) -> Result<Uri, Error> {
        match self {
            Self::Under(base, path) => base.join(path),
            Self::Exact(address) => Ok(address.uri().clone()),
        }
    }

    fn host(&self) -> &str {
        match self {
            Self::Under(base, _) => base.host(),
            Self::Exact(address) => address.host(),
        }
    }
}

impl AuthorizationServer {
    /// Returns the platform's own server, under the address of its control plane.
    #[must_use]
    pub fn blaxel(api_base: &BaseUrl) -> Self {
        Self::under(api_base, Dialect::Blaxel)
    }

    pub(crate) fn under(base: &BaseUrl, dialect: Dialect) -> Self {
        Self {
            dialect,
            issuer: None,
            authorization: None,
            supports_pkce: true,
            names_issuer: false,
            client_methods: None,
            token: Address::Under(base.clone(), "/oauth/token"),
            device: Some(Address::Under(base.clone(), "/login/device")),
        }
    }

    /// Creates a server that follows the standard, from its token endpoint.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if that is not an `https` address, or an `http` address on this machine.
    pub fn standard(token_endpoint: &str) -> Result<Self, Error> {
        Self::standard_from(token_endpoint, &Source::Code)
    }

    pub(super) fn standard_from(token_endpoint: &str, source: &Source) -> Result<Self, Error> {
        Ok(Self {
            dialect: Dialect::Standard,
            issuer: None,
            token: Address::read("token endpoint", token_endpoint, source)?,
            device: None,
            authorization: None,
            supports_pkce: true,
            names_issuer: false,
            client_methods: None,
        })
    }

    /// Sets the endpoint at which a device login starts (RFC 8628). None by default: a device login then fails
    /// before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if that is not an `https` address, or an `http` address on this machine.
    pub fn with_device_endpoint(self, endpoint: &str) -> Result<Self, Error> {
        self.with_device_endpoint_from(endpoint, &Source::Code)
    }

    pub(super) fn with_device_endpoint_from(
        mut self,
        endpoint: &str,
        source: &Source,
    ) -> Result<Self, Error> {
        self.device = Some(Address::read("device endpoint", endpoint, source)?);
        Ok(self)
    }

    /// Sets the endpoint that the browser of a user is sent to. None by default: a browser login then fails
    /// before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if that is not an `https` address, or an `http` address on this machine.
    pub fn with_authorization_endpoint(self, endpoint: &str) -> Result<Self, Error> {
        self.with_authorization_endpoint_from(endpoint, &Source::Code)
    }

    pub(super) fn with_authorization_endpoint_from(
        mut self,
        endpoint: &str,
        source: &Source,
    ) -> Result<Self, Error> {
        self.authorization = Some(Address::read("authorization endpoint", endpoint, source)?);
        Ok(self)
    }

    pub(super) fn with_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    pub(super) fn without_pkce(mut self) -> Self {
        self.supports_pkce = false;
        self
    }

    pub(super) fn naming_issuer(mut self) -> Self {
        self.names_issuer = true;
        self
    }

    pub(super) fn with_client_methods(mut self, methods: Vec<String>) -> Self {
        self.client_methods = Some(methods);
        self
    }

    /// Returns `true` if a redirect that names an issuer, or none, can be from this server (RFC 9207).
    pub(super) fn is_issuer(&self, named: Option<&str>) -> bool {
        match (&self.issuer, named) {
            (Some(issuer), Some(named)) => issuer == named,
            (_, None) => !self.names_issuer,
            (None, Some(_)) => true,
        }
    }

    /// Returns `true` if the secret of a client must be sent in the body of a request. The `Basic` header is the
    /// default (RFC 8414).
    pub(super) fn requires_secret_in_body(&self) -> Result<bool, Error> {
        let Some(methods) = &self.client_methods else {
            return Ok(false);
        };
        let accepts = |method: &str| methods.iter().any(|one| one == method);
        if accepts("client_secret_basic") {
            Ok(false)
        } else if accepts("client_secret_post") {
            Ok(true)
        } else {
            let methods = one_line(&methods.join(", "), MAX_MESSAGE_CHARS);
            Err(self.unsupported(&format!(
                "it accepts a client's secret neither by client_secret_basic nor by client_secret_post, only \
                 the methods: {methods}"
            )))
        }
    }

    /// Returns the host of the token endpoint.
    #[must_use]
    pub fn host(&self) -> &str {
        self.token.host()
    }

    pub(super) fn token_endpoint(&self) -> Result<Uri, Error> {
        self.token.uri()
    }

    pub(super) fn device_endpoint(&self) -> Result<Uri, Error> {
        match &self.device {
            Some(address) => address.uri(),
            None => Err(self.unsupported("its device endpoint is unknown")),
        }
    }

    pub(super) fn authorization_endpoint(&self) -> Result<Uri, Error> {
        match &self.authorization {
            Some(_) if !self.supports_pkce => {
                Err(self.unsupported("it does not support PKCE with S256"))
            }
            Some(address) => address.uri(),
            None => Err(self.unsupported("its authorization endpoint is unknown")),
        }
    }

    fn unsupported(&self, problem: &str) -> Error {
        let host = self.host();
        Error::input(
            &format!("authorization server {host}"),
            &Source::Code,
            problem,
        )
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("host", &self.host())
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}
