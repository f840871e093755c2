//! The refresh token grant.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, BoxService, Error, Secret, Source};
use oauth2::RefreshToken;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout};

use super::client::{OAuthClient, describe_failure};
use super::identity::Identity;
use super::server::AuthorizationServer;
use super::token_response::{from_oauth2, read, read_refresh};
use super::tokens::{TokenStore, Tokens};
use crate::cache::{GRACE, REQUEST_TIMEOUT, catch_panic, is_refusal};
use crate::kind::CredentialKind;
use crate::token::{NewToken, TokenSource};

/// The minimum remaining lifetime of an existing access token for it to be used.
const MIN_REMAINING: Duration = Duration::from_secs(60);

/// The longest wait for the store. A token is handed out then, whether it is saved or not.
const STORE_WAIT: Duration = Duration::from_secs(5);
/// The time limit of saving.
const SAVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum number of refresh tokens to remember.
const MAX_SEEN: usize = 64;

fn same(one: Option<&Secret>, other: &Secret) -> bool {
    one.is_some_and(|one| one.expose() == other.expose())
}

/// The tokens of one sign-in, shared by all clones of its credentials: when one of them uses up a refresh
/// token, the others know.
pub(crate) struct SignIn {
    identity: Identity,
    store: Option<Arc<dyn TokenStore>>,
    state: Mutex<State>,
    /// Held by whoever renews the tokens.
    renewal: Arc<AsyncMutex<()>>,
    /// Held by whoever saves tokens, so that older ones never replace newer ones.
    saving: AsyncMutex<()>,
}

struct State {
    tokens: Tokens,
    /// The time at which the access token expires, if it is known.
    expires: Option<Instant>,
    /// The refresh tokens so far. One of them in the store is not a new one.
    seen: Vec<Secret>,
    /// The number of changes of the tokens, and of those up to the last one that the store has.
    changes: u64,
    saved_changes: u64,
    /// The error with which the newest tokens could not be saved.
    save_error: Option<Error>,
    /// A refused refresh token and the error. It is not sent again.
    refused: Option<(Secret, Error)>,
    /// The time since which the tokens are being renewed.
    renewing_since: Option<Instant>,
}

impl SignIn {
    pub(crate) fn new(tokens: Tokens) -> Self {
        let identity = tokens.identity();
        let mut state = State {
            seen: Vec::new(),
            tokens: Tokens::new(),
            expires: None,
            changes: 0,
            saved_changes: 0,
            save_error: None,
            refused: None,
            renewing_since: None,
        };
        state.replace_tokens(tokens);
        state.saved_changes = state.changes;
        Self {
            identity,
            store: None,
            state: Mutex::new(state),
            renewal: Arc::default(),
            saving: AsyncMutex::default(),
        }
    }

    pub(crate) fn with_store(&self, store: Arc<dyn TokenStore>) -> Self {
        Self {
            store: Some(store),
            ..Self::new(self.tokens())
        }
    }

    pub(crate) fn tokens(&self) -> Tokens {
        self.state().tokens.clone()
    }

    pub(crate) fn save_error(&self) -> Option<Error> {
        self.state().save_error.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else renews the tokens. A holder that takes longer than a request may take is stuck
    /// in a runtime that is not running, and is not waited for.
    async fn lock_renewal(&self) -> Option<OwnedMutexGuard<()>> {
        let lock = Arc::clone(&self.renewal).lock_owned();
        let guard = if Handle::try_current().is_ok() {
            let since = self.state().renewing_since;
            let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
            let limit = REQUEST_TIMEOUT.saturating_add(GRACE).saturating_sub(waited);
            timeout(limit.max(GRACE), lock).await.ok()
        } else {
            Some(lock.await)
        };
        self.state().renewing_since = Some(Instant::now());
        guard
    }

    /// Takes over tokens that another process has saved in the store. Returns `true` if there were any.
    async fn reload_from_store(&self) -> bool {
        let Some(store) = &self.store else {
            return false;
        };
        let Some(Ok(Some(found))) = within(STORE_WAIT, store.load()).await else {
            return false;
        };
        let Some(refresh) = &found.refresh else {
            return false;
        };
        let mut state = self.state();
        let is_current = same(state.tokens.refresh.as_ref(), refresh);
        let is_seen = state.seen.iter().any(|seen| same(Some(seen), refresh));
        let is_new = !is_seen || is_current && found.remaining() > state.remaining();
        if is_new {
            state.replace_tokens(found.of_client(self.identity.clone()));
            state.saved_changes = state.changes;
            state.save_error = None;
        }
        is_new
    }

    /// Saves the newest tokens in the store, if there is one that does not have them, and notes a failure.
    ///
    /// It does not wait longer than [`STORE_WAIT`]. The tokens are in memory in the meantime: the store may still
    /// receive them, and the next renewal tries again if not.
    async fn save(self: &Arc<Self>) {
        if self.store.is_none() || !self.state().is_unsaved() {
            return;
        }
        let saving = Arc::clone(self);
        let mut saving: BoxFuture<Option<()>> =
            Box::pin(async move { catch_panic(saving.save_newest()).await });
        let (problem, goes_on) = match within(STORE_WAIT, &mut saving).await {
            Some(Some(())) => return,
            Some(None) => ("are not saved: the store panicked".to_owned(), false),
            None => (
                format!("are not saved yet, after {} seconds", STORE_WAIT.as_secs()),
                true,
            ),
        };
        let mut state = self.state();
        if state.is_unsaved() {
            state.save_error = Some(Error::credentials(format!("the new tokens {problem}")));
        }
        drop(state);
        if goes_on && let Ok(runtime) = Handle::try_current() {
            runtime.spawn(saving);
        }
    }

    async fn save_newest(&self) {
        let Some(store) = &self.store else {
            return;
        };
        // A holder that takes longer is stuck in a runtime that is not running.
        let _guard = within(SAVE_TIMEOUT.saturating_add(GRACE), self.saving.lock()).await;
        let (tokens, changes) = {
            let state = self.state();
            if !state.is_unsaved() {
                return;
            }
            (state.tokens.clone(), state.changes)
        };
        let saved = within(SAVE_TIMEOUT, store.save(&tokens))
            .await
            .unwrap_or_else(|| {
                Err(Error::credentials(format!(
                    "the new tokens are not saved: the store did not respond within {} seconds",
                    SAVE_TIMEOUT.as_secs()
                )))
            });
        let mut state = self.state();
        match saved {
            Ok(()) => {
                state.saved_changes = state.saved_changes.max(changes);
                if !state.is_unsaved() {
                    state.save_error = None;
                }
            }
            Err(error) => state.save_error = Some(error),
        }
    }
}

/// Waits for a limited time. Without a runtime there is no timer, and thus no limit.
async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    if Handle::try_current().is_ok() {
        timeout(limit, future).await.ok()
    } else {
        Some(future.await)
    }
}

impl State {
    fn replace_tokens(&mut self, tokens: Tokens) {
        let now = Instant::now();
        self.expires = tokens.remaining().and_then(|left| now.checked_add(left));
        if let Some(refresh) = &tokens.refresh
            && !same(self.tokens.refresh.as_ref(), refresh)
        {
            if self.seen.len() == MAX_SEEN {
                // The first one is kept: a store that is only read returns it forever.
                self.seen.remove(1);
            }
            self.seen.push(refresh.clone());
        }
        self.tokens = tokens;
        self.changes += 1;
    }

    fn is_unsaved(&self) -> bool {
        self.saved_changes < self.changes
    }

    /// Returns the remaining lifetime of the access token, if it is known and not over.
    fn remaining(&self) -> Option<Duration> {
        let left = self.expires?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// A sign-in, with the client that exchanges its refresh token for access tokens.
#[derive(Clone)]
pub(crate) struct RefreshGrant {
    sign_in: Arc<SignIn>,
    client: OAuthClient,
    name: String,
    /// The access token that was returned last. A further request means that it is no longer valid.
    last_returned: Arc<Mutex<Option<Secret>>>,
}

impl RefreshGrant {
    pub(crate) fn new(
        sign_in: Arc<SignIn>,
        source: &Source,
        server: AuthorizationServer,
        service: BoxService,
    ) -> Self {
        Self {
            client: OAuthClient::new(sign_in.identity.clone(), server, service),
            sign_in,
            name: format!("the {} ({source})", CredentialKind::RefreshToken),
            last_returned: Arc::default(),
        }
    }

    /// Returns a valid access token: an existing one that the caller has not rejected, or a new one.
    async fn renew(self) -> Result<NewToken, Error> {
        let _guard = self.sign_in.lock_renewal().await;
        let renewed = self.renew_locked().await;
        // Also tokens of an earlier renewal that ended with its runtime before they were saved.
        self.sign_in.save().await;
        self.sign_in.state().renewing_since = None;
        if let Ok(token) = &renewed {
            *self
                .last_returned
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(token.secret.clone());
        }
        renewed
    }

    async fn renew_locked(&self) -> Result<NewToken, Error> {
        if let Some(token) = self.existing_token() {
            return Ok(token);
        }
        if self.sign_in.reload_from_store().await
            && let Some(token) = self.existing_token()
        {
            return Ok(token);
        }
        match self.exchange().await {
            // Another process may have used the refresh token first.
            Err(error) if is_refusal(&error) && self.sign_in.reload_from_store().await => {
                match self.existing_token() {
                    Some(token) => Ok(token),
                    None => self.exchange().await,
                }
            }
            outcome => outcome,
        }
    }

    /// Returns the sign-in's access token, unless it is the one that was returned last.
    fn existing_token(&self) -> Option<NewToken> {
        let state = self.sign_in.state();
        let left = state.remaining()?;
        let access = state.tokens.access.clone()?;
        drop(state);
        let last = self
            .last_returned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_last = same(last.as_ref(), &access);
        (left >= MIN_REMAINING && !is_last).then_some(NewToken {
            secret: access,
            expires_in: Some(left),
        })
    }

    /// Exchanges the refresh token.
    async fn exchange(&self) -> Result<NewToken, Error> {
        let tokens = self.sign_in.tokens();
        let Some(refresh) = tokens.refresh.clone() else {
            return Err(Error::credentials(format!("{} is missing", self.name)));
        };
        if let Some((refused, error)) = &self.sign_in.state().refused
            && same(Some(refused), &refresh)
        {
            return Err(error.clone());
        }
        let request = self.request(&tokens, &refresh);
        let response = within(REQUEST_TIMEOUT, request)
            .await
            .unwrap_or_else(|| Err(Error::timeout("token request", REQUEST_TIMEOUT)));
        match response {
            Ok((token, rotated)) => {
                let tokens = tokens.issued(token.secret.clone(), token.expires_in);
                let tokens = match rotated {
                    Some(refresh) => tokens.with_refresh_token(refresh),
                    None => tokens,
                };
                self.sign_in.state().replace_tokens(tokens);
                Ok(token)
            }
            Err(error) => {
                let error = self.client.explain(error, &self.name, "sign in again");
                if is_refusal(&error) {
                    self.sign_in.state().refused = Some((refresh, error.clone()));
                }
                Err(error)
            }
        }
    }

    /// Requests a new access token. Returns it with the refresh token that replaces the old one, if any.
    async fn request(
        &self,
        tokens: &Tokens,
        refresh: &Secret,
    ) -> Result<(NewToken, Option<Secret>), Error> {
        let secrets = [Some(refresh), tokens.access_token(), tokens.device_code()];
        let client = self.client.redacting(secrets.into_iter().flatten());
        let grants = client.grants()?;
        let token = RefreshToken::new(refresh.expose().to_owned());
        let mut request = grants.exchange_refresh_token(&token);
        if let Some(code) = tokens.device_code() {
            request = request.add_extra_param("device_code", code.expose());
        }
        let response = request.request_async(&client).await.map_err(from_oauth2)?;
        Ok((read(&response), read_refresh(&response)))
    }
}

impl TokenSource for RefreshGrant {
    /// Runs the exchange as a task of its own, which cannot be cancelled: the response may have the only
    /// refresh token that the server still accepts.
    fn fetch(&self) -> BoxFuture<Result<NewToken, Error>> {
        let grant = self.clone();
        Box::pin(async move {
            if let Ok(runtime) = Handle::try_current() {
                match runtime.spawn(grant.clone().renew()).await {
                    Ok(outcome) => return outcome,
                    Err(end) if end.is_panic() => {
                        let error = Error::credentials("the request panicked");
                        return Err(error.while_authenticating(grant.describe()));
                    }
                    // The runtime is shutting down.
                    Err(_) => {}
                }
            }
            grant.renew().await
        })
    }

    fn describe(&self) -> String {
        describe_failure(self.client.server.host(), &self.name)
    }
}

#[cfg(test)]
mod tests;
