//! List, create, get, replace and delete, the same for every kind of resource.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::Value;

use super::listing;
use super::{Call, Gate, Outcome, Route};
use crate::errors::Refusal;
use crate::openapi;
use crate::state::{Author, Document, Kind};

/// The name of the path parameter with the resource's name.
const NAME: &str = "name";

pub(crate) fn routes(kind: &'static Kind) -> Vec<Route> {
    let all = format!("/v0/{}", kind.plural);
    let one = format!("{all}/{{{NAME}}}");
    let route = |operation, method, path: &str, handler: fn(&Call, &'static Kind) -> Outcome| {
        Route::new(operation, method, [path], Gate::Workspace, move |call| {
            handler(call, kind)
        })
    };
    vec![
        route(kind.list, MethodFilter::GET, &all, listing::list),
        route(kind.create, MethodFilter::POST, &all, create),
        route(kind.get, MethodFilter::GET, &one, get),
        route(kind.update, MethodFilter::PUT, &one, update),
        route(kind.delete, MethodFilter::DELETE, &one, delete),
    ]
}

fn create(call: &Call, kind: &'static Kind) -> Outcome {
    let document = document(call, kind.create)?;
    let name = name(&document).to_owned();
    let created = call
        .engine
        .store
        .create(kind, &name, document, &author(call, kind, &name));
    created.map(answer).ok_or_else(|| {
        Refusal::explained(
            StatusCode::CONFLICT,
            &format!("{} already exists", kind.noun),
            format!("There is a resource named {name:?} already."),
        )
    })
}

fn get(call: &Call, kind: &'static Kind) -> Outcome {
    let document = call.engine.store.get(kind, call.path(NAME));
    document.map(answer).ok_or_else(|| not_found(kind))
}

fn update(call: &Call, kind: &'static Kind) -> Outcome {
    let document = document(call, kind.update)?;
    let path = call.path(NAME);
    if name(&document) != path {
        return Err(Refusal::bad_request(
            "metadata.name differs from the path and cannot change.",
        ));
    }
    let author = author(call, kind, path);
    let replaced = call.engine.store.replace(kind, path, document, &author);
    replaced.map(answer).ok_or_else(|| not_found(kind))
}

fn delete(call: &Call, kind: &'static Kind) -> Outcome {
    let document = call.engine.store.remove(kind, call.path(NAME));
    document.map(answer).ok_or_else(|| not_found(kind))
}

fn answer(document: Document) -> axum::response::Response {
    Json(document).into_response()
}

fn not_found(kind: &Kind) -> Refusal {
    Refusal::control(StatusCode::NOT_FOUND, &format!("{} not found", kind.noun))
}

/// The body of an operation as a document, which has metadata with a name, and a spec.
fn document(call: &Call, operation: &str) -> Result<Document, Refusal> {
    let mut body = call.json().unwrap_or_default();
    openapi::check(operation, &body).map_err(|what| Refusal::bad_request(format!("{what}.")))?;
    openapi::strip(operation, &mut body);
    match body {
        Value::Object(document) => Ok(document),
        _ => Err(Refusal::bad_request("The body must be a JSON object.")),
    }
}

/// The name in a document.
fn name(document: &Document) -> &str {
    let name = document
        .get("metadata")
        .and_then(|metadata| metadata.get("name"));
    name.and_then(Value::as_str).unwrap_or_default()
}

fn author<'a>(call: &'a Call, kind: &Kind, name: &str) -> Author<'a> {
    Author {
        name: call.identity.name(),
        workspace: &call.engine.config.workspace,
        url: call.engine.workload_url(kind, name),
        now: call.now(),
    }
}
