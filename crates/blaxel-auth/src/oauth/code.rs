//! Signing in through a browser: the authorization code grant with PKCE.

#[cfg(feature = "browser-login")]
mod listener;

use std::fmt;

use blaxel_core::__private::{Address, ErrorParts, MAX_MESSAGE_CHARS, one_line};
use blaxel_core::{BoxService, Error, HttpService, Secret, Source};
use http::Uri;
use oauth2::url::form_urlencoded;
use oauth2::{
    AuthUrl, AuthorizationCode, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use tokio::time::timeout;

use super::client::OAuthClient;
use super::identity::Identity;
use super::server::AuthorizationServer;
use super::token_response::{from_oauth2, read, read_refresh};
use super::tokens::Tokens;
use crate::cache::REQUEST_TIMEOUT;

/// Signs a user in through the browser on this machine, at a server that follows the standard.
///
/// The user is sent to an address of the server, signs in there, and is redirected to an address of the
/// program with a code, which is exchanged for tokens. PKCE (S256) is always used, so that the code is of
/// no use to anyone else.
///
/// This type does it in two steps, and the program receives the redirect itself. With the feature
/// `browser-login`, `run` listens for the redirect on this machine.
///
/// The platform's API is not known to serve this grant; its sign-in server does. For the API, use a
/// [`DeviceLogin`](crate::DeviceLogin).
///
/// ```no_run
/// use blaxel_auth::{AuthorizationServer, BrowserLogin, Credentials};
/// # use blaxel_core::{Error, HttpService};
///
/// # async fn example(transport: impl HttpService) -> Result<(), Error> {
/// let server = AuthorizationServer::discover("https://signin.blaxel.ai", &transport).await?;
/// let login = BrowserLogin::new(server, transport, "my-client");
/// let pending = login.begin("http://127.0.0.1:8123/callback")?;
/// println!("Open {}", pending.url());
/// # let redirected = String::new();
/// // When the browser has been redirected to, say, /callback?code=abc&state=xyz:
/// let tokens = pending.finish(&redirected).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BrowserLogin {
    identity: Identity,
    server: AuthorizationServer,
    service: BoxService,
    scopes: String,
}

impl BrowserLogin {
    /// Creates a login of the client `client_id` at a server. The requests are sent over `service`, which
    /// should send them unchanged: without retries, credentials or redirects.
    ///
    /// The requested scopes are `openid` and `offline_access`. Without the latter there is no refresh token.
    pub fn new(
        server: AuthorizationServer,
        service: impl HttpService,
        client_id: impl Into<String>,
    ) -> Self {
        Self {
            identity: Identity::public(client_id),
            server,
            service: service.boxed(),
            scopes: "openid offline_access".to_owned(),
        }
    }

    /// Sets the client's secret, for a server that has issued one. None by default, as for a public client.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.identity.secret = Some(secret.into());
        self
    }

    /// Sets the scopes to request, separated by spaces. The default is `openid offline_access`.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl Into<String>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Starts a login: creates its state, its PKCE verifier and the address to open. Nothing is sent yet.
    ///
    /// `redirect_to` is the address of the program to which the server redirects the browser.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the authorization endpoint of the server is unknown, if the server declares that
    /// it does not support PKCE with S256, or if `redirect_to` is not an address or has a fragment.
    pub fn begin(&self, redirect_to: &str) -> Result<PendingRedirect, Error> {
        let invalid = |what: &'static str| {
            move |problem: oauth2::url::ParseError| Error::input(what, &Source::Code, problem)
        };
        let endpoint = self.server.authorization_endpoint()?.to_string();
        let endpoint = AuthUrl::new(endpoint).map_err(invalid("authorization endpoint"))?;
        check_redirect(redirect_to)?;
        let redirect = RedirectUrl::new(redirect_to.to_owned()).map_err(invalid("redirect URL"))?;
        let client = OAuthClient::new(
            self.identity.clone(),
            self.server.clone(),
            self.service.clone(),
        );
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let grants = client.grants()?.set_auth_uri(endpoint);
        let scopes = self.scopes.split_ascii_whitespace();
        let mut request = grants.authorize_url(CsrfToken::new_random);
        // OpenID Connect issues a refresh token only to clients that ask for the user's consent.
        let requests = |scope: &str| self.scopes.split_ascii_whitespace().any(|one| one == scope);
        if requests("openid") && requests("offline_access") {
            request = request.add_extra_param("prompt", "consent");
        }
        let (url, state) = request
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&redirect))
            .url();
        Ok(PendingRedirect {
            client,
            url: url.into(),
            state,
            verifier,
            redirect,
        })
    }
}

impl fmt::Debug for BrowserLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserLogin")
            .field("server", &self.server)
            .field("client_id", &self.identity.id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Checks the address that a browser is redirected to. It may have a scheme of the program's own (RFC 8252).
fn check_redirect(to: &str) -> Result<(), Error> {
    let scheme = to.split(':').next().unwrap_or_default().trim();
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    let invalid = |problem: &dyn fmt::Display| Error::input("redirect URL", &Source::Code, problem);
    if is_web {
        Address::read(to)
            .map(drop)
            .map_err(|problem| invalid(&problem))
    } else if to.contains('#') {
        Err(invalid(&"it has a fragment"))
    } else {
        Ok(())
    }
}

/// A login that waits for the redirect of the browser.
pub struct PendingRedirect {
    client: OAuthClient,
    url: String,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    redirect: RedirectUrl,
}

/// The parameters of the redirect.
#[derive(Default)]
struct RedirectParams {
    code: Option<Secret>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl RedirectParams {
    fn parse(redirected: &str) -> Self {
        let (_, query) = redirected.split_once('?').unwrap_or_default();
        let query = query.split('#').next().unwrap_or_default();
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "code" => params.code = Some(value.into()),
                "state" => params.state = Some(value),
                "iss" => params.issuer = Some(value),
                "error" => params.error = Some(value),
                "error_description" => params.description = Some(value),
                _ => {}
            }
        }
        params
    }
}

impl PendingRedirect {
    /// Returns the address of the server to open in the browser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns `true` if an address that the browser was redirected to belongs to this login. Any page can
    /// redirect a browser to the program; ignore requests without the state of this login.
    ///
    /// ```
    /// # fn example(pending: &blaxel_auth::PendingRedirect) {
    /// let is_ours = pending.matches("/callback?code=abc&state=xyz");
    /// # }
    /// ```
    #[must_use]
    pub fn matches(&self, redirected: &str) -> bool {
        RedirectParams::parse(redirected).state.as_ref() == Some(self.state.secret())
    }

    /// Exchanges the code for tokens. `redirected` is the address that the browser was redirected to, or just
    /// its path and query.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the redirect does not belong to this
    /// login, if the user or the server denied it, or if the server refused the code. A failure to reach the
    /// server keeps its kind.
    pub async fn finish(self, redirected: &str) -> Result<Tokens, Error> {
        let host = self.client.server.host().to_owned();
        let failed =
            |problem: &str| Error::credentials(format!("the sign-in at {host} failed: {problem}"));
        let params = RedirectParams::parse(redirected);
        if params.state.as_ref() != Some(self.state.secret()) {
            return Err(failed("the redirect belongs to another login"));
        }
        if !self.client.server.is_issuer(params.issuer.as_deref()) {
            return Err(failed("the redirect came from another server"));
        }
        if let Some(error) = params.error {
            let description = params.description.unwrap_or_default();
            return Err(failed(&one_line(
                &format!("{error} {description}"),
                MAX_MESSAGE_CHARS,
            )));
        }
        let Some(code) = params.code else {
            return Err(failed("the redirect has no code"));
        };
        let client = self.client.redacting([&code]);
        let exchanged = async {
            let response = client
                .grants()?
                .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
                .set_pkce_verifier(self.verifier)
                .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect))
                .request_async(&client)
                .await
                .map_err(from_oauth2)?;
            Ok::<_, Error>((read(&response), read_refresh(&response)))
        };
        let (token, refresh) = timeout(REQUEST_TIMEOUT, exchanged)
            .await
            .unwrap_or_else(|_| Err(Error::timeout("token request", REQUEST_TIMEOUT)))
            .map_err(|error| error.while_authenticating(format!("the sign-in at {host} failed")))?;
        let mut tokens = Tokens::new()
            .issued(token.secret, token.expires_in)
            .of_client(self.client.identity);
        if let Some(refresh) = refresh {
            tokens = tokens.with_refresh_token(refresh);
        }
        Ok(tokens)
    }
}

impl fmt::Debug for PendingRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.parse::<Uri>().ok();
        f.debug_struct("PendingRedirect")
            .field("host", &host.as_ref().and_then(Uri::host))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
