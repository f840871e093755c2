//! [`Unsent`], a request that the transport has received but not begun to send.

use blaxel_core::__private::{is_changing, journal};
use blaxel_core::{Body, CallContext};
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};

/// A request that waits for a permit or a connection, for the journal of its call.
///
/// A call that ends while its request waits has certainly changed nothing. That matters for requests
/// that may change something, so only for these the wait for a connection is recorded.
pub(super) struct Unsent {
    context: CallContext,
    /// Tells when hyper has chosen a connection, which is before it writes the first byte.
    connection: Option<CaptureConnection>,
}

impl Unsent {
    /// Records that a request begins to wait, or returns `None` if there is nothing to record.
    pub(super) fn of(
        context: &CallContext,
        request: &mut http::Request<Body>,
        needs_permit: bool,
    ) -> Option<Self> {
        let connection = is_changing(context).then(|| capture_connection(request));
        if connection.is_none() && !needs_permit {
            return None;
        }
        journal(context).enter_queue();
        Some(Self {
            context: context.clone(),
            connection,
        })
    }

    /// Records that the request has a permit. Returns it if it still waits for a connection.
    pub(super) fn with_permit(self) -> Option<Self> {
        if self.connection.is_some() {
            return Some(self);
        }
        self.begin();
        None
    }

    /// Returns `true` if hyper has chosen a connection.
    pub(super) fn has_connection(&self) -> bool {
        self.connection
            .as_ref()
            .is_none_or(|connection| connection.connection_metadata().is_some())
    }

    /// Records that sending begins, or has failed before it began.
    pub(super) fn begin(self) {
        journal(&self.context).leave_queue();
    }
}
