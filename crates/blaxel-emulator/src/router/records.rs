//! Records: how handlers find them and answer with them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::call::Call;
use super::route::Outcome;
use super::uploads;
use crate::errors::Refusal;
use crate::state::{Author, Document, Kind, Shelf, Shelves, Sight};
use crate::uploads::Purpose;

/// The shelf that a request is about, by the parents in its path. 404 if one of them is missing.
pub(crate) fn shelf(call: &Call, kind: &'static Kind, shelves: &Shelves) -> Result<Shelf, Refusal> {
    let mut scope = Vec::new();
    for parent in kind.parents() {
        let name = call.path(parent.parameter);
        let shelf = Shelf::under(parent, scope.clone());
        if shelves.get(&shelf, name).is_none() {
            return Err(not_found(parent));
        }
        scope.push(name.to_owned());
    }
    Ok(Shelf::under(kind, scope))
}

/// Who writes, and whether an upload is to follow.
pub(crate) fn author<'a>(call: &'a Call, kind: &Kind) -> Author<'a> {
    Author {
        uploads: kind.uploads && uploads::wanted(call),
        ..call.author()
    }
}

/// A record as the answer.
pub(crate) fn answer(shelves: &Shelves, shelf: &Shelf, name: &str) -> Outcome {
    let document = shelves.show(shelf, name);
    document.map(json_of).ok_or_else(|| not_found(shelf.kind()))
}

/// A record as the answer to who has just written it: with the secrets that the server made, and
/// with the address for the upload, if one is to follow.
pub(crate) fn written(call: &Call, shelves: &Shelves, shelf: &Shelf, name: &str) -> Outcome {
    let kind = shelf.kind();
    let record = shelves.get(shelf, name).ok_or_else(|| not_found(kind))?;
    let response = json_of(shelves.seen(shelf, record, Sight::Made));
    if !author(call, kind).uploads {
        return Ok(response);
    }
    let purpose = Purpose::Deploy {
        shelf: shelf.clone(),
        name: name.to_owned(),
        serial: record.serial,
    };
    Ok(uploads::offer(call, purpose, response))
}

/// The refusal where there is no such record.
pub(crate) fn not_found(kind: &Kind) -> Refusal {
    Refusal::control(StatusCode::NOT_FOUND, &format!("{} not found", kind.noun))
}

/// The refusal where a name is taken.
pub(crate) fn taken(kind: &Kind, name: &str) -> Refusal {
    let error = format!("{} already exists", kind.noun);
    let message = format!("There is a resource named {name:?} already.");
    Refusal::explained(StatusCode::CONFLICT, &error, message)
}

pub(crate) fn json_of(document: Document) -> Response {
    Json(document).into_response()
}
