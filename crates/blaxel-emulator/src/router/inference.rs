//! The workloads: agents that echo, models with one or two dialects, and functions.

use axum::Json;
use axum::response::IntoResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::call::Call;
use super::model::require_post;
use super::route::{HandlerResult, Route};
use super::stream::{event, event_stream};
use super::workload::NAME;
use super::{anthropic, chat, cohere, embeddings, gemini, mcp};
use crate::errors::ErrorResponse;
use crate::state::{Collection, MODELS, traffic};
use crate::workload::ScriptedReply;

/// The path parameter with the path after the workload's name.
const REST: &str = "rest";

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "InvokeAgent",
            None,
            [
                "/run/{workspace}/agents/{name}",
                "/run/{workspace}/agents/{name}/",
                "/run/{workspace}/agents/{name}/{*rest}",
            ],
            AccessLevel::Workload,
            invoke_agent,
        ),
        Route::new(
            "CreateChatCompletion",
            None,
            [
                "/run/{workspace}/models/{name}/v1/chat/completions",
                "/run/{workspace}/models/{name}/chat/completions",
            ],
            AccessLevel::Workload,
            chat::complete,
        ),
        Route::new(
            "CreateEmbedding",
            None,
            [
                "/run/{workspace}/models/{name}/v1/embeddings",
                "/run/{workspace}/models/{name}/embeddings",
            ],
            AccessLevel::Workload,
            embeddings::create,
        ),
        Route::new(
            "CallModel",
            None,
            [
                "/run/{workspace}/models/{name}",
                "/run/{workspace}/models/{name}/",
                "/run/{workspace}/models/{name}/{*rest}",
            ],
            AccessLevel::Workload,
            call_model,
        ),
        Route::new(
            "CallFunction",
            None,
            [
                "/run/{workspace}/functions/{name}",
                "/run/{workspace}/functions/{name}/",
                "/run/{workspace}/functions/{name}/{*rest}",
            ],
            AccessLevel::Workload,
            call_function,
        ),
    ]
}

/// Calls an agent, which echoes its input or replies as its script says. The input is `{"inputs":
/// ...}`, any other JSON, or plain text. The response names the method unless it is `POST`.
fn invoke_agent(call: &Call) -> HandlerResult {
    let input = match call.json() {
        Some(Value::Object(mut body)) => body.remove("inputs").unwrap_or(Value::Object(body)),
        Some(other) => other,
        None => String::from_utf8_lossy(&call.body).into(),
    };
    let input = input
        .as_str()
        .map_or_else(|| input.to_string(), str::to_owned);
    let output = match &call.scripted_reply {
        Some(ScriptedReply::Text(text)) => text.clone(),
        _ => format!("{} heard: {input}", call.path(NAME)),
    };
    let reply = |output: &str| {
        let mut reply = json!({"output": output});
        if call.method != Method::POST {
            reply["method"] = call.method.as_str().into();
        }
        if let Some(thread) = call.header("x-blaxel-thread-id") {
            reply["thread"] = thread.into();
        }
        reply
    };
    if !wants_events(call) {
        return Ok(Json(reply(&output)).into_response());
    }
    let words = output.split_inclusive(' ');
    let chunks = words.map(|word| event(&reply(word).to_string()));
    Ok(event_stream(chunks, call.engine.config.stream_pause))
}

/// Returns `true` if an event stream is the first type that the caller accepts. Quality values are
/// ignored, since a workload has only two formats.
fn wants_events(call: &Call) -> bool {
    let accepted = call.header("accept").unwrap_or_default();
    let first = accepted.split([',', ';']).next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case("text/event-stream")
}

/// Calls a model in a dialect other than chat completions, if its provider has one.
fn call_model(call: &Call) -> HandlerResult {
    let path = call.path(REST);
    let provider = provider(call);
    match (provider.as_deref(), gemini::address(path)) {
        (Some("anthropic"), _) if path == "v1/messages" => {
            require_post(call)?;
            anthropic::message(call)
        }
        (Some("cohere"), _) if path == "v2/chat" => {
            require_post(call)?;
            cohere::chat(call)
        }
        (Some("gemini"), Some(address)) => {
            require_post(call)?;
            gemini::generate(call, &address)
        }
        _ => Err(ErrorResponse::model(
            StatusCode::NOT_FOUND,
            "This model has no such path; it knows /v1/chat/completions and /v1/embeddings.",
        )),
    }
}

/// Returns the provider of a model.
fn provider(call: &Call) -> Option<String> {
    let store = call.engine.store.open();
    let model = store.get(&Collection::top(&MODELS), call.path(NAME))?;
    let spec = traffic::served(model, store.now())?;
    let provider = spec.get("runtime")?.get("type")?.as_str()?;
    Some(provider.to_owned())
}

/// Responds to a call of a function that is not an MCP request over HTTP.
fn call_function(call: &Call) -> HandlerResult {
    if mcp::asks_for_websocket(call) {
        return mcp::open_websocket(call);
    }
    let body = json!({"error": "This function has no such path."});
    Err(ErrorResponse::with_body(StatusCode::NOT_FOUND, body))
}
