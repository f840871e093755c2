//! One request in flight: the state that its caller waits for, and its cancellation.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use blaxel_core::{CallOptions, Error};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, GetMeta, ServerResult};
use rmcp::service::{RequestHandle, ServiceError};
use serde_json::Value;

use super::model::Progress;

pub(super) type ProgressListener = Arc<dyn Fn(Progress) + Send + Sync>;

/// The state that a caller shares with the transport. `rmcp` keeps neither the causes of failures nor the
/// order of notifications.
pub(super) struct Exchange {
    pub(super) progress: Option<ProgressListener>,
    options: Option<CallOptions>,
    failure: Mutex<Option<Error>>,
}

impl Exchange {
    pub(super) fn new(
        progress: Option<ProgressListener>,
        options: Option<CallOptions>,
    ) -> Arc<Self> {
        Arc::new(Self {
            progress,
            options,
            failure: Mutex::new(None),
        })
    }

    pub(super) fn record_failure(&self, error: Error) {
        *lock(&self.failure) = Some(error);
    }

    pub(super) fn failure(&self) -> Option<Error> {
        lock(&self.failure).take()
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

    /// Returns the options of the call, if it has its own.
    pub(super) fn options(&self) -> Option<CallOptions> {
        self.0.upgrade()?.options
    }
}

/// The exchanges with a progress listener, by the token under which the server reports progress.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Weak<Exchange>>>);

impl Tokens {
    /// Registers a request that is about to be sent, if it has a progress listener.
    pub(super) fn register(&self, message: &ClientJsonRpcMessage, exchange: &ExchangeRef) {
        let listens = exchange
            .0
            .upgrade()
            .is_some_and(|exchange| exchange.progress.is_some());
        let ClientJsonRpcMessage::Request(request) = message else {
            return;
        };
        let token = request.request.get_meta().get_progress_token();
        let (true, Some(Ok(token))) = (listens, token.map(serde_json::to_value)) else {
            return;
        };
        let mut tokens = lock(&self.0);
        tokens.retain(|_, exchange| exchange.strong_count() > 0);
        tokens.insert(token.to_string(), exchange.0.clone());
    }

    /// Returns the listener for the progress reported under a token.
    pub(super) fn listener(&self, token: &Value) -> Option<ProgressListener> {
        let exchange = lock(&self.0).get(&token.to_string())?.upgrade()?;
        exchange.progress.clone()
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
