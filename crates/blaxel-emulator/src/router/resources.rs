//! List, create, get, replace and delete, the same for every kind of resource.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::Value;

use super::listing;
use super::{Call, Gate, Outcome, Route};
use crate::errors::Refusal;
use crate::state::{Author, Document, Kind};

/// The longest name a resource may have.
const NAME_LIMIT: usize = 49;

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
    let document = document(call)?;
    let name = name(&document)?.ok_or_else(|| Refusal::bad_request("metadata.name is missing."))?;
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
    let document = document(call)?;
    let path = call.path(NAME);
    if name(&document)?.is_some_and(|name| name != path) {
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

/// The body as a document, which has metadata and a spec.
fn document(call: &Call) -> Result<Document, Refusal> {
    let Some(Value::Object(document)) = call.json() else {
        return Err(Refusal::bad_request("The body must be a JSON object."));
    };
    for member in ["metadata", "spec"] {
        if !document.get(member).is_some_and(Value::is_object) {
            return Err(Refusal::bad_request(format!(
                "{member} is missing or is not an object."
            )));
        }
    }
    Ok(document)
}

/// The name in a document, if there is one.
fn name(document: &Document) -> Result<Option<String>, Refusal> {
    let name = match document
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
    {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) => name,
        Some(_) => return Err(Refusal::bad_request("metadata.name must be a string.")),
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(plain) {
        return Err(Refusal::bad_request(
            "metadata.name must be 1 to 49 lowercase letters, digits and hyphens.",
        ));
    }
    Ok(Some(name.clone()))
}

fn author<'a>(call: &'a Call, kind: &Kind, name: &str) -> Author<'a> {
    Author {
        name: call.identity.name(),
        workspace: &call.engine.config.workspace,
        url: call.engine.workload_url(kind, name),
        now: call.now(),
    }
}
