//! Creating sandboxes, which the API does in its own way: the name may be left out, what is there
//! may be taken instead, and a refusal has a form of its own.

use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::json;

use super::call::Call;
use super::gate::Gate;
use super::route::{Outcome, Route};
use super::{body, records};
use crate::clock::timestamp;
use crate::engine::Engine;
use crate::errors::Refusal;
use crate::state::{Document, SANDBOXES, Shelf, Shelves, status};

pub(crate) fn routes() -> Vec<Route> {
    let create = Route::new(
        "CreateSandbox",
        MethodFilter::POST,
        ["/v0/sandboxes"],
        Gate::Workspace,
        create,
    );
    vec![create.refusing(in_own_form)]
}

fn create(call: &Call) -> Outcome {
    let document = body::document(call, &SANDBOXES)?;
    let given = body::name(&document, &SANDBOXES)?;
    let mut shelves = call.engine.store.open();
    let shelf = Shelf::top(&SANDBOXES);
    let name = given.unwrap_or_else(|| shelves.fresh_name(&shelf, "sandbox"));
    let Some(present) = shelves.get(&shelf, &name) else {
        return make(call, &mut shelves, &shelf, &name, document);
    };
    match present.status(shelves.now()) {
        // What is over makes room, whether it was asked to or not.
        status::FAILED | status::TERMINATED => make(call, &mut shelves, &shelf, &name, document),
        // What is about to go can be neither used nor replaced.
        status::DELETING | status::DEACTIVATING => Err(taken(&name, false)),
        _ if call.query.get("createIfNotExist") == Some("true") => {
            records::answer(&shelves, &shelf, &name)
        }
        status::UPLOADING | status::BUILDING | status::DEPLOYING => Err(taken(&name, true)),
        _ => Err(taken(&name, false)),
    }
}

fn make(
    call: &Call,
    shelves: &mut Shelves,
    shelf: &Shelf,
    name: &str,
    document: Document,
) -> Outcome {
    shelves.put(shelf, name, document, &records::author(call, &SANDBOXES));
    records::written(call, shelves, shelf, name)
}

/// The refusal where a sandbox of the name is there.
fn taken(name: &str, in_progress: bool) -> Refusal {
    let mut body = json!({
        "code": "SANDBOX_ALREADY_EXISTS",
        "message": format!("There is a sandbox named {name:?} already."),
        "status_code": StatusCode::CONFLICT.as_u16(),
        "sandbox_name": name,
    });
    if in_progress {
        body["reason"] = "CREATION_IN_PROGRESS".into();
    }
    Refusal::with_body(StatusCode::CONFLICT, body)
}

/// Gives any refusal of the operation the form that its clients expect.
fn in_own_form(engine: &Engine, refusal: Refusal) -> Refusal {
    refusal.of_sandboxes(
        &engine.config.workspace,
        &timestamp(engine.clock.since_epoch()),
    )
}
