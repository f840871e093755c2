//! One request on its way: what its caller waits for, and how it is called off.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use blaxel_core::Error;
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, GetMeta, ServerResult};
use rmcp::service::{RequestHandle, ServiceError};
use serde_json::Value;

use super::model::Progress;

pub(super) type ProgressListener = Arc<dyn Fn(Progress) + Send + Sync>;

/// What a caller and the wire tell each other past `rmcp`, which keeps neither the causes of failures
/// nor the order of notifications.
pub(super) struct Exchange {
    pub(super) progress: Option<ProgressListener>,
    failure: Mutex<Option<Error>>,
}

impl Exchange {
    pub(super) fn new(progress: Option<ProgressListener>) -> Arc<Self> {
        Arc::new(Self {
            progress,
            failure: Mutex::new(None),
        })
    }

    pub(super) fn failed(&self, error: Error) {
        *lock(&self.failure) = Some(error);
    }

    pub(super) fn failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }
}

/// The exchange that a message belongs to. It goes along with the message inside of `rmcp`, and leads
/// nowhere once the caller is gone.
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
}

/// The exchanges whose callers hear of progress, by the token that the server reports it under.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Weak<Exchange>>>);

impl Tokens {
    /// Takes up a request that is about to be sent.
    pub(super) fn note(&self, message: &ClientJsonRpcMessage, exchange: &ExchangeRef) {
        let listens = exchange.0.upgrade().is_some_and(|it| it.progress.is_some());
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

    /// Who hears of the progress reported under a token.
    pub(super) fn listener(&self, token: &Value) -> Option<ProgressListener> {
        let exchange = lock(&self.0).get(&token.to_string())?.upgrade()?;
        exchange.progress.clone()
    }
}

/// Waits for the result of a request. Dropped before, it tells the server that the request is off.
pub(super) struct Awaited(Option<RequestHandle<RoleClient>>);

impl Awaited {
    pub(super) fn new(handle: RequestHandle<RoleClient>) -> Self {
        Self(Some(handle))
    }
}

impl Future for Awaited {
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

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            let word = handle.cancel(Some("the caller has stopped waiting".to_owned()));
            // The first poll puts the word in the session's queue; what comes after is its business.
            let mut word = pin!(tokio::task::unconstrained(word));
            let _ = word.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Locks a mutex. No change under one of these is left half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
