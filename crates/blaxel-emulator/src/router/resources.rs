//! List, create, get, replace and delete, the same for every kind of resource.

use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::json;

use super::{Call, Gate, Outcome, Route, body, listing};
use crate::errors::Refusal;
use crate::state::{Deleted, Document, Kind, Naming, Shelf, Shelves};

/// The usual operations of a kind, as far as it has them.
pub(crate) fn routes(kind: &'static Kind) -> Vec<Route> {
    let all = format!("/v0/{}", kind.path);
    let one = format!("{all}/{{{}}}", kind.parameter);
    let operations = &kind.operations;
    type Perform = fn(&Call, &'static Kind) -> Outcome;
    let usual: [(_, _, _, Perform); 5] = [
        (operations.list, MethodFilter::GET, &all, listing::list),
        (operations.create, MethodFilter::POST, &all, create),
        (operations.get, MethodFilter::GET, &one, get),
        (operations.update, MethodFilter::PUT, &one, update),
        (operations.delete, MethodFilter::DELETE, &one, delete),
    ];
    usual
        .into_iter()
        .filter_map(|(operation, method, path, perform)| {
            let perform = move |call: &Call| perform(call, kind);
            let gate = Gate::Workspace;
            Some(Route::new(
                operation?,
                method,
                [path.as_str()],
                gate,
                perform,
            ))
        })
        .collect()
}

fn create(call: &Call, kind: &'static Kind) -> Outcome {
    let document = body::document(call, kind)?;
    let mut shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let name = match (kind.naming, body::name(&document, kind)?) {
        (Naming::Given | Naming::GivenOrMade(_), Some(name)) => name,
        (Naming::GivenOrMade(prefix) | Naming::Made(prefix), _) => {
            shelves.fresh_name(&shelf, prefix)
        }
        (Naming::Given, None) => {
            let member = body::name_member(kind);
            return Err(Refusal::bad_request(format!("{member} is missing.")));
        }
    };
    if shelves.create(&shelf, &name, document, &call.author()) {
        answer(&shelves, &shelf, &name)
    } else {
        Err(taken(kind, &name))
    }
}

fn get(call: &Call, kind: &'static Kind) -> Outcome {
    let shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    answer(&shelves, &shelf, call.path(kind.parameter))
}

fn update(call: &Call, kind: &'static Kind) -> Outcome {
    let document = body::document(call, kind)?;
    let name = call.path(kind.parameter);
    if body::name(&document, kind)?.is_some_and(|given| given != name) {
        let member = body::name_member(kind);
        let message = format!("{member} differs from the path and cannot change.");
        return Err(Refusal::bad_request(message));
    }
    let mut shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    if shelves.replace(&shelf, name, document, &call.author()) {
        answer(&shelves, &shelf, name)
    } else {
        Err(not_found(kind))
    }
}

fn delete(call: &Call, kind: &'static Kind) -> Outcome {
    let mut shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let name = call.path(kind.parameter);
    let record = shelves.get(&shelf, name).ok_or_else(|| not_found(kind))?;
    if let Some(reason) = (kind.hinder)(&shelves, record) {
        let error = format!("{} is in use", kind.noun);
        return Err(Refusal::explained(StatusCode::CONFLICT, &error, reason));
    }
    let before = shelves.shown(&shelf, record);
    shelves.delete(&shelf, name);
    let message = format!("{} deleted", kind.noun);
    Ok(match kind.deleted {
        Deleted::Document => json_of(shelves.show(&shelf, name).unwrap_or(before)),
        Deleted::MessageAndName => Json(json!({"message": message, "name": name})).into_response(),
        Deleted::Message => Json(json!({"message": message})).into_response(),
        Deleted::Nothing => StatusCode::NO_CONTENT.into_response(),
    })
}

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

/// A record as the answer.
pub(crate) fn answer(shelves: &Shelves, shelf: &Shelf, name: &str) -> Outcome {
    let document = shelves.show(shelf, name);
    document.map(json_of).ok_or_else(|| not_found(shelf.kind()))
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

fn json_of(document: Document) -> Response {
    Json(document).into_response()
}
