//! Signing in on another device (RFC 8628).
//!
//! The polling loop of the `oauth2` crate is not used, for three reasons: it uses the system clock, which may
//! jump and which a test cannot move; it polls at once, before the user can have confirmed; and it treats
//! every failure to send as transient, and does not return the server's errors.

use std::fmt;
use std::time::Duration;

use blaxel_core::__private::{Address, ErrorParts, duration, later};
use blaxel_core::{BoxService, Error, HttpService, Secret, Workspace};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::seconds;
use super::client::OAuthClient;
use super::dialect::Dialect;
use super::identity::{Identity, PUBLIC_CLIENT};
use super::server::AuthorizationServer;
use super::token_response::{read, read_refresh};
use super::tokens::Tokens;
use crate::cache::REQUEST_TIMEOUT;
use crate::environment::Environment;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The polling interval of the platform if the server does not set one, as in the platform's own clients.
const BLAXEL_INTERVAL: Duration = Duration::from_secs(3);
/// The polling interval of other servers if they do not set one, as in RFC 8628.
const STANDARD_INTERVAL: Duration = Duration::from_secs(5);
/// The minimum polling interval, whatever the server sets.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The time to confirm if the server does not set one.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(180);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The increase of the polling interval after `slow_down`.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Signs in a user who has a browser on any device: the user opens an address and confirms a code there,
/// while the program waits.
///
/// For the platform, use [`from_env`](Self::from_env) and [`sign_in`](Self::sign_in). For any other
/// authorization server, use [`new`](Self::new) and [`run`](Self::run), which returns its tokens:
///
/// ```no_run
/// use blaxel_auth::{AuthorizationServer, Credentials, DeviceLogin};
/// # use blaxel_core::{Error, HttpService};
///
/// # async fn example(transport: impl HttpService) -> Result<(), Error> {
/// let server = AuthorizationServer::standard("https://id.example.com/token")?
///     .with_device_endpoint("https://id.example.com/device")?;
/// let login = DeviceLogin::new(server, transport).with_client_id("my-client");
/// let tokens = login
///     .run(|prompt| println!("Open {} and confirm {}", prompt.url(), prompt.user_code()))
///     .await?;
/// let credentials = Credentials::from_tokens(tokens)?;
/// # Ok(())
/// # }
/// ```
///
/// This requires a tokio runtime with its timer enabled.
#[derive(Clone)]
pub struct DeviceLogin {
    identity: Identity,
    server: AuthorizationServer,
    service: BoxService,
    scopes: String,
    workspace: Option<Workspace>,
    /// The deployment of the platform that the server belongs to, if any.
    environment: Option<Environment>,
}

impl DeviceLogin {
    /// Creates a login at a server. The requests are sent over `service`, which should send them unchanged:
    /// without retries, credentials or redirects.
    ///
    /// The client id is `blaxel`, as the platform requires, and the requested scope is `offline_access`,
    /// without which there is no refresh token.
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

    /// Sets the client id that is registered at the server. The default is `blaxel`.
    #[must_use]
    pub fn with_client_id(mut self, id: impl Into<String>) -> Self {
        self.identity.id = id.into();
        self
    }

    /// Sets the client's secret, for a server that has issued one. None by default, as for a public client.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.identity.secret = Some(secret.into());
        self
    }

    /// Sets the scopes to request, separated by spaces. The default is `offline_access`.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl Into<String>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Sets the workspace to sign in to. By default the user chooses one.
    #[must_use]
    pub fn with_workspace(mut self, workspace: Workspace) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// Starts the login, shows the user the address and the code, and waits until the user has confirmed.
    ///
    /// Drop the future to cancel.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start) and [`PendingLogin::wait`].
    pub async fn run(&self, show: impl FnOnce(&PendingLogin)) -> Result<Tokens, Error> {
        let pending = self.start().await?;
        show(&pending);
        pending.wait().await
    }

    /// Starts the login.
    ///
    /// ```no_run
    /// # async fn example(login: blaxel_auth::DeviceLogin) -> Result<(), blaxel_core::Error> {
    /// let pending = login.start().await?;
    /// println!("Open {} and confirm {}", pending.url(), pending.user_code());
    /// println!("You have {} seconds.", pending.expires_in().as_secs());
    /// let tokens = pending.wait().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the device endpoint of the server is unknown.
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the server refused, or if its
    /// response has no code or no safe address. A failure to reach the server keeps its kind.
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
        let started = async {
            let response = client.send_form(&endpoint, &form).await?;
            PendingLogin::read(&client, &response).map_err(Error::decode)
        };
        let host = self.server.host();
        timeout(REQUEST_TIMEOUT, started)
            .await
            .unwrap_or_else(|_| Err(Error::timeout("token request", REQUEST_TIMEOUT)))
            .map_err(|error| {
                error.while_authenticating(format!("the device login at {host} could not start"))
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

/// A device login that waits for the user.
pub struct PendingLogin {
    client: OAuthClient,
    device_code: Secret,
    user_code: String,
    url: String,
    started: Instant,
    lifetime: Duration,
    interval: Duration,
}

/// Returns a member of the response that can be printed on a terminal.
fn printable(response: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match response.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let shown = !text.is_empty() && !text.chars().any(char::is_control);
    shown.then_some(text)
}

/// Returns a time that the server has set, up to the longest one.
fn time(response: &Map<String, Value>, name: &str) -> Option<Duration> {
    let seconds = seconds(response, name)?.min(MAX_LIFETIME.as_secs_f64());
    Duration::try_from_secs_f64(seconds).ok()
}

/// Returns `true` if a browser may be sent to the address. A browser sends no fragment, and some
/// sign-in pages have one.
fn is_safe(url: &str) -> bool {
    let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
    fragment.bytes().all(|byte| byte.is_ascii_graphic()) && Address::read_secure(address).is_ok()
}

impl PendingLogin {
    fn read(client: &OAuthClient, response: &Map<String, Value>) -> Result<Self, &'static str> {
        let device_code = Secret::from(
            printable(response, "device_code").ok_or("the response has no `device_code`")?,
        );
        let url = [
            "verification_uri_complete",
            "verification_uri",
            "verification_url",
        ]
        .into_iter()
        .find_map(|name| printable(response, name))
        .ok_or("the response has no `verification_uri`")?;
        if !is_safe(&url) {
            return Err("the address for the confirmation is not an https address");
        }
        Ok(Self {
            client: client.redacting([&device_code]),
            device_code,
            user_code: printable(response, "user_code").unwrap_or_default(),
            url,
            started: Instant::now(),
            lifetime: time(response, "expires_in").unwrap_or(DEFAULT_LIFETIME),
            interval: time(response, "interval")
                .unwrap_or(match client.server.dialect {
                    Dialect::Blaxel => BLAXEL_INTERVAL,
                    Dialect::Standard => STANDARD_INTERVAL,
                })
                .max(MIN_INTERVAL),
        })
    }

    /// Returns the address at which the user confirms. It includes the code if the server sent such an
    /// address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the code that the user has to compare or enter. It is empty if the server sent none.
    #[must_use]
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns the time that the user has to confirm, counted from the start of the login.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.lifetime
    }

    /// Polls the server, at the interval that it allows, until the user has confirmed.
    ///
    /// Transient failures, of the server or of the connection, do not end the wait. Drop the future to cancel.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](blaxel_core::ErrorKind::Credentials) if the user denied the login (its code
    /// is `access_denied`), if the time is over (`expired_token`, or no code if the server did not report it
    /// itself), or if the server refused the login for another reason.
    pub async fn wait(self) -> Result<Tokens, Error> {
        let host = self.client.server.host().to_owned();
        let deadline = later(self.started, self.lifetime);
        let mut interval = self.interval;
        let mut next = later(Instant::now(), interval);
        loop {
            sleep_until(next.min(deadline)).await;
            if next >= deadline {
                return Err(Error::credentials(format!(
                    "the sign-in at {host} was not confirmed within {}; start again",
                    duration(self.lifetime)
                )));
            }
            let error = match timeout(REQUEST_TIMEOUT, self.poll()).await {
                Ok(Ok(tokens)) => return Ok(tokens),
                Ok(Err(error)) => error,
                Err(_) => Error::timeout("token request", REQUEST_TIMEOUT),
            };
            let transient = error.is_transient()
                || error
                    .status()
                    .is_some_and(|status| status.is_server_error())
                || matches!(
                    error.code(),
                    Some("temporarily_unavailable" | "server_error")
                );
            let outcome = match error.code() {
                Some("authorization_pending") => None,
                Some("slow_down") => {
                    // Some servers state the new interval.
                    let stated = error.api().and_then(|api| time(api.members(), "interval"));
                    interval = stated
                        .unwrap_or_default()
                        .max(interval.saturating_add(SLOW_DOWN));
                    None
                }
                Some("access_denied") => Some("was denied"),
                Some("expired_token") => Some("was not confirmed in time; start again"),
                _ if transient => {
                    interval = interval.saturating_add(SLOW_DOWN);
                    None
                }
                _ => Some("failed"),
            };
            if let Some(outcome) = outcome {
                return Err(error.while_authenticating(format!("the sign-in at {host} {outcome}")));
            }
            let requested = error.retry_after().unwrap_or_default();
            next = later(Instant::now(), interval.max(requested));
        }
    }

    async fn poll(&self) -> Result<Tokens, Error> {
        let endpoint = self.client.server.token_endpoint()?;
        let form = [
            ("grant_type", GRANT),
            ("device_code", self.device_code.expose()),
        ];
        let response = self.client.request_token(&endpoint, &form).await?;
        let token = read(&response);
        let mut tokens = Tokens::new()
            .issued(token.secret, token.expires_in)
            .with_device_code(self.device_code.clone())
            .of_client(self.client.identity.clone());
        if let Some(refresh) = read_refresh(&response) {
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
