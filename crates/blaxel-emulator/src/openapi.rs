//! The Management API as data: its operations and schemas, the OpenAPI document of the served
//! operations, and the validation of request bodies.

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

/// Validates the body of a request to an operation, such as `CreateAgent`: types, required members,
/// allowed values and lengths. The error names the member.
///
/// Unknown members are accepted, and so are the server's own, such as `status`, since clients send
/// back whole documents. `null` counts as absent.
///
/// # Errors
///
/// Returns an error if the body is invalid, or if there is no such operation.
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

/// Removes from a valid body what the server does not store: the members that it sets itself, and
/// those that are `null`. A `null` that clears a member, such as `metadata.externalId`, stays.
pub(crate) fn strip(operation: &str, body: &mut Value) {
    let facts = Facts::get();
    let operation = facts.operation(operation);
    if let Some(shape) = operation.and_then(|operation| operation.body.as_ref()) {
        check::strip(facts, shape, body);
    }
}

/// Returns the names of the described operations.
#[cfg(test)]
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    Facts::get().operations().map(|(name, _)| name)
}
