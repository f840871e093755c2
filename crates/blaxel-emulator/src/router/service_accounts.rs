//! Service accounts and their API keys. Their secrets are shown once, and let in whoever has them.

use axum::routing::MethodFilter;

use super::resources::{self, not_found};
use super::{Call, Gate, Outcome, Route, body};
use crate::errors::Refusal;
use crate::state::{API_KEYS, SERVICE_ACCOUNTS, Shelf, Shelves, Sight, member};

pub(crate) fn routes() -> Vec<Route> {
    let route = |operation, path, handler: fn(&Call) -> Outcome| {
        Route::new(
            operation,
            MethodFilter::POST,
            [path],
            Gate::Workspace,
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

/// The secret of a service account; `None` if there is no such account.
pub(crate) fn secret(shelves: &Shelves, client_id: &str) -> Option<String> {
    let record = shelves.get(&Shelf::top(&SERVICE_ACCOUNTS), client_id)?;
    Some(shelves.secret_of(record))
}

fn create(call: &Call) -> Outcome {
    let mut document = body::document(call, &SERVICE_ACCOUNTS)?;
    if member::text(&document, "name").is_none_or(str::is_empty) {
        return Err(Refusal::bad_request("name is missing."));
    }
    // A secret is the server's, whatever a client wishes.
    document.remove("client_secret");
    let mut shelves = call.engine.store.open();
    let shelf = Shelf::top(&SERVICE_ACCOUNTS);
    let client_id = shelves.fresh_name(&shelf, "sa");
    shelves.put(&shelf, &client_id, document, &call.author());
    let shown = shelves.show(&shelf, &client_id);
    let mut shown = shown.ok_or_else(|| not_found(&SERVICE_ACCOUNTS))?;
    let secret = secret(&shelves, &client_id).unwrap_or_default();
    shown.insert("client_secret".to_owned(), secret.into());
    Ok(resources::json_of(shown))
}

fn create_key(call: &Call) -> Outcome {
    let document = body::document(call, &API_KEYS)?;
    let mut shelves = call.engine.store.open();
    let shelf = resources::shelf(call, &API_KEYS, &shelves)?;
    let id = shelves.fresh_name(&shelf, "ak");
    shelves.put(&shelf, &id, document, &call.author());
    let record = shelves
        .get(&shelf, &id)
        .ok_or_else(|| not_found(&API_KEYS))?;
    Ok(resources::json_of(shelves.seen(
        &shelf,
        record,
        Sight::Full,
    )))
}
