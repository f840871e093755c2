//! [`Arrival`], the parts of a request that are known before its route is.

use std::fmt;
use std::sync::Arc;

use super::access::Identity;
use crate::engine::Engine;
use crate::journal::EntryId;

/// The parts of a request that are known before its route is. They are in the extensions of the request.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) engine: Arc<Engine>,
    pub(super) identity: Identity,
    pub(super) request_id: RequestId,
    /// The place of the request in the journal.
    pub(super) place: EntryId,
}

/// The id for the response to a request. It is written when it is needed.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(u64);

impl RequestId {
    pub(super) fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "emu-{:08}", self.0)
    }
}
