//! Signing in on another device (RFC 8628).
//!
//! The library's own loop for this is not used. It goes by the system's clock, which may jump and
//! which a test cannot move; it asks at once, before the user can have done anything; and it takes
//! every failure to send for a passing one and keeps the server's answers to itself.

use std::fmt;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxService, Error, HttpService, Secret, Workspace};
use http::Uri;
use oauth2::basic::BasicTokenResponse;
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};

use super::client::OAuthClient;
use super::dialect::Dialect;
use super::identity::{Identity, PUBLIC_CLIENT};
use super::server::AuthorizationServer;
use super::token_response::{read, read_refresh};
use super::tokens::Tokens;
use crate::cache::LIMIT;
use crate::environment::Environment;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The interval between polls if the server does not say: as the platform's own clients do, and as the standard
/// wants it.
const INTERVAL: Duration = Duration::from_secs(3);
const STANDARD_INTERVAL: Duration = Duration::from_secs(5);
/// The time the user has if the server does not say.
const LIFETIME: Duration = Duration::from_secs(180);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// By how much to ask less often when asked to.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Signs a person in who has a browser, here or elsewhere: it is shown an address and a code, and
/// confirms them there while the program waits.
///
/// [`from_env`](Self::from_env) and [`sign_in`](Self::sign_in) are all that it takes for the platform.
/// Any other authorization server is named by [`new`](Self::new), and [`run`](Self::run) gives its tokens:
///
/// ```no_run
/// use blaxel_auth::{AuthorizationServer, Credentials, DeviceLogin};
/// # use blaxel_core::{Error, HttpService};
///
/// # async fn example(wire: impl HttpService) -> Result<(), Error> {
/// let server = AuthorizationServer::standard("https://id.example.com/token")?
///     .with_device_endpoint("https://id.example.com/device")?;
/// let login = DeviceLogin::new(server, wire).with_client_id("my-client");
/// let tokens = login
///     .run(|prompt| println!("Open {} and confirm {}", prompt.url(), prompt.user_code()))
///     .await?;
/// let credentials = Credentials::from_tokens(tokens)?;
/// # Ok(())
/// # }
/// ```
///
/// It needs a tokio runtime with a timer.
#[derive(Clone)]
pub struct DeviceLogin {
    identity: Identity,
    server: AuthorizationServer,
    service: BoxService,
    scopes: String,
    workspace: Option<Workspace>,
    /// The deployment that the server belongs to, if it is one of the platform.
    environment: Option<Environment>,
}

impl DeviceLogin {
    /// Creates a login at this server, whose requests go through `service`; that should send them as they
    /// are: no retries, no credential, no redirects.
    ///
    /// The client is called `blaxel`, which is right for the platform, and asks for the scope
    /// `offline_access`, without which there is no refresh token.
    #[must_use]
    pub fn new(server: AuthorizationServer, service: impl HttpService) -> Self {
        Self {
            identity: Identity::public(PUBLIC_CLIENT),
            server,
            service: service.boxed(),
            scopes: "offline_access".to_owned(),
            workspace: None,
            environment: None,
        }
    }

    pub(crate) fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    pub(crate) fn environment(&self) -> Option<Environment> {
        self.environment
    }

    pub(crate) fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// Sets the client's id, as the server has registered it.
    #[must_use]
    pub fn with_client_id(mut self, id: impl Into<String>) -> Self {
        self.identity.id = id.into();
        self
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

    /// Sets the workspace to sign in to, if the user is not to choose.
    #[must_use]
    pub fn with_workspace(mut self, workspace: Workspace) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// Begins the login, shows the user the address and the code, and waits until it is confirmed.
    ///
    /// Drop the future to give up.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start) and [`PendingLogin::wait`].
    pub async fn run(&self, show: impl FnOnce(&PendingLogin)) -> Result<Tokens, Error> {
        let pending = self.start().await?;
        show(&pending);
        pending.wait().await
    }

    /// Begins the login.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the server's device endpoint is not known.
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if it refused, or its answer
    /// names no code or no safe address. A failure to reach it keeps its kind.
    pub async fn start(&self) -> Result<PendingLogin, Error> {
        let client = OAuthClient::new(
            self.identity.clone(),
            self.server.clone(),
            self.service.clone(),
        );
        let endpoint = self.server.device_endpoint()?;
        let mut form = vec![("scope", self.scopes.as_str())];
        if let Some(workspace) = &self.workspace {
            form.push(("workspace", workspace.as_str()));
        }
        let begun = async {
            let answer = client.send_form(&endpoint, &form).await?;
            let answer: Value = serde_json::from_slice(answer.body())
                .map_err(|_| Error::decode("the answer is not JSON"))?;
            PendingLogin::read(&client, &answer).map_err(Error::decode)
        };
        let host = self.server.host();
        timeout(LIMIT, begun)
            .await
            .unwrap_or_else(|_| Err(Error::timeout("token request", LIMIT)))
            .map_err(|error| {
                error.while_authenticating(format!("a device login at {host} could not begin"))
            })
    }
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("server", &self.server)
            .field("scopes", &self.scopes)
            .field("workspace", &self.workspace)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// A device login that waits for its user.
pub struct PendingLogin {
    client: OAuthClient,
    device_code: Secret,
    user_code: String,
    url: String,
    begun: Instant,
    lifetime: Duration,
    interval: Duration,
}

/// Text that may be shown on a terminal as it is.
fn printable<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let text = answer.get(name)?.as_str()?.trim();
    let shown = !text.is_empty() && !text.chars().any(char::is_control);
    shown.then_some(text)
}

fn seconds(answer: &Value, name: &str) -> Option<Duration> {
    let seconds = match answer.get(name)? {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    let time = Duration::try_from_secs_f64(seconds).ok()?;
    (!time.is_zero()).then_some(time)
}

/// Returns `true` if a browser may be sent there.
fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_local,
        _ => false,
    }
}

impl PendingLogin {
    fn read(client: &OAuthClient, answer: &Value) -> Result<Self, &'static str> {
        let device_code = Secret::from(
            printable(answer, "device_code").ok_or("the answer holds no `device_code`")?,
        );
        let url = [
            "verification_uri_complete",
            "verification_uri",
            "verification_url",
        ]
        .into_iter()
        .find_map(|name| printable(answer, name))
        .ok_or("the answer holds no `verification_uri`")?;
        if !is_safe(url) {
            return Err("the address to confirm at is not an https address");
        }
        Ok(Self {
            client: client.hiding([&device_code]),
            device_code,
            user_code: printable(answer, "user_code")
                .unwrap_or_default()
                .to_owned(),
            url: url.to_owned(),
            begun: Instant::now(),
            lifetime: seconds(answer, "expires_in")
                .unwrap_or(LIFETIME)
                .min(LONGEST_LIFETIME),
            interval: seconds(answer, "interval").unwrap_or(match client.server.dialect {
                Dialect::Blaxel => INTERVAL,
                Dialect::Standard => STANDARD_INTERVAL,
            }),
        })
    }

    /// The address at which the user confirms. If the server gives an address that holds the code already, it is
    /// that one.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The code that the user has to compare or to enter; empty if the server gave none.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// The time the user has, from the start on.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.lifetime
    }

    /// Polls the server, as often as it allows, until the user has confirmed.
    ///
    /// A failure in passing, of the server or on the way, is waited out. Drop the future to give up.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the user said no (its code
    /// is `access_denied`), if the time is over (`expired_token`, or no code if the server did not
    /// say so itself), or if the server refused otherwise.
    pub async fn wait(self) -> Result<Tokens, Error> {
        let host = self.client.server.host().to_owned();
        let deadline = self.begun + self.lifetime;
        let mut interval = self.interval;
        let mut next = Instant::now() + interval;
        loop {
            sleep_until(next.min(deadline)).await;
            if next >= deadline {
                return Err(Error::credentials(format!(
                    "nobody confirmed the sign-in at {host} within {} seconds; begin again",
                    self.lifetime.as_secs()
                )));
            }
            let error = match timeout(LIMIT, self.poll()).await {
                Ok(Ok(tokens)) => return Ok(tokens),
                Ok(Err(error)) => error,
                Err(_) => Error::timeout("token request", LIMIT),
            };
            let passing = error.is_transient()
                || error
                    .status()
                    .is_some_and(|status| status.is_server_error());
            let doing = match error.code() {
                Some("authorization_pending") => None,
                Some("slow_down") => {
                    interval += SLOW_DOWN;
                    None
                }
                Some("access_denied") => Some("was denied"),
                Some("expired_token") => Some("was not confirmed in time; begin again"),
                _ if passing => {
                    interval += SLOW_DOWN;
                    None
                }
                _ => Some("failed"),
            };
            if let Some(doing) = doing {
                return Err(error.while_authenticating(format!("the sign-in at {host} {doing}")));
            }
            let asked = error.retry_after().unwrap_or_default();
            next = Instant::now() + interval.max(asked);
        }
    }

    async fn poll(&self) -> Result<Tokens, Error> {
        let endpoint = self.client.server.token_endpoint()?;
        let form = [
            ("grant_type", GRANT),
            ("device_code", self.device_code.expose()),
        ];
        let answer = self.client.send_form(&endpoint, &form).await?;
        let answer: BasicTokenResponse =
            serde_json::from_slice(answer.body()).map_err(|problem| {
                Error::decode(if problem.is_data() {
                    "the answer is no token response"
                } else {
                    "the answer is not JSON"
                })
            })?;
        let token = read(&answer)?;
        let mut tokens = Tokens::new()
            .issued(token.secret, token.expires_in)
            .with_device_code(self.device_code.clone())
            .of_client(self.client.identity.clone());
        if let Some(refresh) = read_refresh(&answer) {
            tokens = tokens.with_refresh_token(refresh);
        }
        Ok(tokens)
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("url", &self.url)
            .field("user_code", &self.user_code)
            .field("expires_in", &self.lifetime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
