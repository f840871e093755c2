//! Creating sandboxes, which differs from other kinds: the name is optional, an existing sandbox
//! may be returned, and errors have their own format.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;

use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use super::{body, records, sandbox_checks};
use crate::clock::timestamp;
use crate::engine::Engine;
use crate::errors::ErrorResponse;
use crate::state::{Collection, Document, OpenStore, Record, SANDBOXES, rule, status};

/// The header with the time after which a creation is cancelled, in seconds.
const TIMEOUT: &str = "x-blaxel-creation-timeout";
const TIMEOUTS: RangeInclusive<u64> = 1..=50;

pub(crate) fn routes() -> Vec<Route> {
    let create = Route::new_async(
        "CreateSandbox",
        Method::POST,
        ["/v0/sandboxes"],
        AccessLevel::Workspace,
        |call| async move { create(&call).await },
    );
    vec![create.map_errors(in_sandbox_format)]
}

async fn create(call: &Call) -> HandlerResult {
    let document = body::document(call, &SANDBOXES)?;
    let given = body::name(&document, &SANDBOXES)?;
    if let Some(name) = &given {
        rule::sandbox_name(name, "metadata.name").map_err(ErrorResponse::bad_request)?;
    }
    let timeout = timeout(call)?;
    let (name, response) = create_at_once(call, given, document)?;
    let Some(timeout) = timeout else {
        return Ok(response);
    };
    wait(call, &name, timeout, response).await
}

/// Returns the time after which the creation is cancelled, if the client has set one.
fn timeout(call: &Call) -> Result<Option<Duration>, ErrorResponse> {
    let Some(text) = call.headers.get(TIMEOUT) else {
        return Ok(None);
    };
    let seconds: Option<u64> = text.to_str().ok().and_then(|text| text.parse().ok());
    let seconds = seconds.filter(|seconds| TIMEOUTS.contains(seconds));
    let invalid = || {
        let (first, last) = (TIMEOUTS.start(), TIMEOUTS.end());
        let message = format!("X-Blaxel-Creation-Timeout must be {first} to {last} seconds.");
        ErrorResponse::bad_request(message)
    };
    seconds
        .map(Duration::from_secs)
        .ok_or_else(invalid)
        .map(Some)
}

fn create_at_once(
    call: &Call,
    given: Option<String>,
    document: Document,
) -> Result<(String, Response), ErrorResponse> {
    let mut store = call.engine.store.open();
    let collection = Collection::top(&SANDBOXES);
    let name = given.unwrap_or_else(|| store.fresh_name(&collection, "sandbox"));
    let present = store.get(&collection, &name);
    let response = match present.map(|present| present.status(store.now())) {
        // A failed or terminated sandbox is always replaced.
        None | Some(status::FAILED | status::TERMINATED) => {
            make(call, &mut store, &name, document)?
        }
        // A sandbox that is being deleted can be neither returned nor replaced.
        Some(status::DELETING | status::DEACTIVATING) => return Err(taken(&name, false)),
        _ if call.query.get("createIfNotExist") == Some("true") => {
            records::response(&store, &collection, &name)?
        }
        Some(status::UPLOADING | status::BUILDING | status::DEPLOYING) => {
            return Err(taken(&name, true));
        }
        Some(_) => return Err(taken(&name, false)),
    };
    Ok((name, response))
}

fn make(call: &Call, store: &mut OpenStore, name: &str, document: Document) -> HandlerResult {
    let collection = Collection::top(&SANDBOXES);
    let author = records::author(call, &SANDBOXES);
    // An upload is what the image is built from.
    if !author.uploads {
        let checked = sandbox_checks::check(store, name, &document);
        checked.map_err(|problem| problem.response(store, name))?;
    }
    store.put(&collection, name, document, &author);
    records::write_response(call, store, &collection, name)
}

/// Waits until a sandbox is deployed. After the timeout it is removed, so that its name is free.
async fn wait(call: &Call, name: &str, timeout: Duration, response: Response) -> HandlerResult {
    let (engine, collection) = (&call.engine, Collection::top(&SANDBOXES));
    let ready = {
        let store = engine.store.open();
        let record = store.get(&collection, name);
        let last = record.map(|record| (record.serial, record.timeline.last_change()));
        last.map(|(serial, at)| (serial, at.unwrap_or_default(), store.now()))
    };
    let Some((serial, ready, now)) = ready.filter(|(_, ready, now)| ready > now) else {
        return Ok(response);
    };
    let limit = now.saturating_add(timeout);
    engine.clock.sleep_until(ready.min(limit)).await;
    let mut store = engine.store.open();
    if ready > limit {
        let is_own = |record: &Record| record.serial == serial;
        if store.get(&collection, name).is_some_and(is_own) {
            store.remove(&collection, name);
        }
        let status = StatusCode::REQUEST_TIMEOUT;
        let message = "The sandbox was not ready in time, and is removed.".to_owned();
        let problem = sandbox_checks::Problem::new(status, "CREATION_TIMEOUT", message);
        return Err(problem.response(&store, name));
    }
    records::response(&store, &collection, name)
}

/// Returns the error for a sandbox that exists already.
fn taken(name: &str, in_progress: bool) -> ErrorResponse {
    let mut body = json!({
        "code": "SANDBOX_ALREADY_EXISTS",
        "message": format!("There is a sandbox named {name:?} already."),
        "status_code": StatusCode::CONFLICT.as_u16(),
        "sandbox_name": name,
    });
    if in_progress {
        body["reason"] = "CREATION_IN_PROGRESS".into();
    }
    ErrorResponse::with_body(StatusCode::CONFLICT, body)
}

/// Converts an error into the format of sandbox creation.
fn in_sandbox_format(engine: &Engine, error: ErrorResponse) -> ErrorResponse {
    error.of_sandboxes(
        &engine.config.workspace,
        &timestamp(engine.clock.since_epoch()),
    )
}
