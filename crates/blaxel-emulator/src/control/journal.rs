//! The journal.

use axum::extract::Query;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Of;
use crate::journal::{CredentialKind, Entry};

pub(super) fn routes() -> Router {
    Router::new().route("/journal", get(show).delete(clear))
}

/// The requests to show.
#[derive(Deserialize)]
struct Wanted {
    operation: Option<String>,
}

/// Returns the name of a kind of credential.
pub(super) fn credential(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::None => "none",
        CredentialKind::Rejected => "rejected",
        CredentialKind::ApiKey => "api_key",
        CredentialKind::AccessToken => "access_token",
    }
}

/// Returns an entry as the control shows it.
pub(super) fn shown(entry: &Entry) -> Value {
    json!({
        "at": entry.at.as_str(),
        "request_id": entry.request_id,
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "version": entry.version,
        "operation": entry.operation,
        "credential": credential(entry.credential),
        "status": entry.status,
    })
}

async fn show(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Json<Value> {
    let entries = engine.journal.entries();
    let is_wanted =
        |entry: &&Entry| wanted.operation.is_none() || wanted.operation == entry.operation;
    let shown: Vec<_> = entries.iter().filter(is_wanted).map(shown).collect();
    Json(json!({"requests": shown}))
}

async fn clear(Extension(engine): Of) -> StatusCode {
    engine.journal.clear();
    StatusCode::NO_CONTENT
}
