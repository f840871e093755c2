//! The requests of a session that wait for their responses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetMeta};
use serde_json::Value;

use super::exchange::{Exchange, ExchangeRef, ProgressListener, lock};
use super::message;

/// The exchanges in flight, by the ids of their requests.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<String, Waiting>>);

/// An exchange in flight.
#[derive(Clone)]
pub(super) struct Waiting {
    /// The id of the request, as it was sent.
    pub(super) id: Value,
    /// `true` for the request that starts the session.
    pub(super) starts_session: bool,
    progress_token: Option<String>,
    exchange: ExchangeRef,
}

impl Waiting {
    /// Returns the exchange, unless the caller is gone.
    pub(super) fn exchange(&self) -> Option<Arc<Exchange>> {
        self.exchange.get()
    }
}

/// Removes an exchange from those in flight when it is dropped.
pub(super) struct Registration<'a> {
    pending: &'a Pending,
    exchange: &'a Exchange,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.exchange.id() {
            lock(&self.pending.0).remove(&id);
        }
    }
}

impl Pending {
    /// Keeps an exchange in flight for as long as the caller waits.
    pub(super) fn registration<'a>(&'a self, exchange: &'a Exchange) -> Registration<'a> {
        Registration {
            pending: self,
            exchange,
        }
    }

    /// Registers a request that is about to be sent; returns `None` for other messages.
    pub(super) fn register(
        &self,
        message: &ClientJsonRpcMessage,
        exchange: ExchangeRef,
    ) -> Option<Waiting> {
        let ClientJsonRpcMessage::Request(request) = message else {
            return None;
        };
        let id = serde_json::to_value(&request.id).ok()?;
        let token = request.request.get_meta().get_progress_token();
        let token = token.and_then(|token| serde_json::to_value(token).ok());
        let waiting = Waiting {
            starts_session: matches!(request.request, ClientRequest::InitializeRequest(_)),
            progress_token: token.as_ref().and_then(message::id),
            exchange,
            id,
        };
        let key = message::id(&waiting.id)?;
        waiting.exchange()?.record_id(&key);
        let mut pending = lock(&self.0);
        // A caller may have left while its request was registered.
        pending.retain(|_, waiting| waiting.exchange.0.strong_count() > 0);
        pending.insert(key, waiting.clone());
        Some(waiting)
    }

    /// Returns the exchange of the request with this id.
    pub(super) fn by_id(&self, id: &str) -> Option<Waiting> {
        lock(&self.0).get(id).cloned()
    }

    /// Returns the exchange whose response is resumed after this event.
    pub(super) fn by_last_event(&self, id: &str) -> Option<Waiting> {
        let pending = lock(&self.0);
        let mut pending = pending.values();
        let is_resumed = |waiting: &&Waiting| {
            let exchange = waiting.exchange();
            exchange.is_some_and(|exchange| exchange.has_last_event(id))
        };
        pending.find(is_resumed).cloned()
    }

    /// Returns all exchanges in flight.
    pub(super) fn all(&self) -> Vec<Arc<Exchange>> {
        let pending = lock(&self.0);
        pending.values().filter_map(Waiting::exchange).collect()
    }

    /// Returns the listener for the progress reported under a token.
    pub(super) fn progress_listener(&self, token: &Value) -> Option<ProgressListener> {
        let token = message::id(token);
        let pending = lock(&self.0);
        let mut pending = pending.values();
        let listens = |waiting: &&Waiting| token.is_some() && waiting.progress_token == token;
        pending.find(listens)?.exchange()?.progress.clone()
    }
}
