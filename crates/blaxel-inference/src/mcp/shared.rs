//! The state that the parts of a session share.

use std::sync::{Arc, Mutex};

use blaxel_core::Error;

use super::exchange::{ExchangeRef, Tokens, lock};
use super::host::Operations;
use super::model::Notification;
use crate::target::Target;

pub(super) type Listener = Arc<dyn Fn(Notification) + Send + Sync>;

/// The state of one session.
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) operations: &'static Operations,
    pub(super) listener: Option<Listener>,
    pub(super) tokens: Tokens,
    /// The last failure of a request that no caller waits for.
    failure: Mutex<Option<Error>>,
}

impl Shared {
    pub(super) fn new(
        target: Target,
        operations: &'static Operations,
        listener: Option<Listener>,
    ) -> Self {
        Self {
            target,
            operations,
            listener,
            tokens: Tokens::default(),
            failure: Mutex::new(None),
        }
    }

    /// Records the cause of a failure for the caller that waits, or for the one that closes the session.
    pub(super) fn record_failure(&self, exchange: Option<&ExchangeRef>, failure: &Error) {
        match exchange {
            None => *lock(&self.failure) = Some(failure.clone()),
            Some(ExchangeRef(exchange)) => {
                if let Some(exchange) = exchange.upgrade() {
                    exchange.record_failure(failure.clone());
                }
            }
        }
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }
}
