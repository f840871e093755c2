//! Secrets of the workspace. There is no egress proxy here that would put them into requests, so they are stored and
//! nothing else.

use serde_json::Value;

use http::Method;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::state::access::SECRET_VALUES;
use crate::state::{Collection, Document, SECRETS};

/// Maximum number of versions that are kept. Older ones are removed.
const VERSIONS: usize = 100;

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, method, handler: fn(&Call) -> HandlerResult| {
        let path = ["/v0/secrets"];
        Route::new(operation, method, path, AccessLevel::Workspace, handler)
    };
    vec![
        route("UpsertSecret", Method::POST, set),
        route("DeleteSecretByQuery", Method::DELETE, delete),
    ]
}

/// Adds a version to a secret, creating it if it does not exist.
fn set(call: &Call) -> HandlerResult {
    let mut secret = body::object(call)?;
    let Some(Value::String(name)) = secret.remove("name").filter(|name| name != "") else {
        return Err(ErrorResponse::bad_request("name is empty."));
    };
    let value = secret.remove("value").unwrap_or_default();
    let mut store = call.engine.store.open();
    let collection = Collection::top(&SECRETS);
    let before = store.get(&collection, &name);
    let mut values = before
        .and_then(|before| before.document.get(SECRET_VALUES)?.as_array().cloned())
        .unwrap_or_default();
    values.push(value);
    let surplus = values.len().saturating_sub(VERSIONS);
    values.drain(..surplus);
    let mut document = Document::new();
    document.insert(SECRET_VALUES.to_owned(), values.into());
    if !store.replace(&collection, &name, document.clone(), &call.author()) {
        store.put(&collection, &name, document, &call.author());
    }
    records::response(&store, &collection, &name)
}

/// Deletes the secret that the query names.
fn delete(call: &Call) -> HandlerResult {
    let name = call.query.get("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ErrorResponse::bad_request("name is missing."))?;
    let mut store = call.engine.store.open();
    let collection = Collection::top(&SECRETS);
    let response = records::response(&store, &collection, name)?;
    store
        .remove(&collection, name)
        .ok_or_else(|| not_found(&SECRETS))?;
    Ok(response)
}
