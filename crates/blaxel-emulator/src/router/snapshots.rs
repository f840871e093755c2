//! Snapshots of sandboxes: taking, finding and restoring them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::body;
use super::call::Call;
use super::copies::{Copied, Original};
use super::records::{self, not_found, taken};
use super::route::{HandlerResult, Route};
use crate::errors::ErrorResponse;
use crate::guests::Ended;
use crate::state::{
    Collection, Contents, Document, FailingWork, OpenStore, Record, SANDBOXES, SNAPSHOTS, member,
    snapshot, status,
};

/// The path parameter with the id or the name of a snapshot, below its sandbox.
const SNAPSHOT: &str = "snapshotId";

pub(crate) fn routes() -> Vec<Route> {
    let access = AccessLevel::Workspace;
    let all = "/v0/sandboxes/{sandboxName}/snapshots";
    let one = "/v0/sandboxes/{sandboxName}/snapshots/{snapshotId}";
    let restored = "/v0/sandboxes/{sandboxName}/snapshots/{snapshotId}/restore";
    let top = "/v0/snapshots";
    vec![
        Route::new_async("CreateSnapshot", Method::POST, [top], access, create),
        Route::new("ListSandboxSnapshots", Method::GET, [all], access, list_own),
        Route::new_async(
            "CreateSandboxSnapshot",
            Method::POST,
            [all],
            access,
            create_own,
        ),
        Route::new(
            "DeleteSandboxSnapshot",
            Method::DELETE,
            [one],
            access,
            delete_own,
        ),
        Route::new_async(
            "RestoreSandboxSnapshot",
            Method::POST,
            [restored],
            access,
            restore,
        ),
    ]
}

fn snapshots() -> Collection {
    Collection::top(&SNAPSHOTS)
}

/// Returns a sandbox that has not ended. Fails with 404 if there is none, and with 409 if it is archived: then there is
/// no machine to take a snapshot of.
pub(super) fn running<'a>(store: &'a OpenStore, name: &str) -> Result<&'a Record, ErrorResponse> {
    let record = store.get(&Collection::top(&SANDBOXES), name);
    let record = record.ok_or_else(|| not_found(&SANDBOXES))?;
    match record.status(store.now()) {
        status::TERMINATED => Err(not_found(&SANDBOXES)),
        state @ (status::ARCHIVING | status::ARCHIVED | status::UNARCHIVING) => {
            Err(in_state("The sandbox", name, state))
        }
        _ => Ok(record),
    }
}

/// Returns the error for something whose state does not allow an operation.
pub(super) fn in_state(what: &str, name: &str, state: &str) -> ErrorResponse {
    let message = format!("{what} {name:?} is {state}, which does not allow this.");
    ErrorResponse::explained(StatusCode::CONFLICT, "Conflict", message)
}

async fn create(call: Call) -> HandlerResult {
    let body = body::object(&call)?;
    let source = body.get("source").and_then(|source| source.get("name"));
    let missing = || ErrorResponse::bad_request("source.name is missing.");
    let source = source.and_then(Value::as_str).ok_or_else(missing)?;
    take_as(&call, source, &body).await
}

async fn create_own(call: Call) -> HandlerResult {
    let body = body::object(&call)?;
    take_as(&call, call.path(SANDBOXES.parameter), &body).await
}

/// Takes a snapshot as a request says, and responds with it.
async fn take_as(call: &Call, sandbox: &str, body: &Document) -> HandlerResult {
    let name = member::text(body, "name").filter(|name| !name.is_empty());
    let original = {
        let store = call.engine.store.open();
        Original::sandbox(call, &store, source(&store, sandbox, name)?)
    };
    let mut copy = original.copy().await?;
    let mut store = call.engine.store.open();
    source(&store, sandbox, name)?;
    let contents = copy.take(&store)?;
    let id = take(call, &mut store, (sandbox, contents), name)?;
    records::response(&store, &snapshots(), &id)
}

/// Returns the sandbox of which a snapshot of a name can be taken.
fn source<'a>(
    store: &'a OpenStore,
    sandbox: &str,
    name: Option<&str>,
) -> Result<&'a Record, ErrorResponse> {
    let source = running(store, sandbox)?;
    let has_name = |own: &Record| member::text(&own.document, "name") == name;
    match name {
        Some(name) if own(store, source).any(has_name) => Err(taken(&SNAPSHOTS, name)),
        _ => Ok(source),
    }
}

/// Takes a snapshot of a sandbox with these contents and returns its id.
pub(super) fn take(
    call: &Call,
    store: &mut OpenStore,
    (sandbox, contents): (&str, Contents),
    name: Option<&str>,
) -> Result<String, ErrorResponse> {
    let id = store.fresh_name(&snapshots(), "snap");
    let document = snapshot::document(running(store, sandbox)?, name.unwrap_or(&id));
    let fails = store.take_failure(FailingWork::Main(SNAPSHOTS.path), sandbox);
    let (now, lasts) = (store.now(), store.setting().snapshot_time);
    store.put(&snapshots(), &id, document, &call.author());
    if let Some(taken) = store.modify(&snapshots(), &id) {
        taken.contents = contents;
        snapshot::plan(taken, now, lasts, fails);
    }
    Ok(id)
}

/// Returns the snapshots that were taken of a sandbox.
fn own<'a>(store: &'a OpenStore, sandbox: &Record) -> impl Iterator<Item = &'a Record> {
    let serial = sandbox.serial;
    let all = store.everywhere(&SNAPSHOTS).map(|(_, taken)| taken);
    all.filter(move |taken| snapshot::is_of(taken, serial))
}

/// Returns the snapshot of a sandbox with an id or a name. An id counts before a name.
pub(super) fn find_own<'a>(
    store: &'a OpenStore,
    sandbox: &Record,
    id_or_name: &str,
) -> Result<&'a Record, ErrorResponse> {
    let by_id = own(store, sandbox).find(|taken| taken.name == id_or_name);
    let named = |taken: &&Record| member::text(&taken.document, "name") == Some(id_or_name);
    let found = by_id.or_else(|| own(store, sandbox).find(named));
    found.ok_or_else(|| not_found(&SNAPSHOTS))
}

/// Fails with 409 if a snapshot is not ready.
pub(super) fn require_ready(store: &OpenStore, taken: &Record) -> Result<(), ErrorResponse> {
    match taken.status(store.now()) {
        "ready" => Ok(()),
        state => Err(in_state("The snapshot", &taken.name, state)),
    }
}

/// Returns the sandbox of the path, which may have ended.
fn sandbox<'a>(call: &Call, store: &'a OpenStore) -> Result<&'a Record, ErrorResponse> {
    let record = store.get(&Collection::top(&SANDBOXES), call.path(SANDBOXES.parameter));
    record.ok_or_else(|| not_found(&SANDBOXES))
}

/// Lists the snapshots of a sandbox, newest first.
fn list_own(call: &Call) -> HandlerResult {
    let store = call.engine.store.open();
    let mut own: Vec<_> = own(&store, sandbox(call, &store)?).collect();
    own.sort_by_key(|taken| std::cmp::Reverse(taken.serial));
    let shown = own.iter().map(|taken| store.shown(&snapshots(), taken));
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

fn delete_own(call: &Call) -> HandlerResult {
    let mut store = call.engine.store.open();
    let found = find_own(&store, sandbox(call, &store)?, call.path(SNAPSHOT))?;
    let id = found.name.clone();
    store.delete(&snapshots(), &id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Brings a sandbox back from its snapshot: with the files and processes of that time, under its own name and with its
/// previews.
async fn restore(call: Call) -> HandlerResult {
    let original = {
        let store = call.engine.store.open();
        Original::snapshot(restorable(&call, &store)?)
    };
    let mut copy = original.copy().await?;
    let (response, ended) = restore_from(&call, &mut copy)?;
    ended.finish().await;
    Ok(response)
}

fn restore_from(call: &Call, copy: &mut Copied) -> Result<(Response, Ended), ErrorResponse> {
    let mut store = call.engine.store.open();
    let taken = restorable(call, &store)?;
    let id = taken.name.clone();
    let machine: Vec<_> = snapshot::MACHINE
        .iter()
        .map(|(own, path)| (*path, member::get(&taken.document, own).cloned()))
        .collect();
    let contents = copy.take(&store)?;
    let name = call.path(SANDBOXES.parameter);
    let ended = call.engine.guests.restart_with(&mut store, name, contents);
    if let Some(sandbox) = store.modify(&Collection::top(&SANDBOXES), name) {
        for (path, value) in machine {
            match value {
                Some(value) => member::set(&mut sandbox.document, path, value),
                None => {
                    member::remove(&mut sandbox.document, path);
                }
            }
        }
    }
    store.restart(name);
    let response = Json(json!({"name": name, "snapshotId": id})).into_response();
    Ok((response, ended))
}

/// Returns the snapshot of the path, from which the sandbox of the path can be restored.
fn restorable<'a>(call: &Call, store: &'a OpenStore) -> Result<&'a Record, ErrorResponse> {
    let name = call.path(SANDBOXES.parameter);
    let sandbox = running(store, name)?;
    let state = sandbox.status(store.now());
    if matches!(state, status::DELETING | status::DEACTIVATING) {
        return Err(in_state("The sandbox", name, state));
    }
    let taken = find_own(store, sandbox, call.path(SNAPSHOT))?;
    require_ready(store, taken)?;
    Ok(taken)
}
