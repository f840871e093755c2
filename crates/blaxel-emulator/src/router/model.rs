//! Requests to models: what all dialects ask of them.

use http::{Method, StatusCode};
use serde_json::Value;

use super::call::Call;
use super::workload::NAME;
use crate::errors::Refusal;
use crate::state::Document;

/// Asks that a model is called by the one method that it knows.
pub(crate) fn only_post(call: &Call) -> Result<(), Refusal> {
    if call.method == Method::POST {
        return Ok(());
    }
    Err(Refusal::model(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only POST is accepted here.",
    ))
}

/// The refusal of a request that a model cannot read.
pub(crate) fn refuse(message: &str) -> Refusal {
    Refusal::model(StatusCode::BAD_REQUEST, message)
}

/// The body of a request to a model.
pub(crate) fn object(call: &Call) -> Result<Document, Refusal> {
    match call.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(refuse("The body must be a JSON object.")),
    }
}

/// The model that a request names, or else the one that it is sent to.
pub(crate) fn model<'a>(call: &'a Call, body: &'a Document) -> Result<&'a str, Refusal> {
    match body.get("model") {
        None | Some(Value::Null) => Ok(call.path(NAME)),
        Some(Value::String(model)) => Ok(model),
        Some(_) => Err(refuse("model must be a string.")),
    }
}
