//! The tokens of a sign-in, and where they are kept.

use std::fmt;
use std::time::{Duration, SystemTime};

use blaxel_core::{BoxFuture, Error, Secret};

use super::identity::{Identity, PUBLIC_CLIENT};
use crate::jwt::Claims;

/// The tokens of a person's sign-in.
///
/// [`Credentials::from_tokens`](crate::Credentials::from_tokens) puts them to use, and a
/// [`TokenStore`] is given each set that takes the place of an older one. Debug output says which
/// tokens there are and shows none.
///
/// ```
/// use blaxel_auth::{CredentialKind, Credentials, Tokens};
///
/// let tokens = Tokens::new().with_refresh_token("r").with_device_code("d");
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

/// A secret without the space around it; `None` if nothing is left.
fn trimmed(secret: &Secret) -> Option<Secret> {
    let text = secret.expose().trim_ascii();
    (!text.is_empty()).then(|| text.into())
}

impl Tokens {
    /// Creates an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the access token. Unless [`with_expires_at`](Self::with_expires_at) says when it
    /// expires, that is read from the token itself if it is a JWT, and unknown otherwise.
    ///
    /// Space around it is dropped, and an empty one is none; so it is for the others.
    #[must_use]
    pub fn with_access_token(mut self, token: impl Into<Secret>) -> Self {
        self.access = trimmed(&token.into());
        self.expires_at = None;
        self.expires_in = None;
        self
    }

    /// Sets the refresh token.
    #[must_use]
    pub fn with_refresh_token(mut self, token: impl Into<Secret>) -> Self {
        self.refresh = trimmed(&token.into());
        self
    }

    /// Sets the code of the device login that the tokens come from. The platform wants to see it
    /// again whenever the refresh token is used.
    #[must_use]
    pub fn with_device_code(mut self, code: impl Into<Secret>) -> Self {
        self.device_code = trimmed(&code.into());
        self
    }

    /// Sets the time at which the access token expires.
    #[must_use]
    pub fn with_expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Sets the client to which they were issued, if it is not the platform's own, with its secret
    /// if it has one. Only that client can renew them.
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

    /// The client to which they were given.
    pub(super) fn identity(&self) -> Identity {
        let platform = || Identity::public(PUBLIC_CLIENT);
        self.identity.clone().unwrap_or_else(platform)
    }

    /// With an access token that was issued now.
    pub(crate) fn issued(mut self, token: Secret, expires_in: Option<Duration>) -> Self {
        self.access = Some(token);
        self.expires_in = expires_in;
        self.expires_at = expires_in.and_then(|left| crate::jwt::wall_clock().checked_add(left));
        self
    }

    /// The access token, if there is one.
    #[must_use]
    pub fn access_token(&self) -> Option<&Secret> {
        self.access.as_ref()
    }

    /// The refresh token, if there is one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh.as_ref()
    }

    /// The code of the device login, if the tokens come from one.
    #[must_use]
    pub fn device_code(&self) -> Option<&Secret> {
        self.device_code.as_ref()
    }

    /// The time at which the access token expires, as far as that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let claimed = || Claims::read(self.access.as_ref()?.expose())?.expires_at();
        self.expires_at.or_else(claimed)
    }

    /// The lifetime that the access token was issued with, if its server says so.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// The remaining lifetime of the access token; `None` if there is none, or it has expired,
    /// or nobody knows.
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

/// A place where the tokens of a sign-in outlive the process.
///
/// A server may answer the use of a refresh token with another one and refuse the old one from then
/// on. So new tokens are saved before anyone gets to use them.
///
/// The configuration file is one such store, with the feature `config-file`.
pub trait TokenStore: Send + Sync + 'static {
    /// Saves these tokens in place of the older ones.
    ///
    /// A failure keeps nobody from using the tokens. Saving is tried again when they are next
    /// renewed, and meanwhile [`Credentials::unsaved`](crate::Credentials::unsaved) tells of it.
    fn save(&self, tokens: &Tokens) -> BoxFuture<Result<(), Error>>;

    /// The tokens that are kept, if any. It is asked before tokens are renewed and when the server
    /// refuses to: another process that shares the store may have renewed them.
    ///
    /// A failure counts as nothing found. Unless it is implemented there is nothing to be found.
    fn load(&self) -> BoxFuture<Result<Option<Tokens>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
