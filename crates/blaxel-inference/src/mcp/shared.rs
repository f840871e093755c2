//! The state that the parts of a session share.

use std::sync::{Arc, Mutex};

use blaxel_core::__private::workload::Target;
use blaxel_core::Error;
use rmcp::model::ProtocolVersion;
use tokio::sync::watch;

use super::exchange::{Exchange, lock};
use super::host::Operations;
use super::model::Notification;
use super::pending::Pending;

pub(super) type Listener = Arc<dyn Fn(Notification) + Send + Sync>;

/// The protocol version that the client asks for.
pub(super) const REQUESTED_VERSION: ProtocolVersion = ProtocolVersion::LATEST_WITH_INITIALIZE;

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
        }
    }

    pub(super) fn set_listening(&self, state: Listening) {
        self.listening.send_replace(state);
    }

    /// Waits until it is known if there is a stream on which a response can arrive that is not in the body of
    /// its own POST. Returns `true` if there is one.
    pub(super) async fn is_listening(&self, session: Option<&str>) -> bool {
        // `rmcp` opens the stream of a session only, and `Transport` only for a listener.
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

    pub(super) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }
}
