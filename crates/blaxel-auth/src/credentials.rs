//! Credentials: the types, and how they are created.

#[cfg(feature = "oauth")]
mod pair;

use std::fmt;
#[cfg(feature = "oauth")]
use std::sync::Arc;

use blaxel_core::{Error, Secret, Source, Workspace};
use http::HeaderValue;

use crate::bearer;
use crate::environment::Environment;
#[cfg(feature = "oauth")]
use crate::function::{AccessToken, Function};
use crate::kind::CredentialKind;
#[cfg(feature = "oauth")]
use crate::oauth::{SignIn, TokenStore, Tokens};

/// A credential, its source, and optionally the workspace it is for.
///
/// All checks that need no network are made on creation. An unusable value, such as an empty key, is an
/// [`Error::is_input`] that names the source and never shows the value.
///
/// ```
/// use blaxel_auth::Credentials;
/// use blaxel_core::Workspace;
///
/// let workspace = "my-team".parse::<Workspace>()?;
/// let credentials = Credentials::api_key("bl_example")?.with_workspace(workspace);
/// assert_eq!(credentials.kind().to_string(), "API key");
/// assert!(Credentials::api_key("").is_err());
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// A deployment of the platform and a source for error messages can be added:
///
/// ```
/// use blaxel_auth::{Credentials, Environment};
/// use blaxel_core::Source;
///
/// let credentials = Credentials::access_token("t")?
///     .with_environment(Environment::Development)
///     .with_source(Source::variable("MY_TOKEN"));
/// assert_eq!(credentials.environment(), Some(Environment::Development));
/// assert_eq!(credentials.source(), &Source::variable("MY_TOKEN"));
/// assert!(credentials.workspace().is_none());
/// # Ok::<(), blaxel_core::Error>(())
/// ```
///
/// [`from_env`](Self::from_env) finds credentials in the environment and among the sign-ins of the CLI.
#[derive(Clone)]
pub struct Credentials {
    grant: Grant,
    workspace: Option<Workspace>,
    environment: Option<Environment>,
    source: Source,
}

/// The way to an access token.
#[derive(Clone)]
pub(crate) enum Grant {
    /// The value itself is sent.
    Bearer {
        kind: CredentialKind,
        header: HeaderValue,
    },
    /// The id and secret are exchanged for an access token.
    #[cfg(feature = "oauth")]
    Client {
        id: String,
        secret: Secret,
        in_body: bool,
    },
    /// A refresh token is exchanged for an access token, and possibly for the next refresh token.
    #[cfg(feature = "oauth")]
    Refresh(Arc<SignIn>),
    /// A function is called for access tokens.
    #[cfg(feature = "oauth")]
    Function(Function),
}

impl Credentials {
    /// Creates credentials from an API key. Surrounding whitespace is removed.
    ///
    /// ```
    /// use blaxel_auth::{CredentialKind, Credentials};
    ///
    /// let credentials = Credentials::api_key("bl_example")?.with_workspace("my-team".parse()?);
    /// assert_eq!(credentials.kind(), CredentialKind::ApiKey);
    /// assert_eq!(credentials.workspace().unwrap().as_str(), "my-team");
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the key is empty or contains a character that is not allowed in an HTTP header.
    pub fn api_key(key: impl Into<Secret>) -> Result<Self, Error> {
        Self::bearer(CredentialKind::ApiKey, &key.into(), Source::Code)
    }

    /// Creates credentials from an access token. It is sent as it is, and never renewed.
    ///
    /// ```
    /// use blaxel_auth::{Credentials, Environment};
    ///
    /// let credentials = Credentials::access_token("token")?.with_environment(Environment::Development);
    /// assert_eq!(credentials.environment(), Some(Environment::Development));
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the token is empty or contains a character that is not allowed in an HTTP
    /// header.
    pub fn access_token(token: impl Into<Secret>) -> Result<Self, Error> {
        Self::bearer(CredentialKind::AccessToken, &token.into(), Source::Code)
    }

    pub(crate) fn bearer(
        kind: CredentialKind,
        value: &Secret,
        source: Source,
    ) -> Result<Self, Error> {
        let header = bearer::header(value.expose())
            .map_err(|problem| Error::input(&kind.to_string(), &source, problem))?;
        Ok(Self::new(Grant::Bearer { kind, header }, source))
    }

    fn new(grant: Grant, source: Source) -> Self {
        Self {
            grant,
            workspace: None,
            environment: None,
            source,
        }
    }

    /// Sets the workspace to use. None by default, except for a sign-in that was made for a workspace.
    ///
    /// The credential itself does not change: [`resolve_in`](Self::resolve_in) finds the one that is stored
    /// for a workspace.
    #[must_use]
    pub fn with_workspace(mut self, workspace: Workspace) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// Sets the deployment of the platform that the credential is for. Unknown by default, except for a sign-in
    /// that was made for one.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Sets the source that error messages name. The default is [`Source::Code`].
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// Returns the workspace that the credential is for, if one was given.
    #[must_use]
    pub fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// Returns the deployment of the platform that the credential is for, if it is known: the one that a
    /// sign-in was made for. A client calls this deployment by default.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// Returns the source of the credential, which error messages name.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the kind of the credential.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match &self.grant {
            Grant::Bearer { kind, .. } => *kind,
            #[cfg(feature = "oauth")]
            Grant::Client { .. } => CredentialKind::ClientCredentials,
            #[cfg(feature = "oauth")]
            Grant::Refresh(_) => CredentialKind::RefreshToken,
            #[cfg(feature = "oauth")]
            Grant::Function(_) => CredentialKind::Function,
        }
    }

    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }
}

#[cfg(feature = "oauth")]
impl Credentials {
    /// Creates credentials from the id and secret of a service account. Tokens are fetched when they are
    /// needed.
    ///
    /// ```
    /// use blaxel_auth::{CredentialKind, Credentials};
    ///
    /// let credentials = Credentials::client_credentials("id", "secret")?.with_secret_in_body();
    /// assert_eq!(credentials.kind(), CredentialKind::ClientCredentials);
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if one of them is empty or contains anything but printable ASCII characters, or if
    /// the id contains a colon.
    pub fn client_credentials(
        id: impl Into<String>,
        secret: impl Into<Secret>,
    ) -> Result<Self, Error> {
        Self::client(id.into(), secret.into(), Source::Code)
    }

    /// Parses client credentials in the format of `BL_CLIENT_CREDENTIALS`: `id:secret`, either as plain text
    /// or in Base64.
    ///
    /// The id ends at the first colon. Base64 uses the standard alphabet; padding is optional, and line ends in
    /// and after it are ignored.
    ///
    /// ```
    /// use blaxel_auth::Credentials;
    /// use blaxel_core::Source;
    ///
    /// let credentials = Credentials::parse_client_credentials("aWQ6c2VjcmV0\n")?
    ///     .with_source(Source::variable("MY_SERVICE_ACCOUNT"));
    /// assert!(credentials.source().to_string().contains("MY_SERVICE_ACCOUNT"));
    /// assert!(Credentials::parse_client_credentials("id:secret").is_ok());
    /// assert!(Credentials::parse_client_credentials("nonsense").is_err());
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is in neither format, or if
    /// [`client_credentials`](Self::client_credentials) refuses the id or the secret.
    pub fn parse_client_credentials(text: &str) -> Result<Self, Error> {
        Self::service_account(text, Source::Code)
    }

    pub(crate) fn service_account(text: &str, source: Source) -> Result<Self, Error> {
        match pair::parse(text) {
            Ok((id, secret)) => Self::client(id, secret, source),
            Err(problem) => Err(client_error(&source, problem)),
        }
    }

    fn client(id: String, secret: Secret, source: Source) -> Result<Self, Error> {
        if let Err(problem) = pair::check(&id, &secret) {
            return Err(client_error(&source, problem));
        }
        let grant = Grant::Client {
            id,
            secret,
            in_body: false,
        };
        Ok(Self::new(grant, source))
    }
}

/// Credentials whose tokens are renewed.
#[cfg(feature = "oauth")]
impl Credentials {
    /// Creates credentials from the refresh token of a user's sign-in.
    ///
    /// Use [`from_tokens`](Self::from_tokens) to pass the code of a device login, or an access token to start
    /// with.
    ///
    /// ```
    /// use blaxel_auth::Credentials;
    ///
    /// let credentials = Credentials::refresh_token("token")?;
    /// assert!(credentials.tokens().unwrap().refresh_token().is_some());
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the token is empty.
    pub fn refresh_token(token: impl Into<Secret>) -> Result<Self, Error> {
        let tokens = Tokens::new().with_refresh_token(token);
        Self::sign_in(tokens, Source::Code)
    }

    /// Creates credentials from the tokens of a user's sign-in.
    ///
    /// The access token is used as long as it is known to be valid for another minute. After that, the refresh
    /// token is exchanged for a new access token. A new refresh token in the response replaces the old one, for
    /// these credentials and all their clones. Set a [store](Self::with_store) to keep it beyond the lifetime
    /// of the process. Without a refresh token this is [`access_token`](Self::access_token).
    ///
    /// ```
    /// use blaxel_auth::{Credentials, Tokens};
    ///
    /// let tokens = Tokens::new().with_access_token("a").with_refresh_token("r");
    /// let credentials = Credentials::from_tokens(tokens)?;
    /// assert!(credentials.tokens().is_some());
    /// assert!(credentials.save_error().is_none());
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there is neither an access token nor a refresh token.
    pub fn from_tokens(tokens: Tokens) -> Result<Self, Error> {
        if let (Some(access), None) = (tokens.access_token(), tokens.refresh_token()) {
            return Self::access_token(access.clone());
        }
        Self::sign_in(tokens, Source::Code)
    }

    pub(crate) fn sign_in(tokens: Tokens, source: Source) -> Result<Self, Error> {
        if tokens.refresh_token().is_none() {
            let kind = CredentialKind::RefreshToken.to_string();
            return Err(Error::input(&kind, &source, "it is empty"));
        }
        let sign_in = SignIn::new(tokens);
        Ok(Self::new(Grant::Refresh(Arc::new(sign_in)), source))
    }

    /// Sets a store for the tokens that replace these. It has no effect on credentials without a refresh token.
    /// None by default: the new tokens are kept in memory only.
    ///
    /// Clones that were made earlier do not share the store. See [`TokenStore`] for an example.
    #[must_use]
    pub fn with_store(mut self, store: impl TokenStore) -> Self {
        if let Grant::Refresh(sign_in) = &self.grant {
            let sign_in = sign_in.with_store(Arc::new(store));
            self.grant = Grant::Refresh(Arc::new(sign_in));
        }
        self
    }

    /// Returns the current tokens, if these are credentials with a refresh token.
    #[must_use]
    pub fn tokens(&self) -> Option<Tokens> {
        match &self.grant {
            Grant::Refresh(sign_in) => Some(sign_in.tokens()),
            _ => None,
        }
    }

    /// Returns the error with which the [store](Self::with_store) last failed to save the tokens, if it does
    /// not have the newest ones. A sign-in that was read from the file of the `bl` command has a store that
    /// saves nothing.
    #[must_use]
    pub fn save_error(&self) -> Option<Error> {
        match &self.grant {
            Grant::Refresh(sign_in) => sign_in.save_error(),
            _ => None,
        }
    }

    /// Creates credentials from a function that returns access tokens.
    ///
    /// The function is called when the first token is needed and before one expires, never concurrently. The
    /// rules of [`Authenticator`](crate::Authenticator) apply as for any other token.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_auth::{AccessToken, Credentials};
    /// # async fn fetch_from_vault() -> Result<String, std::io::Error> { Ok("t".to_owned()) }
    ///
    /// let credentials = Credentials::from_fn(async || {
    ///     let token = fetch_from_vault().await?;
    ///     Ok::<_, std::io::Error>(AccessToken::new(token).with_expires_in(Duration::from_secs(3600)))
    /// });
    /// assert_eq!(credentials.kind().to_string(), "own function");
    /// ```
    pub fn from_fn<F, R, T, E>(function: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<AccessToken>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::new(Grant::Function(Function::new(function)), Source::Code)
    }

    /// Sends the id and secret of client credentials in the body of the token request instead of its
    /// `Authorization` header. It has no effect on other credentials.
    ///
    /// ```
    /// use blaxel_auth::Credentials;
    ///
    /// let credentials = Credentials::client_credentials("id", "secret")?.with_secret_in_body();
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_secret_in_body(mut self) -> Self {
        if let Grant::Client { in_body, .. } = &mut self.grant {
            *in_body = true;
        }
        self
    }
}

#[cfg(not(feature = "oauth"))]
impl Credentials {
    pub(crate) fn service_account(_: &str, source: Source) -> Result<Self, Error> {
        let problem = "they need the feature `oauth` of blaxel-auth, which is not enabled";
        Err(client_error(&source, problem))
    }
}

fn client_error(source: &Source, problem: &str) -> Error {
    let what = CredentialKind::ClientCredentials.to_string();
    Error::input(&what, source, problem)
}

impl fmt::Debug for Credentials {
    /// Formats everything except the secret and the id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("kind", &self.kind())
            .field("source", &self.source)
            .field("workspace", &self.workspace)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
