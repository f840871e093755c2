//! The workload that a call is for.

use super::call::Call;
use crate::errors::{Gateway, Refusal};
use crate::state::{Kind, Shelf, status};

/// The name of the path parameter with the workload's name.
pub(crate) const NAME: &str = "name";

/// Asks that a workload is there and deployed, as the gateway does.
pub(crate) fn reach(call: &Call, kind: &'static Kind) -> Result<(), Refusal> {
    let name = call.path(NAME);
    let noun = kind.noun.to_lowercase();
    let shelves = call.engine.store.open();
    let (what, message) = match shelves.get(&Shelf::top(kind), name) {
        None => (
            Gateway::WorkloadNotFound,
            format!("There is no {noun} named {name:?}."),
        ),
        Some(record) => match record.status(shelves.now()) {
            status::DEPLOYED => return Ok(()),
            status => (
                Gateway::WorkloadUnavailable,
                format!("The {noun} named {name:?} is {status}."),
            ),
        },
    };
    Err(Refusal::gateway(what, &message, &call.now()))
}
