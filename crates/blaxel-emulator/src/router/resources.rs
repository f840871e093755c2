//! The operations that kinds have in common: list, create, get, replace and delete, revisions, and
//! lookup by external id.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::json;

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::{author, collection, json_of, not_found, taken, write_response};
use super::route::{HandlerResult, Route};
use super::{body, crons, listing};
use crate::errors::ErrorResponse;
use crate::state::{
    Collection, DeleteResponse, Kind, Naming, OpenStore, Visibility, member, status, traffic,
};

/// The path parameter with an external id.
const EXTERNAL_ID: &str = "externalId";

/// Returns the routes for the usual operations that a kind has.
pub(crate) fn routes(kind: &'static Kind) -> Vec<Route> {
    let all = format!("/v0/{}", kind.path);
    let one = format!("{all}/{{{}}}", kind.parameter);
    let by_id = format!("{all}/by-external-id/{{{EXTERNAL_ID}}}");
    let revisions_of = format!("{one}/revisions");
    let operations = &kind.operations;
    type Perform = fn(&Call, &'static Kind) -> HandlerResult;
    let usual: [(_, _, _, Perform); 7] = [
        (operations.list, Method::GET, &all, listing::list),
        (operations.create, Method::POST, &all, create),
        (operations.get, Method::GET, &one, get),
        (operations.update, Method::PUT, &one, update),
        (operations.delete, Method::DELETE, &one, delete),
        (operations.revisions, Method::GET, &revisions_of, revisions),
        (
            operations.by_external_id,
            Method::GET,
            &by_id,
            by_external_id,
        ),
    ];
    usual
        .into_iter()
        .filter_map(|(operation, method, path, perform)| {
            let perform = move |call: &Call| perform(call, kind);
            let access = AccessLevel::Workspace;
            Some(Route::new(
                operation?,
                method,
                [path.as_str()],
                access,
                perform,
            ))
        })
        .collect()
}

/// Starts the task for the cron triggers of a workload, if it has any.
fn watch_crons(call: &Call, store: &OpenStore, collection: &Collection, name: &str) {
    if collection.kind().triggers.is_some()
        && let Some(record) = store.get(collection, name)
    {
        crons::watch(&call.engine, store, record);
    }
}

fn create(call: &Call, kind: &'static Kind) -> HandlerResult {
    let document = body::document(call, kind)?;
    let mut store = call.engine.store.open();
    let collection = collection(call, kind, &store)?;
    if store.count(&collection) >= kind.max_count {
        let message = format!("There are {} already, which is the limit.", kind.max_count);
        return Err(ErrorResponse::bad_request(message));
    }
    let name = match (kind.naming, body::name(&document, kind)?) {
        (Naming::GivenOrGenerated(prefix), None) | (Naming::Generated(prefix), _) => {
            store.fresh_name(&collection, prefix)
        }
        _ => body::required_name(&document, kind)?,
    };
    if store.create(&collection, &name, document, &author(call, kind)) {
        watch_crons(call, &store, &collection, &name);
        write_response(call, &store, &collection, &name)
    } else {
        Err(taken(kind, &name))
    }
}

pub(crate) fn get(call: &Call, kind: &'static Kind) -> HandlerResult {
    let store = call.engine.store.open();
    let collection = collection(call, kind, &store)?;
    let name = call.path(kind.parameter);
    let record = store
        .get(&collection, name)
        .ok_or_else(|| not_found(kind))?;
    let shows = kind.show_secrets && call.query.get("show_secrets") == Some("true");
    let visibility = if shows {
        Visibility::Full
    } else {
        Visibility::Masked
    };
    Ok(json_of(store.shown_with(&collection, record, visibility)))
}

pub(crate) fn update(call: &Call, kind: &'static Kind) -> HandlerResult {
    let document = body::document(call, kind)?;
    let name = call.path(kind.parameter);
    body::check_name(&document, kind, name)?;
    let mut store = call.engine.store.open();
    let collection = collection(call, kind, &store)?;
    let present = store
        .get(&collection, name)
        .map(|record| record.status(store.now()));
    match present {
        None | Some(status::TERMINATED) => return Err(not_found(kind)),
        Some(status::DELETING) => {
            let error = format!("{} is being deleted", kind.noun);
            let message = "A resource that is being deleted cannot be changed.";
            return Err(ErrorResponse::explained(
                StatusCode::CONFLICT,
                &error,
                message,
            ));
        }
        Some(state @ (status::ARCHIVING | status::ARCHIVED | status::UNARCHIVING)) => {
            let message = format!("A resource that is {state} cannot be changed.");
            return Err(ErrorResponse::explained(
                StatusCode::CONFLICT,
                "Conflict",
                message,
            ));
        }
        Some(_) => {}
    }
    if let Some(record) = store.get(&collection, name) {
        let checked = (kind.check_change)(&record.document, &document);
        checked.map_err(ErrorResponse::bad_request)?;
    }
    if store.replace(&collection, name, document, &author(call, kind)) {
        watch_crons(call, &store, &collection, name);
        write_response(call, &store, &collection, name)
    } else {
        Err(not_found(kind))
    }
}

pub(crate) fn delete(call: &Call, kind: &'static Kind) -> HandlerResult {
    let mut store = call.engine.store.open();
    let collection = collection(call, kind, &store)?;
    let name = call.path(kind.parameter);
    let record = store
        .get(&collection, name)
        .ok_or_else(|| not_found(kind))?;
    if let Some(reason) = (kind.deletion_blocker)(store.rows(), record) {
        let error = format!("{} is in use", kind.noun);
        return Err(ErrorResponse::explained(
            StatusCode::CONFLICT,
            &error,
            reason,
        ));
    }
    let before = store.shown(&collection, record).into_document();
    store.delete(&collection, name);
    let message = format!("{} deleted", kind.noun);
    Ok(match kind.deleted {
        DeleteResponse::Document => match store.show(&collection, name) {
            Some(deleting) => json_of(deleting),
            None => json_of(before),
        },
        DeleteResponse::MessageAndName => {
            Json(json!({"message": message, "name": name})).into_response()
        }
        DeleteResponse::Message => Json(json!({"message": message})).into_response(),
        DeleteResponse::Nothing => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Lists the last revisions, newest first.
fn revisions(call: &Call, kind: &'static Kind) -> HandlerResult {
    let store = call.engine.store.open();
    let collection = collection(call, kind, &store)?;
    let record = store.get(&collection, call.path(kind.parameter));
    let record = record.ok_or_else(|| not_found(kind))?;
    let revisions = traffic::list(record, kind.revisions, kind.secrets, store.now());
    Ok(Json(revisions).into_response())
}

/// Returns the newest resource with an external id that is not terminated.
fn by_external_id(call: &Call, kind: &'static Kind) -> HandlerResult {
    let store = call.engine.store.open();
    let collection = collection(call, kind, &store)?;
    let wanted = Some(call.path(EXTERNAL_ID));
    let record = store
        .all(&collection)
        .filter(|record| member::text(&record.document, "metadata/externalId") == wanted)
        .filter(|record| !record.timeline.is_terminated(store.now()))
        .max_by_key(|record| record.serial);
    let record = record.ok_or_else(|| not_found(kind))?;
    Ok(json_of(store.shown(&collection, record)))
}
