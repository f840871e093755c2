//! The state that the parts of a session share.

use std::sync::{Arc, Mutex};

#[cfg(feature = "mcp-websocket")]
use blaxel_core::__private::ErrorParts;
use blaxel_core::__private::workload::Target;
use blaxel_core::Error;
use rmcp::model::ProtocolVersion;
use tokio::sync::watch;

#[cfg(feature = "mcp-websocket")]
use super::error;
use super::exchange::{Exchange, lock};
use super::host::Operations;
use super::model::Notification;
use super::pending::Pending;

pub(super) type Listener = Arc<dyn Fn(Notification) + Send + Sync>;

/// The protocol version that the client asks for.
pub(super) const REQUESTED_VERSION: ProtocolVersion = ProtocolVersion::LATEST_WITH_INITIALIZE;

/// The maximum size of a message of a server, and of a response that is read into memory, in bytes.
pub(super) const MESSAGE_LIMIT: usize = 32 * 1024 * 1024;

/// The state of the stream of messages that are not responses to a particular request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Listening {
    Opening,
    Open,
    Refused,
}

/// The state of one session.
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) operations: &'static Operations,
    pub(super) listener: Option<Listener>,
    pub(super) pending: Pending,
    /// The request that starts the session, for the first time or again.
    pub(super) startup: Arc<Exchange>,
    listening: watch::Sender<Listening>,
    /// The last failure of a message that has no response.
    failure: Mutex<Option<Error>>,
    /// The reason for which the connection of the session has ended, if it has one.
    end: Mutex<Option<Error>>,
}

impl Shared {
    pub(super) fn new(
        target: Target,
        operations: &'static Operations,
        listener: Option<Listener>,
    ) -> Self {
        Self {
            startup: Exchange::new(None, target.options()),
            target,
            operations,
            listener,
            pending: Pending::default(),
            listening: watch::Sender::new(Listening::Opening),
            failure: Mutex::new(None),
            end: Mutex::new(None),
        }
    }

    pub(super) fn set_listening(&self, state: Listening) {
        self.listening.send_replace(state);
    }

    /// Waits until it is known if there is a stream on which a response can arrive that is not in the body of
    /// its own POST. Returns `true` if there is one.
    pub(super) async fn is_listening(&self, session: Option<&str>) -> bool {
        // `rmcp` opens the stream of a session only, and `HttpTransport` only for a listener.
        if session.is_none() || self.listener.is_none() {
            return false;
        }
        let mut listening = self.listening.subscribe();
        let settled = listening.wait_for(|state| *state != Listening::Opening);
        settled.await.is_ok_and(|state| *state == Listening::Open)
    }

    /// Records the failure of a message that has no response, for the caller that closes the session.
    pub(super) fn record_failure(&self, failure: Error) {
        *lock(&self.failure) = Some(failure);
    }

    /// Records the end of the session's connection, and fails the requests that wait for their responses.
    #[cfg(feature = "mcp-websocket")]
    pub(super) fn record_end(&self, reason: &Error) {
        *lock(&self.end) = Some(reason.clone());
        for exchange in self.pending.all() {
            let failure = error::no_response(reason.clone());
            exchange.record_failure(failure.with_delivery(exchange.delivery()));
        }
    }

    /// Returns the reason for which the session's connection has ended, if it has.
    pub(super) fn end(&self) -> Option<Error> {
        lock(&self.end).clone()
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }
}
