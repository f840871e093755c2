//! [`Unsent`], a request that the transport has received but not begun to send.

use blaxel_core::__private::{is_changing, journal};
use blaxel_core::CallContext;

/// A request that waits for a permit or a connection, for the journal of its call.
///
/// A call that ends while its request waits has certainly changed nothing. That matters for requests
/// that may change something, so only for these the wait for a connection is recorded.
pub(super) struct Unsent {
    context: CallContext,
    /// `true` if it waits for a connection, after a permit.
    for_connection: bool,
}

impl Unsent {
    /// Records that a request begins to wait, or returns `None` if there is nothing to record.
    pub(super) fn of(context: &CallContext, needs_permit: bool) -> Option<Self> {
        let for_connection = is_changing(context);
        if !for_connection && !needs_permit {
            return None;
        }
        journal(context).enter_queue();
        Some(Self {
            context: context.clone(),
            for_connection,
        })
    }

    /// Records that the request has a permit. Returns it if it still waits for a connection.
    pub(super) fn with_permit(self) -> Option<Self> {
        if self.for_connection {
            return Some(self);
        }
        self.begin();
        None
    }

    /// Records that sending begins, or has failed before it began.
    pub(super) fn begin(self) {
        journal(&self.context).leave_queue();
    }
}
