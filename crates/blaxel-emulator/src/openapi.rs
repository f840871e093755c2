//! What the Management API looks like: its operations and schemas as facts, the OpenAPI document of
//! those that the emulator has, and request bodies judged by them.

mod check;
mod document;
mod facts;
mod links;
mod notation;
mod shape;
mod write;

use serde_json::Value;

pub(crate) use self::document::{Served, document};
use self::facts::Facts;

/// Judges the body of a request to an operation, such as `CreateAgent`: the types of its members,
/// those that must be there, and the words and lengths that are allowed. The error names the member.
///
/// Members that are not known are let pass, and so are the server's own, such as `status`: clients
/// send back whole documents. `null` counts as nothing.
///
/// # Errors
///
/// If something is wrong with the body, or if there is no such operation.
pub(crate) fn check(operation: &str, body: &Value) -> Result<(), String> {
    let facts = Facts::get();
    match facts.operation(operation) {
        Some(operation) => operation
            .body
            .as_ref()
            .map_or(Ok(()), |shape| check::check(facts, shape, body)),
        None => Err(format!("there is no operation {operation}")),
    }
}

/// Takes out of a body that is good what a server does not keep: members that it sets itself, and
/// those that are `null`. A `null` that clears a member, such as `metadata.externalId`, stays.
pub(crate) fn strip(operation: &str, body: &mut Value) {
    let facts = Facts::get();
    let operation = facts.operation(operation);
    if let Some(shape) = operation.and_then(|operation| operation.body.as_ref()) {
        check::strip(facts, shape, body);
    }
}

/// The names of the operations that are known.
#[cfg(test)]
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    Facts::get().operations().map(|(name, _)| name)
}
