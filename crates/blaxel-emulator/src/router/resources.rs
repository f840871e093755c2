//! List, create, get, replace and delete, the same for every kind of resource; and what else many
//! kinds have: revisions, and a way to one by its external id.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::json;

use super::call::Call;
use super::gate::Gate;
use super::records::{author, json_of, not_found, shelf, taken, written};
use super::route::{Outcome, Route};
use super::{body, listing};
use crate::errors::Refusal;
use crate::state::{Deleted, Kind, Naming, Sight, member, status, traffic};

/// The name of the path parameter with an external id.
const EXTERNAL_ID: &str = "externalId";

/// The usual operations of a kind, as far as it has them.
pub(crate) fn routes(kind: &'static Kind) -> Vec<Route> {
    let all = format!("/v0/{}", kind.path);
    let one = format!("{all}/{{{}}}", kind.parameter);
    let by_id = format!("{all}/by-external-id/{{{EXTERNAL_ID}}}");
    let revisions_of = format!("{one}/revisions");
    let operations = &kind.operations;
    type Perform = fn(&Call, &'static Kind) -> Outcome;
    let usual: [(_, _, _, Perform); 7] = [
        (operations.list, MethodFilter::GET, &all, listing::list),
        (operations.create, MethodFilter::POST, &all, create),
        (operations.get, MethodFilter::GET, &one, get),
        (operations.update, MethodFilter::PUT, &one, update),
        (operations.delete, MethodFilter::DELETE, &one, delete),
        (
            operations.revisions,
            MethodFilter::GET,
            &revisions_of,
            revisions,
        ),
        (
            operations.by_external_id,
            MethodFilter::GET,
            &by_id,
            by_external_id,
        ),
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
    if shelves.all(&shelf).count() >= kind.most {
        let message = format!("There are {} already, and there may be no more.", kind.most);
        return Err(Refusal::bad_request(message));
    }
    let name = match (kind.naming, body::name(&document, kind)?) {
        (Naming::GivenOrMade(prefix), None) | (Naming::Made(prefix), _) => {
            shelves.fresh_name(&shelf, prefix)
        }
        _ => body::given_name(&document, kind)?,
    };
    if shelves.create(&shelf, &name, document, &author(call, kind)) {
        written(call, &shelves, &shelf, &name)
    } else {
        Err(taken(kind, &name))
    }
}

pub(crate) fn get(call: &Call, kind: &'static Kind) -> Outcome {
    let shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let name = call.path(kind.parameter);
    let record = shelves.get(&shelf, name).ok_or_else(|| not_found(kind))?;
    let shows = kind.show_secrets && call.query.get("show_secrets") == Some("true");
    let sight = if shows { Sight::Full } else { Sight::Masked };
    Ok(json_of(shelves.seen(&shelf, record, sight)))
}

pub(crate) fn update(call: &Call, kind: &'static Kind) -> Outcome {
    let document = body::document(call, kind)?;
    let name = call.path(kind.parameter);
    body::same_name(&document, kind, name)?;
    let mut shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let present = shelves
        .get(&shelf, name)
        .map(|record| record.status(shelves.now()));
    match present {
        None | Some(status::TERMINATED) => return Err(not_found(kind)),
        Some(status::DELETING) => {
            let error = format!("{} is being deleted", kind.noun);
            let message = "What is being deleted cannot be changed.";
            return Err(Refusal::explained(StatusCode::CONFLICT, &error, message));
        }
        Some(_) => {}
    }
    if shelves.replace(&shelf, name, document, &author(call, kind)) {
        written(call, &shelves, &shelf, name)
    } else {
        Err(not_found(kind))
    }
}

pub(crate) fn delete(call: &Call, kind: &'static Kind) -> Outcome {
    let mut shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let name = call.path(kind.parameter);
    let record = shelves.get(&shelf, name).ok_or_else(|| not_found(kind))?;
    if let Some(reason) = (kind.hinder)(shelves.rows(), record) {
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

/// The last revisions, newest first.
fn revisions(call: &Call, kind: &'static Kind) -> Outcome {
    let shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let record = shelves.get(&shelf, call.path(kind.parameter));
    let record = record.ok_or_else(|| not_found(kind))?;
    let revisions = traffic::list(record, kind.revisions, kind.secrets, shelves.now());
    Ok(Json(revisions).into_response())
}

/// The newest one with an external id that is not over.
fn by_external_id(call: &Call, kind: &'static Kind) -> Outcome {
    let shelves = call.engine.store.open();
    let shelf = shelf(call, kind, &shelves)?;
    let wanted = Some(call.path(EXTERNAL_ID));
    let record = shelves
        .all(&shelf)
        .filter(|record| member::text(&record.document, "metadata/externalId") == wanted)
        .filter(|record| !record.walk.is_terminated(shelves.now()))
        .max_by_key(|record| record.serial);
    let record = record.ok_or_else(|| not_found(kind))?;
    Ok(json_of(shelves.shown(&shelf, record)))
}
