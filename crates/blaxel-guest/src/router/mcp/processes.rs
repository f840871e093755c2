//! The tools for processes.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{Outcome, read, value};
use crate::router::process::{self, ProcessBody, Request, View};
use crate::state::State;

/// The limit of a wait without one.
const USUAL_WAIT: i64 = 30;
/// The time after which a process that is kept alive is killed, unless it says otherwise.
const KEEP_ALIVE: i64 = 600;
/// The longest wait for the end of a process: the platform's edge ends calls after a minute.
const LONGEST_WAIT: i64 = 58;

#[derive(Deserialize)]
struct Identifier {
    identifier: String,
}

pub(super) fn list(state: &State) -> Outcome {
    Ok(json!({"processes": value(&process::views(state))?}))
}

pub(super) async fn execute(state: &Arc<State>, arguments: Value) -> Outcome {
    let mut body: ProcessBody = read(arguments)?;
    let timeout = body.timeout.unwrap_or(match body.keep_alive {
        Some(true) => KEEP_ALIVE,
        _ => USUAL_WAIT,
    });
    let waits = body.wait_for_completion.unwrap_or_default();
    let is_cut = waits && timeout > LONGEST_WAIT;
    body.timeout = Some(if is_cut { LONGEST_WAIT } else { timeout });
    body.working_dir.get_or_insert_with(|| "/".to_owned());
    Request::check_keep_alive(state, &body)?;
    let mut request = Request::new(state, body);
    let record = process::start(state, &mut request).await?;
    let deadline = process::deadline(state, &request);
    process::wait_for_ports(state, &request, &record, deadline).await?;
    if !waits {
        return started(&View::started(&record));
    }
    match process::wait_for_end(state, &request, &record, deadline).await {
        Ok(()) => started(&View::completed(&record)),
        Err(refusal) if !is_cut => Err(refusal.into()),
        Err(_) => {
            let mut running = started(&View::completed(&record))?;
            running["pollRequired"] = true.into();
            running["message"] = format!(
                "The process still runs. Call processGet with the identifier '{}' until its status \
                 is no longer 'running'.",
                record.order.name
            )
            .into();
            Ok(running)
        }
    }
}

fn started(view: &View) -> Outcome {
    let mut started = json!({
        "pid": view.pid,
        "name": view.name,
        "status": view.status,
        "exitCode": view.exit_code,
    });
    if let Some(logs) = view.logs.as_deref().filter(|logs| !logs.is_empty()) {
        started["logs"] = logs.into();
    }
    Ok(started)
}

pub(super) fn get(state: &State, arguments: Value) -> Outcome {
    let Identifier { identifier } = read(arguments)?;
    let view = process::view(state, &identifier)
        .map_err(|refusal| format!("failed to get process: {}", refusal.message()))?;
    value(&view)
}

pub(super) fn logs(state: &State, arguments: Value) -> Outcome {
    let Identifier { identifier } = read(arguments)?;
    let output = process::output(state, &identifier)
        .map_err(|refusal| format!("failed to get process logs: {}", refusal.message()))?;
    Ok(json!({"logs": output.logs}))
}

pub(super) async fn stop(state: &State, arguments: Value) -> Outcome {
    let Identifier { identifier } = read(arguments)?;
    process::stop(state, &identifier)
        .await
        .map_err(|refusal| format!("failed to stop process: {}", refusal.message()))?;
    Ok(json!({"status": "stopped"}))
}

pub(super) async fn kill(state: &State, arguments: Value) -> Outcome {
    let Identifier { identifier } = read(arguments)?;
    process::kill(state, &identifier)
        .await
        .map_err(|refusal| format!("failed to kill process: {}", refusal.message()))?;
    Ok(json!({"status": "killed"}))
}
