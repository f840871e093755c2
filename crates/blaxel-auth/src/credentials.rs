//! What a client proves its identity with.

use std::fmt;
#[cfg(feature = "oauth")]
use std::sync::Arc;

use blaxel_core::{Error, Secret, Source, Workspace};
use http::HeaderValue;

use crate::bearer;
#[cfg(feature = "oauth")]
use crate::function::{AccessToken, Function};
#[cfg(feature = "oauth")]
use crate::oauth::{SignIn, TokenStore, Tokens};

/// A credential, the place it came from, and perhaps the workspace it is for.
///
/// All checks that need no network are made when it is built. A value that cannot work, such as an
/// empty key, is an [`Error::is_input`] that names the place and never shows the value.
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
/// How the environment and the CLI's sign-in are searched is told at
/// [`from_env`](Self::from_env).
#[derive(Clone)]
pub struct Credentials {
    grant: Grant,
    workspace: Option<Workspace>,
    environment: Option<String>,
    source: Source,
}

/// What is turned into a bearer value, and how.
#[derive(Clone)]
pub(crate) enum Grant {
    /// It is one already.
    Bearer {
        kind: CredentialKind,
        header: HeaderValue,
    },
    /// It is exchanged for a token.
    #[cfg(feature = "oauth")]
    Client {
        id: String,
        secret: Secret,
        in_body: bool,
    },
    /// It is exchanged for an access token, and perhaps for the next of its kind.
    #[cfg(feature = "oauth")]
    Refresh(Arc<SignIn>),
    /// It is asked for access tokens.
    #[cfg(feature = "oauth")]
    Function(Function),
}

/// The kinds of [`Credentials`]. Each is displayed as it is called in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A key of a user or a service account. It reaches all workspaces of the user, or the one of
    /// the service account.
    ApiKey,
    /// An OAuth 2.0 access token, sent as it is until it expires.
    AccessToken,
    /// Id and secret of a service account, exchanged for access tokens as needed.
    ClientCredentials,
    /// The refresh token of a person's sign-in, exchanged for access tokens as needed.
    RefreshToken,
    /// A function of the program's own, asked for access tokens as needed.
    Function,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey => "API key",
            Self::AccessToken => "access token",
            Self::ClientCredentials => "client credentials",
            Self::RefreshToken => "refresh token",
            Self::Function => "own function",
        })
    }
}

impl Credentials {
    /// An API key. Space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if it is empty or holds a character that no HTTP header may hold.
    pub fn api_key(key: impl Into<Secret>) -> Result<Self, Error> {
        Self::bearer(CredentialKind::ApiKey, &key.into(), Source::Code)
    }

    /// An access token that was had elsewhere. It is sent as it is, and nothing renews it.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if it is empty or holds a character that no HTTP header may hold.
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

    /// Names the workspace to work in.
    #[must_use]
    pub fn with_workspace(mut self, workspace: Workspace) -> Self {
        self.workspace = Some(workspace);
        self
    }

    #[cfg(feature = "config-file")]
    pub(crate) fn with_environment(mut self, environment: Option<&str>) -> Self {
        self.environment = environment.map(str::to_owned);
        self
    }

    /// The workspace that was named along with the credential, if one was.
    #[must_use]
    pub fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// The deployment of the platform that a sign-in of the CLI was made for: `dev`, `local` or
    /// `prod`, or `None` where the file does not say. Credentials from elsewhere have none.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Where the credential came from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What kind of credential this is.
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
    /// Id and secret of a service account. Tokens are fetched for them when they are needed.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if one of them is empty or holds anything but printable ASCII
    /// characters, or if the id holds a colon.
    pub fn client_credentials(
        id: impl Into<String>,
        secret: impl Into<Secret>,
    ) -> Result<Self, Error> {
        Self::client(id.into(), secret.into(), Source::Code)
    }

    /// Reads client credentials from one text, as `BL_CLIENT_CREDENTIALS` holds them: the id, a
    /// colon and the secret, as they are or in Base64.
    ///
    /// The id ends at the first colon. Base64 is of the standard alphabet; its padding may be
    /// missing and line ends within it or after it are passed over.
    ///
    /// ```
    /// use blaxel_auth::Credentials;
    /// use blaxel_core::Source;
    ///
    /// let source = Source::variable("MY_SERVICE_ACCOUNT");
    /// assert!(Credentials::parse_client_credentials("id:secret", &source).is_ok());
    /// assert!(Credentials::parse_client_credentials("aWQ6c2VjcmV0\n", &source).is_ok());
    /// let error = Credentials::parse_client_credentials("nonsense", &source).unwrap_err();
    /// assert!(error.to_string().contains("MY_SERVICE_ACCOUNT"));
    /// # Ok::<(), blaxel_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`], naming `source`, if the text is neither, or if the id or the secret is
    /// one that [`client_credentials`](Self::client_credentials) refuses.
    pub fn parse_client_credentials(text: &str, source: &Source) -> Result<Self, Error> {
        let invalid = |problem: &str| client_error(source, problem);
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(invalid("they are empty"));
        }
        let decoded;
        let pair = if text.contains(':') {
            text
        } else {
            decoded = decode(text).map_err(invalid)?;
            // The usual way to make them is a pipe, which easily adds a line end.
            decoded.expose().trim_matches(['\r', '\n'])
        };
        let (id, secret) = pair.split_once(':').ok_or_else(|| invalid(NEITHER))?;
        Self::client(id.to_owned(), secret.into(), source.clone())
    }

    fn client(id: String, secret: Secret, source: Source) -> Result<Self, Error> {
        let printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let problem = if id.is_empty() {
            "the id is empty"
        } else if secret.is_empty() {
            "the secret is empty"
        } else if id.contains(':') {
            "the id holds a colon"
        } else if !printable(&id) {
            "the id holds a character other than printable ASCII"
        } else if !printable(secret.expose()) {
            "the secret holds a character other than printable ASCII"
        } else {
            let grant = Grant::Client {
                id,
                secret,
                in_body: false,
            };
            return Ok(Self::new(grant, source));
        };
        Err(client_error(&source, problem))
    }
}

/// Tokens that are renewed.
#[cfg(feature = "oauth")]
impl Credentials {
    /// The refresh token of a person's sign-in. To send the code of a device login along, and to
    /// begin with an access token, use [`from_tokens`](Self::from_tokens).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if it is empty.
    pub fn refresh_token(token: impl Into<Secret>) -> Result<Self, Error> {
        let tokens = Tokens::new().with_refresh_token(token);
        Self::sign_in(tokens, Source::Code)
    }

    /// The tokens of a person's sign-in.
    ///
    /// The access token is sent while it is known to be good for another minute. Else the refresh
    /// token is exchanged for the next; one that comes with it takes its place, for these
    /// credentials and all their clones. Give them a [store](Self::with_store) to keep it beyond
    /// the process. Without a refresh token this is [`access_token`](Self::access_token).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if there is neither.
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

    /// Keeps the tokens that take the place of these ones in a store. Credentials that hold no
    /// refresh token do without it.
    ///
    /// Clones that were made before do not share it.
    #[must_use]
    pub fn with_store(mut self, store: impl TokenStore) -> Self {
        if let Grant::Refresh(sign_in) = &self.grant {
            let sign_in = sign_in.with_store(Arc::new(store));
            self.grant = Grant::Refresh(Arc::new(sign_in));
        }
        self
    }

    /// The tokens as they are now, of credentials with a refresh token.
    #[must_use]
    pub fn tokens(&self) -> Option<Tokens> {
        match &self.grant {
            Grant::Refresh(sign_in) => Some(sign_in.tokens()),
            _ => None,
        }
    }

    /// Why the newest tokens are not in the [store](Self::with_store), if they are not: what the
    /// store said when it was last asked to save them.
    #[must_use]
    pub fn unsaved(&self) -> Option<Error> {
        match &self.grant {
            Grant::Refresh(sign_in) => sign_in.unsaved(),
            _ => None,
        }
    }

    /// A function of the program's own, which gives an access token.
    ///
    /// It is asked when the first token is needed and before one expires, never by two callers at
    /// once. The rules at [`Authenticator`](crate::Authenticator) hold for it as for any token.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_auth::{AccessToken, Credentials};
    /// # async fn ask_the_vault() -> Result<String, std::io::Error> { Ok("t".to_owned()) }
    ///
    /// let credentials = Credentials::from_fn(async || {
    ///     let token = ask_the_vault().await?;
    ///     Ok::<_, std::io::Error>(AccessToken::new(token).expires_in(Duration::from_secs(3600)))
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

    /// Sends the id and secret of client credentials in the body of the token request rather than
    /// in its `Authorization` header. Other credentials are not changed.
    #[must_use]
    pub fn with_secret_in_body(mut self) -> Self {
        if let Grant::Client { in_body, .. } = &mut self.grant {
            *in_body = true;
        }
        self
    }
}

#[cfg(feature = "oauth")]
fn client_error(source: &Source, problem: &str) -> Error {
    Error::input(
        &CredentialKind::ClientCredentials.to_string(),
        source,
        problem,
    )
}

#[cfg(feature = "oauth")]
const NEITHER: &str = "they are neither `id:secret` nor the Base64 of it";

#[cfg(feature = "oauth")]
fn decode(text: &str) -> Result<Secret, &'static str> {
    use base64::Engine;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let whole: Secret = text.replace(['\r', '\n'], "").into();
    let bytes = GeneralPurpose::new(&STANDARD, LENIENT)
        .decode(whole.expose())
        .map_err(|_| NEITHER)?;
    let text = String::from_utf8(bytes).map_err(|_| NEITHER)?;
    Ok(text.into())
}

impl fmt::Debug for Credentials {
    /// Shows everything but the secret and the id.
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
