//! The users of the workspace.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::records::{self, not_found};
use super::route::{HandlerResult, Route};
use crate::clock::timestamp;
use crate::errors::ErrorResponse;
use crate::state::access::{INVITED_UNTIL, subject};
use crate::state::{Collection, Document, OpenStore, Record, USERS, member};

/// The lifetime of an invitation.
const INVITATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn routes() -> Vec<Route> {
    let one = "/v0/users/{subOrEmail}";
    let route = |operation, method, path, handler: fn(&Call) -> HandlerResult| {
        Route::new(operation, method, [path], AccessLevel::Workspace, handler)
    };
    vec![
        route("InviteWorkspaceUser", Method::POST, "/v0/users", invite),
        route("UpdateWorkspaceUserRole", Method::PUT, one, update),
        route("RemoveWorkspaceUser", Method::DELETE, one, remove),
    ]
}

/// Invites a user, or repeats a pending invitation.
fn invite(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let email = body
        .get("email")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !is_address(email) {
        return Err(ErrorResponse::bad_request(
            "email must be an e-mail address.",
        ));
    }
    let mut store = call.engine.store.open();
    let collection = Collection::top(&USERS);
    if store.get(&collection, email).and_then(subject).is_some() {
        let message = "There is a user with this address already.";
        return Err(ErrorResponse::explained(
            StatusCode::CONFLICT,
            "User already exists",
            message,
        ));
    }
    let (now, end) = (
        timestamp(store.now()),
        store.now().saturating_add(INVITATION),
    );
    let end = timestamp(end);
    let mut user = Document::new();
    for (name, value) in [
        ("accepted", Value::Bool(false)),
        ("email_verified", Value::Bool(false)),
        ("role", "member".into()),
        ("source", "invitation".into()),
        (INVITED_UNTIL, end.as_str().into()),
    ] {
        user.insert(name.to_owned(), value);
    }
    store.put(&collection, email, user, &call.author());
    let by = call.identity.name();
    Ok(Json(json!({
        "email": email,
        "role": "member",
        "workspace": call.engine.config.workspace,
        "invitedBy": by,
        "expiresAt": end,
        "createdAt": now,
        "updatedAt": now,
        "createdBy": by,
        "updatedBy": by,
    }))
    .into_response())
}

/// Returns `true` if a text looks like an e-mail address.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && parts.is_some_and(|(name, host)| {
            let labels = host.split('.');
            !name.is_empty()
                && !host.contains('@')
                && labels.clone().count() > 1
                && labels.clone().all(|label| !label.is_empty())
        })
}

/// Returns the user with this address or identifier.
fn find<'a>(
    store: &'a OpenStore,
    collection: &Collection,
    wanted: &str,
) -> Result<&'a Record, ErrorResponse> {
    let by_subject = || {
        let mut users = store.all(collection);
        users.find(|user| subject(user).as_deref() == Some(wanted))
    };
    let user = store.get(collection, wanted).or_else(by_subject);
    user.ok_or_else(|| not_found(&USERS))
}

fn update(call: &Call) -> HandlerResult {
    let body = body::object(call)?;
    let role = body.get("role").and_then(Value::as_str).unwrap_or_default();
    let mut store = call.engine.store.open();
    let collection = Collection::top(&USERS);
    let email = find(&store, &collection, call.path(USERS.parameter))?
        .name
        .clone();
    if let Some(user) = store.modify(&collection, &email) {
        member::set(&mut user.document, "role", role.into());
    }
    records::response(&store, &collection, &email)
}

fn remove(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let collection = Collection::top(&USERS);
    let email = find(&store, &collection, call.path(USERS.parameter))?
        .name
        .clone();
    store.remove(&collection, &email);
    Ok(Json(json!({"message": "User removed"})).into_response())
}
