//! Creating sandboxes, which differs from other kinds: the name is optional, an existing sandbox
//! may be returned, and errors have their own format.

use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::json;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use super::{body, records};
use crate::clock::timestamp;
use crate::engine::Engine;
use crate::errors::ErrorResponse;
use crate::state::{Collection, Document, OpenStore, SANDBOXES, status};

pub(crate) fn routes() -> Vec<Route> {
    let create = Route::new(
        "CreateSandbox",
        MethodFilter::POST,
        ["/v0/sandboxes"],
        AccessLevel::Workspace,
        create,
    );
    vec![create.map_errors(in_sandbox_format)]
}

fn create(call: &Call) -> HandlerResult {
    let document = body::document(call, &SANDBOXES)?;
    let given = body::name(&document, &SANDBOXES)?;
    let mut store = call.engine.store.open();
    let collection = Collection::top(&SANDBOXES);
    let name = given.unwrap_or_else(|| store.fresh_name(&collection, "sandbox"));
    let Some(present) = store.get(&collection, &name) else {
        return make(call, &mut store, &collection, &name, document);
    };
    match present.status(store.now()) {
        // A failed or terminated sandbox is always replaced.
        status::FAILED | status::TERMINATED => make(call, &mut store, &collection, &name, document),
        // A sandbox that is being deleted can be neither returned nor replaced.
        status::DELETING | status::DEACTIVATING => Err(taken(&name, false)),
        _ if call.query.get("createIfNotExist") == Some("true") => {
            records::response(&store, &collection, &name)
        }
        status::UPLOADING | status::BUILDING | status::DEPLOYING => Err(taken(&name, true)),
        _ => Err(taken(&name, false)),
    }
}

fn make(
    call: &Call,
    store: &mut OpenStore,
    collection: &Collection,
    name: &str,
    document: Document,
) -> HandlerResult {
    store.put(
        collection,
        name,
        document,
        &records::author(call, &SANDBOXES),
    );
    records::write_response(call, store, collection, name)
}

/// Returns the error for a sandbox that exists already.
fn taken(name: &str, in_progress: bool) -> ErrorResponse {
    let mut body = json!({
        "code": "SANDBOX_ALREADY_EXISTS",
        "message": format!("There is a sandbox named {name:?} already."),
        "status_code": StatusCode::CONFLICT.as_u16(),
        "sandbox_name": name,
    });
    if in_progress {
        body["reason"] = "CREATION_IN_PROGRESS".into();
    }
    ErrorResponse::with_body(StatusCode::CONFLICT, body)
}

/// Converts an error into the format of sandbox creation.
fn in_sandbox_format(engine: &Engine, error: ErrorResponse) -> ErrorResponse {
    error.of_sandboxes(
        &engine.config.workspace,
        &timestamp(engine.clock.since_epoch()),
    )
}
