//! The parts of model requests that all dialects share.

use http::{Method, StatusCode};
use serde_json::Value;

use super::call::Call;
use super::workload::NAME;
use crate::errors::ErrorResponse;
use crate::state::Document;

/// Requires the method `POST`, the only one that models accept.
pub(crate) fn require_post(call: &Call) -> Result<(), ErrorResponse> {
    if call.method == Method::POST {
        return Ok(());
    }
    Err(ErrorResponse::model(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only POST is accepted here.",
    ))
}

/// Creates the error for a request that a model cannot parse.
pub(crate) fn bad_request(message: &str) -> ErrorResponse {
    ErrorResponse::model(StatusCode::BAD_REQUEST, message)
}

/// Parses the body of a request to a model.
pub(crate) fn object(call: &Call) -> Result<Document, ErrorResponse> {
    match call.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(bad_request("The body must be a JSON object.")),
    }
}

/// Returns the model that a request names, or else the one that it is sent to.
pub(crate) fn model<'a>(call: &'a Call, body: &'a Document) -> Result<&'a str, ErrorResponse> {
    match body.get("model") {
        None | Some(Value::Null) => Ok(call.path(NAME)),
        Some(Value::String(model)) => Ok(model),
        Some(_) => Err(bad_request("model must be a string.")),
    }
}
