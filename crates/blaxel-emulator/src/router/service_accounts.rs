//! Service accounts and their API keys. Their secrets are shown once, and let in whoever has them.

use axum::routing::MethodFilter;

use super::body;
use super::call::Call;
use super::gate::Gate;
use super::records::{self, not_found};
use super::route::{Outcome, Route};
use crate::errors::Refusal;
use crate::state::{API_KEYS, SERVICE_ACCOUNTS, Shelf, Sight, access, member};

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
    let secret = access::client_secret(shelves.rows(), &client_id).unwrap_or_default();
    shown.insert("client_secret".to_owned(), secret.into());
    Ok(records::json_of(shown))
}

fn create_key(call: &Call) -> Outcome {
    let document = body::document(call, &API_KEYS)?;
    let mut shelves = call.engine.store.open();
    let shelf = records::shelf(call, &API_KEYS, &shelves)?;
    let id = shelves.fresh_name(&shelf, "ak");
    shelves.put(&shelf, &id, document, &call.author());
    let record = shelves
        .get(&shelf, &id)
        .ok_or_else(|| not_found(&API_KEYS))?;
    Ok(records::json_of(shelves.seen(&shelf, record, Sight::Full)))
}
