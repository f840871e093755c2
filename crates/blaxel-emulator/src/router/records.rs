//! Finding records for handlers and responding with them.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::call::Call;
use super::route::HandlerResult;
use super::uploads;
use crate::errors::ErrorResponse;
use crate::state::{Author, Collection, Kind, OpenStore, Visibility};
use crate::uploads::{Purpose, signed_headers};

/// Returns the collection that a request addresses. Fails with 404 if a parent in the path is
/// missing.
pub(crate) fn collection(
    call: &Call,
    kind: &'static Kind,
    store: &OpenStore,
) -> Result<Collection, ErrorResponse> {
    let mut scope = Vec::new();
    for parent in kind.parents() {
        let name = call.path(parent.parameter);
        let collection = Collection::under(parent, scope.clone());
        if store.get(&collection, name).is_none() {
            return Err(not_found(parent));
        }
        scope.push(name.to_owned());
    }
    Ok(Collection::under(kind, scope))
}

/// Returns the caller as the author of a change, with the flag for a following upload.
pub(crate) fn author<'a>(call: &'a Call, kind: &Kind) -> Author<'a> {
    Author {
        uploads: kind.uploads && uploads::is_requested(call),
        ..call.author()
    }
}

/// Returns the response with a record.
pub(crate) fn response(store: &OpenStore, collection: &Collection, name: &str) -> HandlerResult {
    let shown = store.show(collection, name);
    shown
        .map(json_of)
        .ok_or_else(|| not_found(collection.kind()))
}

/// Returns the response to a write: the record with the secrets that the server generated, and with
/// the upload URL if an upload follows.
pub(crate) fn write_response(
    call: &Call,
    store: &OpenStore,
    collection: &Collection,
    name: &str,
) -> HandlerResult {
    let kind = collection.kind();
    let record = store.get(collection, name).ok_or_else(|| not_found(kind))?;
    let response = json_of(store.shown_with(collection, record, Visibility::ShowNew));
    if !author(call, kind).uploads {
        return Ok(response);
    }
    let purpose = Purpose::Deploy {
        collection: collection.clone(),
        name: name.to_owned(),
        serial: record.serial,
    };
    let signed = signed_headers(&record.document);
    Ok(uploads::add_upload_url(call, purpose, signed, response))
}

/// Returns the error for a record that does not exist.
pub(crate) fn not_found(kind: &Kind) -> ErrorResponse {
    ErrorResponse::control(StatusCode::NOT_FOUND, &format!("{} not found", kind.noun))
}

/// Returns the error for a name that is taken.
pub(crate) fn taken(kind: &Kind, name: &str) -> ErrorResponse {
    let error = format!("{} already exists", kind.noun);
    let message = format!("There is a resource named {name:?} already.");
    ErrorResponse::explained(StatusCode::CONFLICT, &error, message)
}

/// Returns the response with a document.
pub(crate) fn json_of(document: impl Serialize) -> Response {
    // Most documents are not longer, so that their text is not moved while it grows.
    let mut text = Vec::with_capacity(1 << 10);
    match serde_json::to_writer(&mut text, &document) {
        Ok(()) => {
            let mut response = Response::new(Body::from(text));
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            response
        }
        // It tells the problem.
        Err(_) => Json(document).into_response(),
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
