//! Request bodies that contain a document: parsing and validation.

use serde_json::Value;

use super::call::Call;
use crate::errors::ErrorResponse;
use crate::openapi;
use crate::state::{Document, Kind, Layout, Naming, rule};

/// Parses the body as a JSON object, validates it by the operation's schema, and removes the
/// members that the server does not accept from clients.
pub(crate) fn object(call: &Call) -> Result<Document, ErrorResponse> {
    let mut body = call.json().unwrap_or_default();
    let checked = openapi::check(call.operation, &body);
    checked.map_err(|what| ErrorResponse::bad_request(format!("{what}.")))?;
    openapi::strip(call.operation, &mut body);
    match body {
        Value::Object(document) => Ok(document),
        _ => Err(ErrorResponse::bad_request("The body must be an object.")),
    }
}

/// Parses the body as a document of a kind.
pub(crate) fn document(call: &Call, kind: &Kind) -> Result<Document, ErrorResponse> {
    let document = object(call)?;
    (kind.check)(&document).map_err(ErrorResponse::bad_request)?;
    Ok(document)
}

/// Returns the name in a document, if there is one. If the server may generate it, an empty name
/// counts as none.
pub(crate) fn name(document: &Document, kind: &Kind) -> Result<Option<String>, ErrorResponse> {
    let value = match kind.form {
        Layout::Resource => document
            .get("metadata")
            .and_then(|metadata| metadata.get("name")),
        Layout::Flat { key } => document.get(key),
    };
    let member = name_member(kind);
    let name = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => name,
        Some(_) => {
            return Err(ErrorResponse::bad_request(format!(
                "{member} must be a string."
            )));
        }
    };
    let check = match kind.naming {
        Naming::GivenOrGenerated(_) | Naming::Generated(_) if name.is_empty() => return Ok(None),
        Naming::Domain => rule::domain(name, member),
        _ => rule::name(name, member),
    };
    check.map_err(ErrorResponse::bad_request)?;
    Ok(Some(name.clone()))
}

/// Returns the name in a document that must have one.
pub(crate) fn required_name(document: &Document, kind: &Kind) -> Result<String, ErrorResponse> {
    let missing = || ErrorResponse::bad_request(format!("{} is missing.", name_member(kind)));
    name(document, kind)?.ok_or_else(missing)
}

/// Requires that a document has the name in the path, or none.
pub(crate) fn check_name(
    document: &Document,
    kind: &Kind,
    path: &str,
) -> Result<(), ErrorResponse> {
    if name(document, kind)?.is_none_or(|name| name == path) {
        return Ok(());
    }
    let member = name_member(kind);
    let message = format!("{member} differs from the path and cannot change.");
    Err(ErrorResponse::bad_request(message))
}

/// Returns the member with the name as messages show it.
fn name_member(kind: &Kind) -> &'static str {
    match kind.form {
        Layout::Resource => "metadata.name",
        Layout::Flat { key } => key,
    }
}
