//! The chat API of Cohere, as a whole or streamed.

use axum::Json;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::{Value, json};

use super::call::Call;
use super::chat::tool_call;
use super::completion::{Completion, Prompt, content, has_tools, prompt};
use super::route::HandlerResult;
use super::stream::{event_stream, named_event};
use crate::errors::ErrorResponse;

pub(crate) fn chat(call: &Call) -> HandlerResult {
    let bad_request = ErrorResponse::cohere;
    let Some(Value::Object(body)) = call.json() else {
        return Err(bad_request("The body must be a JSON object."));
    };
    let model = body.get("model").and_then(Value::as_str);
    let model = model.ok_or_else(|| bad_request("model is required"))?;
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages
        .filter(|messages| !messages.is_empty())
        .ok_or_else(|| bad_request("messages must have at least one message"))?;
    let choice = body.get("tool_choice").and_then(Value::as_str);
    let completion = Completion::for_prompt(
        call,
        &Prompt {
            model,
            text: prompt(messages),
            all: messages.iter().map(content).collect(),
            tools: has_tools(&body) && choice != Some("NONE"),
        },
    );
    let id = format!("emu-{:08}", call.engine.next_number());
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        let pause = call.engine.config.stream_pause;
        return Ok(event_stream(events(&id, &completion), pause));
    }
    let mut message = json!({"role": "assistant"});
    if completion.calls.is_empty() {
        message["content"] = json!([{"type": "text", "text": completion.text}]);
    } else {
        let calls = completion.calls.iter().map(|it| tool_call(it, &it.text()));
        message["tool_calls"] = calls.collect();
    }
    let mut response = end(&completion);
    response["id"] = id.into();
    response["message"] = message;
    Ok(Json(response).into_response())
}

/// Returns the finish reason and the usage.
fn end(completion: &Completion) -> Value {
    let reason = if completion.calls.is_empty() {
        "COMPLETE"
    } else {
        "TOOL_CALL"
    };
    let tokens =
        json!({"input_tokens": completion.input_tokens, "output_tokens": completion.output_tokens});
    json!({
        "finish_reason": reason,
        "usage": {"billed_units": tokens, "tokens": tokens},
    })
}

fn events(id: &str, completion: &Completion) -> Vec<Bytes> {
    let mut events = Vec::new();
    let mut say = |name: &str, mut data: Value| {
        data["type"] = name.into();
        events.push(named_event(name, &data.to_string()));
    };
    let message = |message: Value| json!({"message": message});
    say(
        "message-start",
        json!({"id": id, "delta": message(json!({"role": "assistant"}))}),
    );
    if completion.calls.is_empty() {
        let content = |content: Value| message(json!({"content": content}));
        let first = content(json!({"type": "text", "text": ""}));
        say("content-start", json!({"index": 0, "delta": first}));
        for word in completion.words() {
            let delta = content(json!({"text": word}));
            say("content-delta", json!({"index": 0, "delta": delta}));
        }
        say("content-end", json!({"index": 0}));
    }
    for (index, call) in completion.calls.iter().enumerate() {
        let calls = |call: Value| message(json!({"tool_calls": call}));
        let first = calls(tool_call(call, ""));
        say("tool-call-start", json!({"index": index, "delta": first}));
        for fragment in call.fragments() {
            let delta = calls(json!({"function": {"arguments": fragment}}));
            say("tool-call-delta", json!({"index": index, "delta": delta}));
        }
        say("tool-call-end", json!({"index": index}));
    }
    say("message-end", json!({"id": id, "delta": end(completion)}));
    events
}
