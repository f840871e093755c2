//! The workloads: agents that echo, and models that speak the OpenAI dialect.

use axum::Json;
use axum::response::IntoResponse;
use axum::routing::MethodFilter;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Gate, Outcome, Route, chat};
use crate::errors::{Gateway, Refusal};
use crate::state::{AGENTS, Kind, MODELS};

/// The name of the path parameter with the workload's name.
pub(crate) const NAME: &str = "name";

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "InvokeAgent",
            MethodFilter::POST,
            [
                "/run/{workspace}/agents/{name}",
                "/run/{workspace}/agents/{name}/{*rest}",
            ],
            Gate::Workload,
            invoke_agent,
        ),
        Route::new(
            "CreateChatCompletion",
            MethodFilter::POST,
            [
                "/run/{workspace}/models/{name}/v1/chat/completions",
                "/run/{workspace}/models/{name}/chat/completions",
            ],
            Gate::Workload,
            chat::complete,
        ),
        Route::new(
            "CallModel",
            MethodFilter::POST,
            [
                "/run/{workspace}/models/{name}",
                "/run/{workspace}/models/{name}/{*rest}",
            ],
            Gate::Workload,
            call_model,
        ),
    ]
}

/// Asks that a workload is there, as the gateway does.
pub(crate) fn reach(call: &Call, kind: &'static Kind) -> Result<(), Refusal> {
    let name = call.path(NAME);
    if call.engine.store.contains(kind, name) {
        return Ok(());
    }
    let message = format!("There is no {} named {name:?}.", kind.noun.to_lowercase());
    Err(Refusal::gateway(
        Gateway::WorkloadNotFound,
        &message,
        &call.now(),
    ))
}

/// An agent that says what it heard. It takes `{"inputs": ...}`, any other JSON, or plain text.
fn invoke_agent(call: &Call) -> Outcome {
    reach(call, &AGENTS)?;
    if call.query.get("async") == Some("true") {
        return Ok(Json(json!({"success": true})).into_response());
    }
    let heard = match call.json() {
        Some(Value::Object(mut body)) => body.remove("inputs").unwrap_or(Value::Object(body)),
        Some(other) => other,
        None => String::from_utf8_lossy(&call.body).into(),
    };
    let heard = heard
        .as_str()
        .map_or_else(|| heard.to_string(), str::to_owned);
    let mut reply = json!({"output": format!("{} heard: {heard}", call.path(NAME))});
    if let Some(thread) = call.header("x-blaxel-thread-id") {
        reply["thread"] = thread.into();
    }
    Ok(Json(reply).into_response())
}

/// What a model says to anything else than chat.
fn call_model(call: &Call) -> Outcome {
    reach(call, &MODELS)?;
    Err(Refusal::model(
        StatusCode::NOT_FOUND,
        "This model knows /v1/chat/completions only.",
    ))
}
