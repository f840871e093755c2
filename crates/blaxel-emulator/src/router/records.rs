//! Records: how handlers find them and answer with them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::call::Call;
use super::route::HandlerResult;
use super::uploads;
use crate::errors::ErrorResponse;
use crate::state::{Author, Collection, Document, Kind, OpenStore, Visibility};
use crate::uploads::Purpose;

/// The collection that a request is about, by the parents in its path. 404 if one of them is missing.
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

/// Who writes, and whether an upload is to follow.
pub(crate) fn author<'a>(call: &'a Call, kind: &Kind) -> Author<'a> {
    Author {
        uploads: kind.uploads && uploads::is_requested(call),
        ..call.author()
    }
}

/// A record as the answer.
pub(crate) fn response(store: &OpenStore, collection: &Collection, name: &str) -> HandlerResult {
    let document = store.show(collection, name);
    document
        .map(json_of)
        .ok_or_else(|| not_found(collection.kind()))
}

/// A record as the answer to who has just written it: with the secrets that the server made, and
/// with the address for the upload, if one is to follow.
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
    Ok(uploads::add_upload_url(call, purpose, response))
}

/// The error where there is no such record.
pub(crate) fn not_found(kind: &Kind) -> ErrorResponse {
    ErrorResponse::control(StatusCode::NOT_FOUND, &format!("{} not found", kind.noun))
}

/// The error where a name is taken.
pub(crate) fn taken(kind: &Kind, name: &str) -> ErrorResponse {
    let error = format!("{} already exists", kind.noun);
    let message = format!("There is a resource named {name:?} already.");
    ErrorResponse::explained(StatusCode::CONFLICT, &error, message)
}

pub(crate) fn json_of(document: Document) -> Response {
    Json(document).into_response()
}
