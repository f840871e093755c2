//! The refresh token grant.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{BoxFuture, BoxService, Error, Secret, Source};
use oauth2::RefreshToken;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Gate, OwnedMutexGuard};
use tokio::time::{Instant, timeout};

use super::client::{OAuthClient, no_token};
use super::identity::Identity;
use super::server::AuthorizationServer;
use super::token_response::{own, read, read_refresh};
use super::tokens::{TokenStore, Tokens};
use crate::cache::{GRACE, LIMIT, is_refusal};
use crate::kind::CredentialKind;
use crate::token::{NewToken, TokenSource};

/// An access token that was had before is used if it lives at least so much longer.
const WORTH_USING: Duration = Duration::from_secs(60);

const MOST_KNOWN: usize = 64;

fn same(one: Option<&Secret>, other: &Secret) -> bool {
    one.is_some_and(|one| one.expose() == other.expose())
}

/// The tokens of one sign-in, shared by all clones of its credentials: a refresh token that was
/// used up by one of them is known to the others.
pub(crate) struct SignIn {
    identity: Identity,
    store: Option<Arc<dyn TokenStore>>,
    state: Mutex<State>,
    /// Whoever renews the tokens is alone.
    gate: Arc<Gate<()>>,
}

struct State {
    tokens: Tokens,
    /// Until when the access token is good; `None` if that is unknown.
    expires: Option<Instant>,
    /// The refresh tokens that were had so far. To find one of them in the store is no news.
    known: Vec<Secret>,
    /// The reason why the tokens could not be saved.
    unsaved: Option<Error>,
    /// A refresh token that was refused, and how. It is not tried again.
    refused: Option<(Secret, Error)>,
    /// Since when someone has been renewing the tokens.
    renewing: Option<Instant>,
}

impl SignIn {
    pub(crate) fn new(tokens: Tokens) -> Self {
        let identity = tokens.identity();
        let mut state = State {
            known: Vec::new(),
            tokens: Tokens::new(),
            expires: None,
            unsaved: None,
            refused: None,
            renewing: None,
        };
        state.take(tokens);
        Self {
            identity,
            store: None,
            state: Mutex::new(state),
            gate: Arc::default(),
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

    pub(crate) fn unsaved(&self) -> Option<Error> {
        self.state().unsaved.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else renews. Who takes longer than a request may take sits in a runtime
    /// that nobody runs, and is not waited for.
    async fn enter(&self) -> Option<OwnedMutexGuard<()>> {
        let gate = Arc::clone(&self.gate).lock_owned();
        let guard = if Handle::try_current().is_ok() {
            let since = self.state().renewing;
            let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
            let patience = (LIMIT + GRACE).saturating_sub(waited);
            timeout(patience.max(GRACE), gate).await.ok()
        } else {
            Some(gate.await)
        };
        self.state().renewing = Some(Instant::now());
        guard
    }

    /// Takes over what another process has put into the store. Whether there was something.
    async fn look_into_store(&self) -> bool {
        let Some(store) = &self.store else {
            return false;
        };
        let Ok(Some(found)) = store.load().await else {
            return false;
        };
        let Some(refresh) = &found.refresh else {
            return false;
        };
        let mut state = self.state();
        let is_current = same(state.tokens.refresh.as_ref(), refresh);
        let is_known = state.known.iter().any(|known| same(Some(known), refresh));
        let news = !is_known || is_current && found.remaining() > state.left();
        if news {
            state.take(found.of_client(self.identity.clone()));
            state.unsaved = None;
        }
        news
    }

    async fn save(&self) {
        let Some(store) = &self.store else {
            return;
        };
        let tokens = self.tokens();
        let saved = store.save(&tokens).await;
        let mut state = self.state();
        match saved {
            Ok(()) => state.unsaved = None,
            Err(error) => state.unsaved = Some(error),
        }
    }
}

impl State {
    fn take(&mut self, tokens: Tokens) {
        let now = Instant::now();
        self.expires = tokens.remaining().and_then(|left| now.checked_add(left));
        if let Some(refresh) = &tokens.refresh
            && !same(self.tokens.refresh.as_ref(), refresh)
        {
            if self.known.len() == MOST_KNOWN {
                // The first is what a file that is only read holds for ever.
                self.known.remove(1);
            }
            self.known.push(refresh.clone());
        }
        self.tokens = tokens;
    }

    /// The remaining lifetime of the access token, if that is known.
    fn left(&self) -> Option<Duration> {
        let left = self.expires?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// A sign-in, and where its refresh token is exchanged for access tokens.
#[derive(Clone)]
pub(crate) struct RefreshGrant {
    sign_in: Arc<SignIn>,
    client: OAuthClient,
    name: String,
    /// The access token that was given out last. To be asked again means that it serves no more.
    given: Arc<Mutex<Option<Secret>>>,
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
            given: Arc::default(),
        }
    }

    /// An access token that is good: one that we were not asked to replace, else a new one.
    async fn renew(self) -> Result<NewToken, Error> {
        let _alone = self.sign_in.enter().await;
        let renewed = self.renew_alone().await;
        self.sign_in.state().renewing = None;
        if let Ok(token) = &renewed {
            *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.secret.clone());
        }
        renewed
    }

    async fn renew_alone(&self) -> Result<NewToken, Error> {
        if let Some(token) = self.at_hand() {
            return Ok(token);
        }
        if self.sign_in.look_into_store().await
            && let Some(token) = self.at_hand()
        {
            return Ok(token);
        }
        match self.exchange().await {
            // Perhaps another process was faster, and used the token up.
            Err(error) if is_refusal(&error) && self.sign_in.look_into_store().await => {
                match self.at_hand() {
                    Some(token) => Ok(token),
                    None => self.exchange().await,
                }
            }
            outcome => outcome,
        }
    }

    /// The sign-in's access token, unless it is the one that was given out.
    fn at_hand(&self) -> Option<NewToken> {
        let state = self.sign_in.state();
        let left = state.left()?;
        let access = state.tokens.access.clone()?;
        drop(state);
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let is_given = same(given.as_ref(), &access);
        (left >= WORTH_USING && !is_given).then_some(NewToken {
            secret: access,
            expires_in: Some(left),
        })
    }

    async fn exchange(&self) -> Result<NewToken, Error> {
        let tokens = self.sign_in.tokens();
        let Some(refresh) = tokens.refresh.clone() else {
            return Err(Error::credentials(format!("{} is missing", self.name)));
        };
        if let Some((known, error)) = &self.sign_in.state().refused
            && same(Some(known), &refresh)
        {
            return Err(error.clone());
        }
        let asked = self.request(&tokens, &refresh);
        let asked = if Handle::try_current().is_ok() {
            timeout(LIMIT, asked)
                .await
                .unwrap_or_else(|_| Err(Error::timeout("token request", LIMIT)))
        } else {
            asked.await
        };
        match asked {
            Ok((token, rotated)) => {
                let tokens = tokens.issued(token.secret.clone(), token.expires_in);
                let tokens = match rotated {
                    Some(refresh) => tokens.with_refresh_token(refresh),
                    None => tokens,
                };
                self.sign_in.state().take(tokens);
                self.sign_in.save().await;
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

    /// The new access token, and the refresh token that takes the place of the old one.
    async fn request(
        &self,
        tokens: &Tokens,
        refresh: &Secret,
    ) -> Result<(NewToken, Option<Secret>), Error> {
        let hidden = [Some(refresh), tokens.access_token(), tokens.device_code()];
        let client = self.client.hiding(hidden.into_iter().flatten());
        let grants = client.grants()?;
        let token = RefreshToken::new(refresh.expose().to_owned());
        let mut request = grants.exchange_refresh_token(&token);
        if let Some(code) = tokens.device_code() {
            request = request.add_extra_param("device_code", code.expose());
        }
        let answer = request.request_async(&client).await.map_err(own)?;
        Ok((read(&answer)?, read_refresh(&answer)))
    }
}

impl TokenSource for RefreshGrant {
    /// The exchange is a task of its own that nobody can cancel: what the server answers may be the
    /// only refresh token that it still takes.
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
        no_token(self.client.server.host(), &self.name)
    }
}

#[cfg(test)]
mod tests;
