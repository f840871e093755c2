//! The workload that a call is addressed to.

use super::call::Call;
use crate::errors::{ErrorResponse, Gateway};
use crate::state::{Collection, Kind, status, traffic};

/// The path parameter with the workload's name.
pub(crate) const NAME: &str = "name";

/// Requires that a workload exists and serves calls, as the gateway does. A sandbox can be called while it is restored
/// from its archive.
pub(crate) fn require_running(call: &Call, kind: &'static Kind) -> Result<(), ErrorResponse> {
    let name = call.path(NAME);
    let noun = kind.noun.to_lowercase();
    let store = call.engine.store.open();
    let (what, message) = match store.get(&Collection::top(kind), name) {
        None => (
            Gateway::WorkloadNotFound,
            format!("There is no {noun} named {name:?}."),
        ),
        Some(record) => match record.status(store.now()) {
            status::DEPLOYED | status::UNARCHIVING => return Ok(()),
            _ if traffic::served(record, store.now()).is_some() => return Ok(()),
            status::TERMINATED => (
                Gateway::WorkloadNotFound,
                format!("The {noun} named {name:?} has ended."),
            ),
            status => (
                unavailable(status),
                format!("The {noun} named {name:?} is {status}."),
            ),
        },
    };
    Err(ErrorResponse::gateway(what, &message, &call.now()))
}

/// Returns the error of a workload that exists and does not serve calls in this status.
pub(crate) fn unavailable(status: &str) -> Gateway {
    match status {
        status::ARCHIVING | status::ARCHIVED => Gateway::WorkloadArchived,
        _ => Gateway::WorkloadUnavailable,
    }
}
