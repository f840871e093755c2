//! The addresses of the tasks of executions, and the variables that a task starts with. Such an address is an
//! authorization by itself and needs no credential.

use std::time::Duration;

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access;
use super::access_level::AccessLevel;
use super::call::Call;
use super::route::{HandlerResult, Route};
use crate::engine::Engine;
use crate::errors::ErrorResponse;
use crate::state::{Collection, EXECUTIONS, JOBS, Record, member};

/// The path prefix of these addresses.
pub(super) const ADDRESSES: &str = "/executions/";
/// The path parameter with the secret part.
const TOKEN: &str = "token";
/// The lifetime of an address, on the emulator's clock. The API does not tell it.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GetTasks",
        Method::GET,
        ["/executions/{token}"],
        AccessLevel::Open,
        get,
    )]
}

/// Returns the arguments of all tasks. A request with a credential is refused, so that a client which sends one to
/// presigned addresses is noticed.
fn get(call: &Call) -> HandlerResult {
    let refuse = |message| ErrorResponse::explained(StatusCode::FORBIDDEN, "Forbidden", message);
    if access::has_credential(&call.headers) {
        return Err(refuse("A presigned request must not carry a credential."));
    }
    let unknown = || refuse("The address is unknown, or has expired.");
    let claims = call.engine.task_urls.claims(call.path(TOKEN));
    let claims = claims.ok_or_else(unknown)?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let store = call.engine.store.open();
    let record = store.get(&collection(&text("job")), &text("execution"));
    let is_valid = |record: &&Record| {
        claims["serial"] == record.serial && claims["exp"].as_u64() >= Some(call.engine.seconds())
    };
    let record = record.filter(is_valid).ok_or_else(unknown)?;
    let tasks = member::get(&record.document, "request/tasks");
    Ok(Json(json!({"tasks": tasks})).into_response())
}

fn collection(job: &str) -> Collection {
    Collection::under(&EXECUTIONS, vec![job.to_owned()])
}

/// Returns the variables that a task of an execution starts with, besides those of the emulator: those that identify the
/// task, those of the job, and those of the execution. `None` if there is no such task.
pub(crate) fn variables(
    engine: &Engine,
    job: &str,
    execution: &str,
    index: usize,
) -> Option<Vec<(String, String)>> {
    let store = engine.store.open();
    let record = store.get(&collection(job), execution)?;
    let tasks = member::get(&record.document, "request/tasks")?.as_array()?;
    tasks.get(index)?;
    let expires = engine.clock.since_epoch().saturating_add(LIFETIME);
    let token = engine.task_urls.token(&json!({
        "job": job,
        "execution": execution,
        "serial": record.serial,
        "exp": expires.as_secs(),
    }));
    let own = [
        (
            "BL_EXECUTION_DATA_URL",
            format!("{}{ADDRESSES}{token}", engine.origin),
        ),
        ("BL_EXECUTION_ID", execution.to_owned()),
        ("TASK_INDEX", index.to_string()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    let job = store.get(&Collection::top(&JOBS), job);
    let envs = job.and_then(|job| member::get(&job.document, "spec/runtime/envs"));
    let envs = envs.and_then(Value::as_array).into_iter().flatten();
    let of_job = envs.filter_map(|env| {
        let text = |name: &str| env.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("name")?, text("value")?))
    });
    let overrides = member::get(&record.document, "spec/envOverride").and_then(Value::as_object);
    let of_execution = overrides.into_iter().flatten();
    let of_execution =
        of_execution.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    // Of two variables of one name, a process gets the last.
    Some(of_job.chain(of_execution).chain(own).collect())
}
