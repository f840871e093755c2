//! One request in flight: the state that its caller waits for, its time limit, and its cancellation.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use blaxel_core::__private::{ErrorParts, journal, time_limit};
use blaxel_core::{CallContext, CallOptions, Delivery, Error};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, ServerResult};
use rmcp::service::{RequestHandle, ServiceError};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::model::Progress;

pub(super) type ProgressListener = Arc<dyn Fn(Progress) + Send + Sync>;

/// The time limit on a call whose service records none, like the client's default.
const DEFAULT_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The state that a caller shares with the transport. `rmcp` keeps neither the causes of failures nor results
/// as the server sent them, and it ignores what is not a proper response.
pub(super) struct Exchange {
    pub(super) progress: Option<ProgressListener>,
    options: Option<CallOptions>,
    started: Instant,
    /// The time limit, once it is known.
    limit: watch::Sender<Option<Duration>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The id of the request, once it is registered.
    id: Option<String>,
    /// The context of the HTTP request, once there is one.
    context: Option<CallContext>,
    /// `true` once there was an HTTP response, or the request was sent on a connection.
    responded: bool,
    /// The id of the last event of the response, with which the response is resumed.
    last_event: Option<String>,
    /// The server's response.
    outcome: Option<Result<Value, Error>>,
    /// The last failure. It is the outcome if there is no response.
    failure: Option<Error>,
    /// The last message of the server that did not fit. It explains a failure.
    stray: Option<Error>,
}

impl Exchange {
    /// Creates the state of a request that has these options.
    pub(super) fn new(
        progress: Option<ProgressListener>,
        options: Option<CallOptions>,
    ) -> Arc<Self> {
        let limit = options.and_then(|options| options.deadline());
        Arc::new(Self {
            progress,
            options,
            started: Instant::now(),
            limit: watch::Sender::new(limit),
            state: Mutex::default(),
        })
    }

    pub(super) fn record_id(&self, id: &str) {
        lock(&self.state).id = Some(id.to_owned());
    }

    pub(super) fn id(&self) -> Option<String> {
        lock(&self.state).id.clone()
    }

    /// Records that the request is handed to the service.
    pub(super) fn record_sent(&self, context: Option<CallContext>) {
        lock(&self.state).context = context;
    }

    /// Records that there is an HTTP response. The service limits the time up to here, and the exchange limits the
    /// rest: the body, and the waits for a resumed response or for one on another stream.
    pub(super) fn record_head(&self) {
        let mut state = lock(&self.state);
        state.responded = true;
        let limit = state.context.as_ref().and_then(time_limit);
        let options = state.context.as_ref().map(CallContext::options);
        drop(state);
        let limit = limit.or_else(|| options.and_then(|options| options.deadline()));
        self.limit_to(limit);
    }

    /// Records that the request is sent on a connection, whose service limits calls to this time. The exchange limits
    /// all of it.
    #[cfg(feature = "mcp-websocket")]
    pub(super) fn record_sent_on_connection(&self, limit: Option<Duration>) {
        lock(&self.state).responded = true;
        self.limit_to(limit);
    }

    /// Sets the time limit, unless it is known.
    fn limit_to(&self, limit: Option<Duration>) {
        self.limit.send_if_modified(|known| {
            let is_new = known.is_none();
            known.get_or_insert(limit.unwrap_or(DEFAULT_LIMIT));
            is_new
        });
    }

    pub(super) fn record_event_id(&self, id: &str) {
        lock(&self.state).last_event = Some(id.to_owned());
    }

    pub(super) fn has_last_event(&self, id: &str) -> bool {
        lock(&self.state).last_event.as_deref() == Some(id)
    }

    /// Records a failure. A response takes precedence over it.
    pub(super) fn record_failure(&self, failure: Error) {
        lock(&self.state).failure = Some(failure);
    }

    /// Records a message of the server that did not fit.
    pub(super) fn record_stray(&self, stray: Error) {
        lock(&self.state).stray = Some(stray);
    }

    /// Returns the message of the server that did not fit, if there was one.
    pub(super) fn take_stray(&self) -> Option<Error> {
        lock(&self.state).stray.take()
    }

    /// Records the server's response.
    pub(super) fn complete(&self, outcome: Result<Value, Error>) {
        lock(&self.state).outcome = Some(outcome);
    }

    pub(super) fn is_complete(&self) -> bool {
        lock(&self.state).outcome.is_some()
    }

    /// Returns the server's response, or the failure; `None` if nothing was recorded.
    pub(super) fn take_outcome(&self) -> Option<Result<Value, Error>> {
        let mut state = lock(&self.state);
        let outcome = state.outcome.take();
        outcome.or_else(|| state.failure.take().map(Err))
    }

    /// Waits for a result until the time limit of the exchange expires.
    pub(super) async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            outcome = work => outcome,
            error = self.expiry() => Err(error),
        }
    }

    /// Waits until the time limit expires, and returns the error.
    async fn expiry(&self) -> Error {
        let mut known = self.limit.subscribe();
        let limit = match known.wait_for(Option::is_some).await {
            Ok(limit) => limit.unwrap_or(DEFAULT_LIMIT),
            // The sender is part of the exchange.
            Err(_) => DEFAULT_LIMIT,
        };
        tokio::time::sleep(limit.saturating_sub(self.started.elapsed())).await;
        let error = Error::timeout("call", limit).with_delivery(self.delivery());
        let mut state = lock(&self.state);
        let error = match &state.context {
            Some(context) => error.with_context(context),
            None => error,
        };
        match state.failure.take().or_else(|| state.stray.take()) {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }

    /// Returns the extent to which the request may have been processed, if there is no response.
    pub(super) fn delivery(&self) -> Delivery {
        let state = lock(&self.state);
        match &state.context {
            _ if state.responded => Delivery::Unknown,
            None => Delivery::NotSent,
            // A client that records a limit counts the attempts, too.
            Some(context)
                if time_limit(context).is_some() && !journal(context).may_have_been_processed() =>
            {
                Delivery::NotSent
            }
            Some(_) => Delivery::Unknown,
        }
    }
}

/// A reference to the exchange of a message. It is passed through `rmcp` with the message, and is dead once
/// the caller is gone.
#[derive(Clone)]
pub(super) struct ExchangeRef(pub(super) Weak<Exchange>);

impl ExchangeRef {
    pub(super) fn of(message: &ClientJsonRpcMessage) -> Option<Self> {
        match message {
            ClientJsonRpcMessage::Request(request) => {
                request.request.extensions().get::<Self>().cloned()
            }
            _ => None,
        }
    }

    /// Returns the exchange, unless the caller is gone.
    pub(super) fn get(&self) -> Option<Arc<Exchange>> {
        self.0.upgrade()
    }

    /// Returns the options of the call, if it has its own.
    pub(super) fn options(&self) -> Option<CallOptions> {
        self.get()?.options
    }
}

/// Waits for the result of a request. If it is dropped earlier, the request is cancelled at the server.
pub(super) struct PendingResult(Option<RequestHandle<RoleClient>>);

impl PendingResult {
    pub(super) fn new(handle: RequestHandle<RoleClient>) -> Self {
        Self(Some(handle))
    }
}

impl Future for PendingResult {
    type Output = Result<ServerResult, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handle) = &mut self.0 else {
            return Poll::Pending;
        };
        let outcome = ready!(Pin::new(&mut handle.rx).poll(cx));
        self.0 = None;
        Poll::Ready(outcome.unwrap_or(Err(ServiceError::TransportClosed)))
    }
}

impl Drop for PendingResult {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            let message = handle.cancel(Some("the caller has stopped waiting".to_owned()));
            // The first poll puts the message into the queue of the session, which sends it.
            let mut message = pin!(tokio::task::unconstrained(message));
            let _ = message
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Locks a mutex, ignoring poisoning: no panic can leave one of these states inconsistent.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
