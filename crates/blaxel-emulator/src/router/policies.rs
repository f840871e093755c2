//! The resources that a policy applies to.

use axum::Json;
use axum::response::IntoResponse;

use http::Method;

use super::access_level::AccessLevel;
use super::call::Call;
use super::records::not_found;
use super::route::{HandlerResult, Route};
use crate::state::{Collection, Document, POLICIES, policy_users};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GetPolicyUsages",
        Method::GET,
        ["/v0/policies/{policyName}/usages"],
        AccessLevel::Workspace,
        usages,
    )]
}

/// Lists the names of the resources that a policy applies to, by kind.
fn usages(call: &Call) -> HandlerResult {
    let name = call.path(POLICIES.parameter);
    let store = call.engine.store.open();
    if store.get(&Collection::top(&POLICIES), name).is_none() {
        return Err(not_found(&POLICIES));
    }
    let mut usages = Document::new();
    for (kind, users) in policy_users(store.rows(), name) {
        usages.insert(kind.path.to_owned(), users.into());
    }
    Ok(Json(usages).into_response())
}
