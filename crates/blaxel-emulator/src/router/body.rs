//! Bodies that bring a document: read, and looked at.

use serde_json::Value;

use super::Call;
use crate::errors::Refusal;
use crate::state::{Document, Form, Kind};

/// The longest name a resource may have.
const NAME_LIMIT: usize = 49;

/// The body as a document of a kind.
pub(crate) fn document(call: &Call, kind: &Kind) -> Result<Document, Refusal> {
    let document = object(call)?;
    if kind.form == Form::Resource {
        for member in ["metadata", "spec"] {
            if !document.get(member).is_some_and(Value::is_object) {
                return Err(Refusal::bad_request(format!(
                    "{member} is missing or is not an object."
                )));
            }
        }
    }
    Ok(document)
}

/// The body as a JSON object, whatever its members are.
pub(crate) fn object(call: &Call) -> Result<Document, Refusal> {
    match call.json() {
        Some(Value::Object(document)) => Ok(document),
        _ => Err(Refusal::bad_request("The body must be a JSON object.")),
    }
}

/// How the member with the name is called in messages.
pub(crate) fn name_member(kind: &Kind) -> String {
    match kind.form {
        Form::Resource => "metadata.name".to_owned(),
        Form::Flat { key } => key.to_owned(),
    }
}

/// The name in a document, if there is one. An empty one is none.
pub(crate) fn name(document: &Document, kind: &Kind) -> Result<Option<String>, Refusal> {
    let value = match kind.form {
        Form::Resource => document
            .get("metadata")
            .and_then(|metadata| metadata.get("name")),
        Form::Flat { key } => document.get(key),
    };
    let member = name_member(kind);
    let name = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => name,
        Some(_) => return Err(Refusal::bad_request(format!("{member} must be a string."))),
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(plain) {
        return Err(Refusal::bad_request(format!(
            "{member} must be 1 to {NAME_LIMIT} lowercase letters, digits and hyphens."
        )));
    }
    Ok(Some(name.clone()))
}
