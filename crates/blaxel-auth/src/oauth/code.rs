//! Signing in through a browser: the authorization code grant with PKCE.

#[cfg(feature = "browser-login")]
mod listener;

use std::fmt;

use blaxel_core::__private::ErrorParts;
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
use super::token_response::{own, read, read_refresh};
use super::tokens::Tokens;
use crate::cache::LIMIT;

/// Signs a person in through the browser of this machine, at a server as the standard wants it.
///
/// The person is sent to an address of the server, signs in there, and is sent back to an address of
/// the program's own with a code, which is exchanged for tokens. PKCE (S256) is always used, so that
/// the code is of no use to anyone else.
///
/// This type does it in two steps and leaves it to the program to be sent the person back. With the
/// feature `browser-login`, `run` listens for that on this machine.
///
/// The platform's API itself is not known to serve this grant; its sign-in server does. At the API,
/// use a [`DeviceLogin`](crate::DeviceLogin).
///
/// ```no_run
/// use blaxel_auth::{AuthorizationServer, BrowserLogin, Credentials};
/// # use blaxel_core::{Error, HttpService};
///
/// # async fn example(wire: impl HttpService) -> Result<(), Error> {
/// let server = AuthorizationServer::discover("https://signin.blaxel.ai", &wire).await?;
/// let login = BrowserLogin::new(server, wire, "my-client");
/// let pending = login.begin("http://127.0.0.1:8123/callback")?;
/// println!("Open {}", pending.url());
/// # let redirected = String::new();
/// // When the browser has been sent to, say, /callback?code=abc&state=xyz:
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
    /// Creates a login at this server, of a client with this id. The requests go through `service`; that
    /// should send them as they are: no retries, no credential, no redirects.
    ///
    /// The scopes asked for are `openid` and `offline_access`, without which there is no refresh
    /// token.
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

    /// Sets the client's secret, for a server that has given it one.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.identity.secret = Some(secret.into());
        self
    }

    /// Sets the scopes to ask for, with a space between one and the next.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl Into<String>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Makes up what this login is known by. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the server's authorization endpoint is not known, if it says that it
    /// does not take PKCE with S256, or if the address to be sent back to is none.
    pub fn begin(&self, redirect_to: &str) -> Result<PendingRedirect, Error> {
        let invalid = |what: &'static str| {
            move |problem: oauth2::url::ParseError| Error::input(what, &Source::Code, problem)
        };
        let endpoint = self.server.authorization_endpoint()?.to_string();
        let endpoint = AuthUrl::new(endpoint).map_err(invalid("authorization endpoint"))?;
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
        // OpenID Connect gives a refresh token only to those who say that the person shall agree.
        let asks_for = |scope: &str| self.scopes.split_ascii_whitespace().any(|one| one == scope);
        if asks_for("openid") && asks_for("offline_access") {
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

/// A login that waits for the browser to come back.
pub struct PendingRedirect {
    client: OAuthClient,
    url: String,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    redirect: RedirectUrl,
}

/// The answer that a browser brings back.
#[derive(Default)]
struct Answer {
    code: Option<Secret>,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Answer {
    fn read(redirected: &str) -> Self {
        let (_, query) = redirected.split_once('?').unwrap_or_default();
        let query = query.split('#').next().unwrap_or_default();
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "code" => answer.code = Some(value.into()),
                "state" => answer.state = Some(value),
                "iss" => answer.issuer = Some(value),
                "error" => answer.error = Some(value),
                "error_description" => answer.description = Some(value),
                _ => {}
            }
        }
        answer
    }
}

/// The part of a foreign text that may be shown on a terminal.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl PendingRedirect {
    /// The address of the server to open in the browser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns `true` if an address that a browser was sent to is the answer to this login. Any page can send
    /// a browser to the program; what does not carry this login's state is to be passed over.
    #[must_use]
    pub fn is_answered_by(&self, redirected: &str) -> bool {
        Answer::read(redirected).state.as_ref() == Some(self.state.secret())
    }

    /// Exchanges the code for tokens. `redirected` is the address that the browser was sent to, or
    /// just its path and query.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if it is not the answer to
    /// this login, if the person or the server said no, or if the server refused the code. A
    /// failure to reach it keeps its kind.
    pub async fn finish(self, redirected: &str) -> Result<Tokens, Error> {
        let host = self.client.server.host().to_owned();
        let failed =
            |problem: &str| Error::credentials(format!("the sign-in at {host} failed: {problem}"));
        let answer = Answer::read(redirected);
        if answer.state.as_ref() != Some(self.state.secret()) {
            return Err(failed("what the browser brought belongs to another one"));
        }
        if !self.client.server.is_issuer(answer.issuer.as_deref()) {
            return Err(failed("the browser was sent back by another server"));
        }
        if let Some(error) = answer.error {
            let description = answer.description.unwrap_or_default();
            return Err(failed(shown(&format!("{error} {description}")).trim()));
        }
        let Some(code) = answer.code else {
            return Err(failed("the browser brought no code"));
        };
        let client = self.client.hiding([&code]);
        let exchanged = async {
            let answer = client
                .grants()?
                .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
                .set_pkce_verifier(self.verifier)
                .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect))
                .request_async(&client)
                .await
                .map_err(own)?;
            Ok((read(&answer)?, read_refresh(&answer)))
        };
        let (token, refresh) = timeout(LIMIT, exchanged)
            .await
            .unwrap_or_else(|_| Err(Error::timeout("token request", LIMIT)))
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
