//! The tokens of a sign-in, and their store.

use std::fmt;
use std::time::{Duration, SystemTime};

use blaxel_core::__private::trim_setting;
use blaxel_core::{BoxFuture, Error, Secret};

use super::identity::{Identity, PUBLIC_CLIENT};
use crate::jwt::Claims;

/// The tokens of a user's sign-in.
///
/// [`Credentials::from_tokens`](crate::Credentials::from_tokens) uses them, and a [`TokenStore`] receives
/// each set that replaces an older one. The debug output shows which tokens there are, but not the tokens.
///
/// ```
/// use blaxel_auth::{CredentialKind, Credentials, Tokens};
///
/// let tokens = Tokens::new().with_refresh_token("r").with_device_code("d");
/// assert_eq!(tokens.refresh_token().unwrap().expose(), "r");
/// assert_eq!(tokens.device_code().unwrap().expose(), "d");
/// assert!(tokens.access_token().is_none() && tokens.expires_at().is_none());
/// assert_eq!(Credentials::from_tokens(tokens)?.kind(), CredentialKind::RefreshToken);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Tokens {
    pub(super) access: Option<Secret>,
    pub(super) refresh: Option<Secret>,
    pub(super) device_code: Option<Secret>,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) expires_in: Option<Duration>,
    identity: Option<Identity>,
}

/// Removes the whitespace around a secret; returns `None` if nothing is left.
fn trimmed(secret: &Secret) -> Option<Secret> {
    let text = trim_setting(secret.expose());
    (!text.is_empty()).then(|| text.into())
}

impl Tokens {
    /// Creates an empty set of tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the access token. Its expiry is that of [`with_expires_at`](Self::with_expires_at) if that is
    /// called afterwards, or else the one in the token if that is a JWT, and unknown otherwise. None by
    /// default.
    ///
    /// Surrounding whitespace is removed, and an empty token counts as none. The same holds for the other
    /// tokens.
    #[must_use]
    pub fn with_access_token(mut self, token: impl Into<Secret>) -> Self {
        self.access = trimmed(&token.into());
        self.expires_at = None;
        self.expires_in = None;
        self
    }

    /// Sets the refresh token. None by default.
    #[must_use]
    pub fn with_refresh_token(mut self, token: impl Into<Secret>) -> Self {
        self.refresh = trimmed(&token.into());
        self
    }

    /// Sets the code of the device login that the tokens come from. The platform requires it whenever the
    /// refresh token is used. None by default.
    #[must_use]
    pub fn with_device_code(mut self, code: impl Into<Secret>) -> Self {
        self.device_code = trimmed(&code.into());
        self
    }

    /// Sets the time at which the access token expires. By default it is read from the access token if that is
    /// a JWT, and unknown otherwise.
    #[must_use]
    pub fn with_expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Sets the client to which the tokens were issued, with its secret if it has one. Only that client can
    /// renew them. The default is the platform's own client.
    #[must_use]
    pub fn with_client(mut self, id: impl Into<String>, secret: Option<Secret>) -> Self {
        self.identity = Some(Identity {
            secret,
            ..Identity::public(id)
        });
        self
    }

    pub(super) fn of_client(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Returns the client to which the tokens were issued.
    pub(super) fn identity(&self) -> Identity {
        let platform = || Identity::public(PUBLIC_CLIENT);
        self.identity.clone().unwrap_or_else(platform)
    }

    /// Sets an access token that was just issued.
    pub(crate) fn issued(mut self, token: Secret, expires_in: Option<Duration>) -> Self {
        self.access = Some(token);
        self.expires_in = expires_in;
        self.expires_at = expires_in.and_then(|left| crate::jwt::wall_clock().checked_add(left));
        self
    }

    /// Returns the access token, if there is one.
    #[must_use]
    pub fn access_token(&self) -> Option<&Secret> {
        self.access.as_ref()
    }

    /// Returns the refresh token, if there is one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh.as_ref()
    }

    /// Returns the code of the device login, if the tokens come from one.
    #[must_use]
    pub fn device_code(&self) -> Option<&Secret> {
        self.device_code.as_ref()
    }

    /// Returns the time at which the access token expires, if it is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let claimed = || Claims::read(self.access.as_ref()?.expose())?.expires_at();
        self.expires_at.or_else(claimed)
    }

    /// Returns the lifetime with which the access token was issued, if the server stated it.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Returns the remaining lifetime of the access token, or `None` if there is no token, if it has expired, or
    /// if its lifetime is unknown.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.access.as_ref()?;
        let left = self.expires_at()?.duration_since(crate::jwt::wall_clock());
        left.ok().filter(|left| !left.is_zero())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("access_token", &self.access.is_some())
            .field("refresh_token", &self.refresh.is_some())
            .field("device_code", &self.device_code.is_some())
            .field("expires_at", &self.expires_at())
            .finish()
    }
}

/// A store in which the tokens of a sign-in outlive the process.
///
/// A server may respond to a refresh token with another one, and refuse the old one from then on. New tokens
/// are therefore saved before any caller can use them, unless saving takes longer than 5 seconds: then callers
/// get the token, and saving goes on for up to 30 seconds. The process keeps the newest tokens in memory in any
/// case.
///
/// With the feature `config-write`, `ConfigWriter::store` returns a store in the file of the `bl` command.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use blaxel_auth::{Credentials, TokenStore, Tokens};
/// use blaxel_core::{BoxFuture, Error};
///
/// #[derive(Clone, Default)]
/// struct Memory(Arc<Mutex<Option<Tokens>>>);
///
/// impl TokenStore for Memory {
///     fn save(&self, tokens: &Tokens) -> BoxFuture<Result<(), Error>> {
///         *self.0.lock().unwrap() = Some(tokens.clone());
///         Box::pin(std::future::ready(Ok(())))
///     }
///
///     fn load(&self) -> BoxFuture<Result<Option<Tokens>, Error>> {
///         Box::pin(std::future::ready(Ok(self.0.lock().unwrap().clone())))
///     }
/// }
///
/// let credentials = Credentials::refresh_token("r")?.with_store(Memory::default());
/// # Ok::<(), Error>(())
/// ```
pub trait TokenStore: Send + Sync + 'static {
    /// Saves tokens in place of the older ones.
    ///
    /// After a failure the tokens are used all the same. Saving is tried again at the next renewal, and
    /// [`Credentials::save_error`](crate::Credentials::save_error) returns the error in the meantime. There is
    /// never more than one call at a time.
    fn save(&self, tokens: &Tokens) -> BoxFuture<Result<(), Error>>;

    /// Returns the stored tokens, if any. It is called before tokens are renewed, and when the server refuses
    /// to: another process that shares the store may have renewed them.
    ///
    /// A failure counts as no tokens, and so does a wait of more than 5 seconds. The default implementation returns none.
    fn load(&self) -> BoxFuture<Result<Option<Tokens>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
