//! The journal.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Of;
use crate::journal::{Entry, Message, Moment};
use crate::{clock, curl, har};

pub(super) fn routes() -> Router {
    Router::new()
        .route("/journal", get(show).delete(clear))
        .route("/journal/counts", get(counts))
        .route("/journal/har", get(archive))
        .route("/journal/curl", get(commands))
}

/// The requests to show.
#[derive(Deserialize)]
struct Wanted {
    operation: Option<String>,
}

impl Wanted {
    fn of(self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if self.operation.is_some() {
            entries.retain(|entry| entry.operation == self.operation);
        }
        entries
    }
}

fn moment(moment: Option<Moment>) -> Option<Value> {
    moment.map(|moment| {
        json!({
            "at": clock::timestamp(moment.at).as_str(),
            "after": moment.after.as_secs_f64(),
        })
    })
}

fn shown_headers(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let mut shown = BTreeMap::<&str, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let all = shown.entry(name.as_str()).or_default();
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(&value);
    }
    shown
}

fn message(message: &Message) -> Value {
    json!({
        "headers": shown_headers(&message.headers),
        "body": String::from_utf8_lossy(&message.body),
        "size": message.size,
        "is_whole": message.is_whole,
    })
}

/// Returns an entry as the control shows it.
pub(super) fn shown(entry: &Entry) -> Value {
    json!({
        "at": entry.at.as_str(),
        "head": moment(entry.head),
        "end": moment(entry.end),
        "is_cut": entry.is_cut,
        "request_id": entry.request_id,
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "secret_in_url": entry.secret_in_url,
        "version": entry.version,
        "operation": entry.operation,
        "credential": entry.credential.name(),
        "caller": entry.caller,
        "credential_id": entry.credential_id,
        "times_processed": entry.times_processed,
        "incident": entry.incident,
        "status": entry.status,
        "request": entry.request.as_ref().map(message),
        "response": entry.response.as_ref().map(message),
    })
}

async fn show(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Json<Value> {
    let entries = wanted.of(engine.journal.entries());
    let shown: Vec<_> = entries.iter().map(shown).collect();
    Json(json!({"requests": shown}))
}

async fn counts(Extension(engine): Of) -> Json<Value> {
    let counts: BTreeMap<_, _> = engine
        .journal
        .counts()
        .into_iter()
        .map(|(name, count)| {
            let shown = json!({"requests": count.requests, "processed": count.processed});
            (name, shown)
        })
        .collect();
    Json(json!({"operations": counts}))
}

async fn archive(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Json<Value> {
    let entries = wanted.of(engine.journal.entries());
    Json(har::archive(&engine.origin, &entries))
}

async fn commands(
    Extension(engine): Of,
    Query(wanted): Query<Wanted>,
) -> ([(HeaderName, &'static str); 1], String) {
    let entries = wanted.of(engine.journal.entries());
    let command = |entry| curl::command(&engine, entry) + "\n";
    let script = entries.iter().map(command).collect();
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], script)
}

async fn clear(Extension(engine): Of) -> StatusCode {
    engine.journal.clear();
    StatusCode::NO_CONTENT
}
