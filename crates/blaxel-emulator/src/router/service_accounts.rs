//! Service accounts and their API keys, whose secrets are shown once.

use http::Method;

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::state::{API_KEYS, Collection, SERVICE_ACCOUNTS, Visibility, access, member};

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(
            operation,
            Method::POST,
            [path],
            AccessLevel::Workspace,
            handler,
        )
    };
    vec![
        route(
            "CreateWorkspaceServiceAccount",
            "/v0/service_accounts",
            create,
        ),
        route(
            "CreateApiKeyForServiceAccount",
            "/v0/service_accounts/{clientId}/api_keys",
            create_key,
        ),
    ]
}

fn create(call: &Call) -> HandlerResult {
    let mut document = body::document(call, &SERVICE_ACCOUNTS)?;
    if member::text(&document, "name").is_none_or(str::is_empty) {
        return Err(ErrorResponse::bad_request("name is missing."));
    }
    // The server generates the secret and ignores one that a client sends.
    document.remove("client_secret");
    let mut store = call.engine.store.open();
    let collection = Collection::top(&SERVICE_ACCOUNTS);
    let client_id = store.fresh_name(&collection, "sa");
    store.put(&collection, &client_id, document, &call.author());
    let shown = store.show(&collection, &client_id);
    let mut shown = shown.ok_or_else(|| not_found(&SERVICE_ACCOUNTS))?;
    let secret = access::client_secret(store.rows(), &client_id).unwrap_or_default();
    shown.set("client_secret", secret);
    Ok(records::json_of(shown))
}

fn create_key(call: &Call) -> HandlerResult {
    let document = body::document(call, &API_KEYS)?;
    let mut store = call.engine.store.open();
    let collection = records::collection(call, &API_KEYS, &store)?;
    let id = store.fresh_name(&collection, "ak");
    store.put(&collection, &id, document, &call.author());
    let record = store
        .get(&collection, &id)
        .ok_or_else(|| not_found(&API_KEYS))?;
    Ok(records::json_of(store.shown_with(
        &collection,
        record,
        Visibility::Full,
    )))
}
