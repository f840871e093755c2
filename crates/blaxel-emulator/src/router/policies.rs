//! What a policy applies to.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;

use super::call::Call;
use super::gate::Gate;
use super::records::not_found;
use super::route::{Outcome, Route};
use crate::state::{Document, POLICIES, Shelf, policy_users};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GetPolicyUsages",
        MethodFilter::GET,
        ["/v0/policies/{policyName}/usages"],
        Gate::Workspace,
        usages,
    )]
}

/// The names of what is under a policy, kind by kind.
fn usages(call: &Call) -> Outcome {
    let name = call.path(POLICIES.parameter);
    let shelves = call.engine.store.open();
    if shelves.get(&Shelf::top(&POLICIES), name).is_none() {
        return Err(not_found(&POLICIES));
    }
    let mut usages = Document::new();
    for (kind, users) in policy_users(shelves.rows(), name) {
        usages.insert(kind.path.to_owned(), users.into());
    }
    Ok(Json(usages).into_response())
}
