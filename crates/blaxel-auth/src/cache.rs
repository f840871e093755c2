//! One token for many callers.

use std::collections::hash_map::RandomState;
use std::future::{Future, poll_fn};
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::task::Poll;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use http::HeaderValue;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::token::{Token, TokenSource};

/// The time limit of a request for a token.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// A request that has not ended so long after its limit is stuck in a runtime that nobody runs.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
const COOL_DOWN: Duration = Duration::from_secs(5);
const LONGEST_COOL_DOWN: Duration = Duration::from_secs(60);
/// Refused credentials are seldom accepted a moment later.
const REFUSED_COOL_DOWN: Duration = Duration::from_secs(30);

/// Holds the current token and renews it, with one request however many ask.
///
/// A request under way is a *flight*. It belongs to no caller: it runs as a task of its own, and
/// whoever waits for a token waits for it to land. The task holds the cache weakly and ends when
/// nobody could use its result any more.
#[derive(Clone)]
pub(crate) struct TokenCache {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn TokenSource>,
    /// From 0 to 1, another in each process.
    jitter: f64,
    /// Never held while anything is awaited, dropped or spawned that could want it too.
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    flight: Option<Flight>,
    failure: Option<Failure>,
    flights: u64,
}

type Outcome = Result<HeaderValue, Error>;

#[derive(Clone)]
struct Flight {
    number: u64,
    started: Instant,
    landing: watch::Receiver<Option<Outcome>>,
}

/// A failed flight, remembered so that it is not repeated at once.
struct Failure {
    error: Error,
    until: Instant,
}

/// The state of the cache for a caller.
enum Look {
    Ready(HeaderValue),
    /// A token that serves, but should be renewed.
    Ageing(HeaderValue),
    Wait(Flight),
    Failed(Error),
    Nothing,
}

impl State {
    fn look(&self, now: Instant) -> Look {
        let flight = self
            .flight
            .as_ref()
            .filter(|flight| now < flight.deadline());
        let failure = self.failure.as_ref().filter(|failure| now < failure.until);
        match (&self.token, flight, failure) {
            (Some(token), None, None) if token.renew <= now && now < token.expires => {
                Look::Ageing(token.header.clone())
            }
            (Some(token), ..) if now < token.expires => Look::Ready(token.header.clone()),
            (_, Some(flight), _) => Look::Wait(flight.clone()),
            (_, None, Some(failure)) => Look::Failed(failure.error.clone()),
            (_, None, None) => Look::Nothing,
        }
    }
}

impl Flight {
    fn deadline(&self) -> Instant {
        self.started + LIMIT + GRACE
    }

    /// Waits for the landing; `None` if the flight was given up or is stuck.
    async fn land(mut self) -> Option<Outcome> {
        let deadline = self.deadline();
        let landed = self.landing.wait_for(Option::is_some);
        let landed = if Handle::try_current().is_ok() {
            timeout_at(deadline, landed).await.ok()?
        } else {
            landed.await
        };
        landed.ok()?.clone()
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

    /// The current token, if it serves. Begins its renewal when it is time.
    pub(crate) fn ready(&self) -> Option<HeaderValue> {
        // Bound to a name so that the lock is not held on.
        let look = self.shared.read().look(Instant::now());
        match look {
            Look::Ready(header) => Some(header),
            Look::Ageing(header) => {
                if let Ok(runtime) = Handle::try_current()
                    && let Some((_, departure)) = self.shared.depart()
                {
                    runtime.spawn(departure.fly(true));
                }
                Some(header)
            }
            _ => None,
        }
    }

    /// The current token, or the next.
    pub(crate) async fn header(&self) -> Outcome {
        let mut runtime = Handle::try_current().ok();
        loop {
            if let Some(header) = self.ready() {
                return Ok(header);
            }
            let look = self.shared.read().look(Instant::now());
            let outcome = match look {
                Look::Ready(header) | Look::Ageing(header) => return Ok(header),
                Look::Failed(error) => return Err(error),
                Look::Wait(flight) => flight.land().await,
                Look::Nothing => {
                    let Some((flight, departure)) = self.shared.depart() else {
                        continue;
                    };
                    match &runtime {
                        Some(runtime) => drop(runtime.spawn(departure.fly(true))),
                        None => departure.fly(false).await,
                    }
                    let outcome = flight.land().await;
                    if outcome.is_none() {
                        // The runtime is shutting down, or stands still.
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

    /// Drops the token if it is this one. Whether another can be had now.
    pub(crate) fn invalidate(&self, used: &HeaderValue) -> bool {
        let now = Instant::now();
        let mut state = self.shared.write();
        if state
            .token
            .as_ref()
            .is_some_and(|token| token.header == *used)
        {
            state.token = None;
        }
        !matches!(state.look(now), Look::Failed(_))
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a flight, unless another caller was faster. It must be flown by the caller then.
    fn depart(self: &Arc<Self>) -> Option<(Flight, Departure)> {
        let started = Instant::now();
        let (sender, landing) = watch::channel(None);
        let mut state = self.write();
        if !matches!(state.look(started), Look::Ageing(_) | Look::Nothing) {
            return None;
        }
        state.flights += 1;
        let number = state.flights;
        let flight = Flight {
            number,
            started,
            landing,
        };
        state.flight = Some(flight.clone());
        drop(state);
        let shared = Arc::downgrade(self);
        let source = Arc::clone(&self.source);
        Some((
            flight,
            Departure {
                shared,
                source,
                sender,
                number,
                started,
            },
        ))
    }

    /// Takes down a flight. `false` if another one has taken its place.
    fn end(state: &mut State, number: u64) -> bool {
        let current = state
            .flight
            .as_ref()
            .is_some_and(|flight| flight.number == number);
        if current {
            state.flight = None;
        }
        current
    }
}

/// A flight that was entered and is to be flown. Dropped before it has landed, it is given up, and
/// those who wait for it begin another.
struct Departure {
    shared: Weak<Shared>,
    source: Arc<dyn TokenSource>,
    sender: watch::Sender<Option<Outcome>>,
    number: u64,
    started: Instant,
}

impl Departure {
    async fn fly(self, limited: bool) {
        let source = Arc::clone(&self.source);
        let fetch = async move {
            if limited {
                timeout(LIMIT, source.fetch()).await.ok()
            } else {
                Some(source.fetch().await)
            }
        };
        let fetched = match self.until_unwanted(unpanicked(fetch)).await {
            Some(Some(Some(fetched))) => fetched,
            Some(Some(None)) => Err(self.describe(Error::timeout("token request", LIMIT))),
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
        if Shared::end(&mut state, self.number) {
            match token {
                Ok(token) => {
                    state.token = Some(token);
                    state.failure = None;
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

    /// Drives a future until it ends, or the cache and all who waited are gone.
    async fn until_unwanted<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut unwanted = pin!(self.sender.closed());
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => unwanted.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            // After a landing there is nothing to take down.
            let _ = Shared::end(&mut shared.write(), self.number);
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
        let asked = error
            .retry_after()
            .unwrap_or_default()
            .min(LONGEST_COOL_DOWN);
        Self {
            error,
            until: Instant::now() + wait.max(asked),
        }
    }
}

/// Returns `true` if the server refused the credentials themselves, rather than failed. The platform
/// does so with 400 as well as with 401.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(
        error.status().map(|status| status.as_u16()),
        Some(400 | 401)
    ) || matches!(
        error.code(),
        Some("invalid_client" | "invalid_grant" | "unauthorized_client")
    )
}

/// Drives a future; `None` if it panics. The panic's message has gone to the panic hook.
async fn unpanicked<T>(future: impl Future<Output = T>) -> Option<T> {
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
