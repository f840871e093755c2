//! A token cache with a single refresh task for all callers.

use std::collections::hash_map::RandomState;
use std::future::{Future, poll_fn};
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::task::Poll;
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, later};
use blaxel_core::Error;
use http::HeaderValue;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::token::{Token, TokenSource};

/// The time limit of a token request.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The time after the limit at which a refresh task counts as stuck, in a runtime that is not running.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
const COOL_DOWN: Duration = Duration::from_secs(5);
const MAX_COOL_DOWN: Duration = Duration::from_secs(60);
/// Refused credentials are unlikely to be accepted soon after.
const REFUSED_COOL_DOWN: Duration = Duration::from_secs(30);
/// The time for which a token that replaced a refused one is not replaced again.
const REPLACED_COOL_DOWN: Duration = Duration::from_secs(30);

/// Holds the current token and renews it, with a single token request for all callers.
///
/// The request runs as a *refresh task*, independent of the callers, all of which wait for its result. The
/// task holds the cache weakly, and ends when nobody can use its result any more.
#[derive(Clone)]
pub(crate) struct TokenCache {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn TokenSource>,
    /// A random number from 0 to 1, which differs between processes.
    jitter: f64,
    /// Never locked while anything that could lock it too is awaited, dropped or spawned.
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    refresh: Option<Refresh>,
    failure: Option<Failure>,
    /// `true` if the last token was dropped because it was refused.
    is_refused: bool,
    /// The time until which the token, which replaced a refused one, is kept even if it is refused too.
    kept_until: Option<Instant>,
    /// Number of refresh tasks so far, from which their ids come.
    refreshes: u64,
}

type Outcome = Result<HeaderValue, Error>;

/// A refresh task in progress, for those who wait for it.
#[derive(Clone)]
struct Refresh {
    id: u64,
    started: Instant,
    result: watch::Receiver<Option<Outcome>>,
}

/// A failed refresh, remembered so that it is not repeated at once.
struct Failure {
    error: Error,
    until: Instant,
}

/// The state of the cache for a caller.
enum Lookup {
    Ready(HeaderValue),
    /// A valid token that is due for renewal.
    Expiring(HeaderValue),
    Refreshing(Refresh),
    Failed(Error),
    Empty,
}

impl State {
    fn lookup(&self, now: Instant) -> Lookup {
        let refresh = self
            .refresh
            .as_ref()
            .filter(|refresh| now < refresh.deadline());
        let failure = self.failure.as_ref().filter(|failure| now < failure.until);
        match (&self.token, refresh, failure) {
            (Some(token), None, None) if token.renew <= now && now < token.expires => {
                Lookup::Expiring(token.header.clone())
            }
            (Some(token), ..) if now < token.expires => Lookup::Ready(token.header.clone()),
            (_, Some(refresh), _) => Lookup::Refreshing(refresh.clone()),
            (_, None, Some(failure)) => Lookup::Failed(failure.error.clone()),
            (_, None, None) => Lookup::Empty,
        }
    }
}

impl Refresh {
    fn deadline(&self) -> Instant {
        later(self.started, REQUEST_TIMEOUT.saturating_add(GRACE))
    }

    /// Waits for the result; `None` if the refresh task was dropped or is stuck.
    async fn wait(mut self) -> Option<Outcome> {
        let deadline = self.deadline();
        let finished = self.result.wait_for(Option::is_some);
        let finished = if Handle::try_current().is_ok() {
            timeout_at(deadline, finished).await.ok()?
        } else {
            finished.await
        };
        finished.ok()?.clone()
    }
}

impl TokenCache {
    pub(crate) fn new(source: impl TokenSource) -> Self {
        let random = RandomState::new().hash_one(0_u8) >> 32;
        let jitter = random as f64 / f64::from(u32::MAX);
        let state = RwLock::default();
        Self {
            shared: Arc::new(Shared {
                source: Arc::new(source),
                jitter,
                state,
            }),
        }
    }

    /// Returns the current token if it is valid, and starts its renewal when that is due.
    pub(crate) fn ready(&self) -> Option<HeaderValue> {
        // A binding of its own, so that the lock is released before the match.
        let lookup = self.shared.read().lookup(Instant::now());
        match lookup {
            Lookup::Ready(header) => Some(header),
            Lookup::Expiring(header) => {
                if let Ok(runtime) = Handle::try_current()
                    && let Some((_, task)) = self.shared.start_refresh()
                {
                    runtime.spawn(task.run(true));
                }
                Some(header)
            }
            _ => None,
        }
    }

    /// Returns the current token, or waits for the next one.
    pub(crate) async fn header(&self) -> Outcome {
        let mut runtime = Handle::try_current().ok();
        loop {
            if let Some(header) = self.ready() {
                return Ok(header);
            }
            let lookup = self.shared.read().lookup(Instant::now());
            let outcome = match lookup {
                Lookup::Ready(header) | Lookup::Expiring(header) => return Ok(header),
                Lookup::Failed(error) => return Err(error),
                Lookup::Refreshing(refresh) => refresh.wait().await,
                Lookup::Empty => {
                    let Some((refresh, task)) = self.shared.start_refresh() else {
                        continue;
                    };
                    match &runtime {
                        Some(runtime) => drop(runtime.spawn(task.run(true))),
                        None => task.run(false).await,
                    }
                    let outcome = refresh.wait().await;
                    if outcome.is_none() {
                        // The runtime is shutting down, or is not running.
                        runtime = None;
                    }
                    outcome
                }
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// Drops the token if it is `used`. Returns `true` if another one may be available now.
    ///
    /// A token that has just replaced a refused one is kept: the next one would be refused too.
    pub(crate) fn invalidate(&self, used: &HeaderValue) -> bool {
        let now = Instant::now();
        let mut state = self.shared.write();
        if state
            .token
            .as_ref()
            .is_some_and(|token| token.header == *used)
        {
            if state.kept_until.is_some_and(|until| now < until) {
                return false;
            }
            state.token = None;
            state.is_refused = true;
        }
        !matches!(state.lookup(now), Lookup::Failed(_))
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a refresh and returns its task for the caller to run, unless another caller has
    /// registered one first.
    fn start_refresh(self: &Arc<Self>) -> Option<(Refresh, RefreshTask)> {
        let started = Instant::now();
        let (sender, result) = watch::channel(None);
        let mut state = self.write();
        if !matches!(state.lookup(started), Lookup::Expiring(_) | Lookup::Empty) {
            return None;
        }
        state.refreshes += 1;
        let id = state.refreshes;
        let refresh = Refresh {
            id,
            started,
            result,
        };
        state.refresh = Some(refresh.clone());
        drop(state);
        let shared = Arc::downgrade(self);
        let source = Arc::clone(&self.source);
        Some((
            refresh,
            RefreshTask {
                shared,
                source,
                sender,
                id,
                started,
            },
        ))
    }

    /// Removes a refresh. Returns `false` if another one has replaced it.
    fn end(state: &mut State, id: u64) -> bool {
        let current = state
            .refresh
            .as_ref()
            .is_some_and(|refresh| refresh.id == id);
        if current {
            state.refresh = None;
        }
        current
    }
}

/// A registered refresh that is to be run. If it is dropped before it has a result, those who wait for it
/// start another.
struct RefreshTask {
    shared: Weak<Shared>,
    source: Arc<dyn TokenSource>,
    sender: watch::Sender<Option<Outcome>>,
    id: u64,
    started: Instant,
}

impl RefreshTask {
    /// Fetches a token and publishes the result, with a time limit if `limited`.
    async fn run(self, limited: bool) {
        let source = Arc::clone(&self.source);
        let fetch = async move {
            if limited {
                timeout(REQUEST_TIMEOUT, source.fetch()).await.ok()
            } else {
                Some(source.fetch().await)
            }
        };
        let fetched = match self.until_abandoned(catch_panic(fetch)).await {
            Some(Some(Some(fetched))) => fetched,
            Some(Some(None)) => {
                Err(self.describe(Error::timeout("token request", REQUEST_TIMEOUT)))
            }
            Some(None) => Err(self.describe(Error::credentials("the request panicked"))),
            None => return,
        };
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let token = fetched.and_then(|new| {
            let token = Token::new(&new, self.started, shared.jitter);
            token.map_err(|error| self.describe(error))
        });
        let outcome = match &token {
            Ok(token) => Ok(token.header.clone()),
            Err(error) => Err(error.clone()),
        };
        let mut state = shared.write();
        if Shared::end(&mut state, self.id) {
            match token {
                Ok(token) => {
                    state.token = Some(token);
                    state.failure = None;
                    let replaces_refused = std::mem::take(&mut state.is_refused);
                    let kept = later(Instant::now(), REPLACED_COOL_DOWN);
                    state.kept_until = replaces_refused.then_some(kept);
                }
                Err(error) => state.failure = Some(Failure::new(error)),
            }
        }
        drop(state);
        self.sender.send_replace(Some(outcome));
    }

    fn describe(&self, error: Error) -> Error {
        error.while_authenticating(self.source.describe())
    }

    /// Drives a future until it ends, or until the cache and all who wait are gone.
    async fn until_abandoned<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut abandoned = pin!(self.sender.closed());
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => abandoned.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}

impl Drop for RefreshTask {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            // Has no effect after a result was published.
            let _ = Shared::end(&mut shared.write(), self.id);
        }
    }
}

impl Failure {
    fn new(error: Error) -> Self {
        let wait = if is_refusal(&error) {
            REFUSED_COOL_DOWN
        } else {
            COOL_DOWN
        };
        let requested = error.retry_after().unwrap_or_default().min(MAX_COOL_DOWN);
        Self {
            error,
            until: later(Instant::now(), wait.max(requested)),
        }
    }
}

/// Returns `true` if the server refused the credentials themselves, rather than failed. The platform does so
/// with 400 as well as with 401, and other servers even with 200.
pub(crate) fn is_refusal(error: &Error) -> bool {
    match (error.status().map(|status| status.as_u16()), error.code()) {
        (_, Some("temporarily_unavailable" | "server_error" | "slow_down")) => false,
        (_, Some("invalid_client" | "invalid_grant" | "unauthorized_client")) => true,
        (Some(400 | 401), _) | (Some(200..=299), Some(_)) => true,
        _ => false,
    }
}

/// Drives a future; returns `None` if it panics. The panic hook has received the panic's message.
pub(crate) async fn catch_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        },
    )
    .await
}

#[cfg(test)]
mod tests;
