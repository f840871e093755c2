//! The Messages API of Anthropic, as a whole or streamed.

use axum::Json;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::{Value, json};

use super::call::Call;
use super::completion::{Completion, Prompt, content, has_tools, prompt, text};
use super::route::HandlerResult;
use super::stream::{event_stream, named_event};
use crate::errors::ErrorResponse;

pub(crate) fn message(call: &Call) -> HandlerResult {
    let bad_request = ErrorResponse::anthropic;
    let Some(Value::Object(body)) = call.json() else {
        return Err(bad_request("The body must be a JSON object."));
    };
    let model = body.get("model").and_then(Value::as_str);
    let model = model.ok_or_else(|| bad_request("model: Field required"))?;
    if !body.get("max_tokens").is_some_and(Value::is_u64) {
        return Err(bad_request("max_tokens: Field required"));
    }
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages
        .filter(|messages| !messages.is_empty())
        .ok_or_else(|| bad_request("messages: at least one message is required"))?;
    let system = body.get("system").map(text);
    let choice = body
        .get("tool_choice")
        .and_then(|choice| choice.get("type"));
    let completion = Completion::for_prompt(
        call,
        &Prompt {
            model,
            text: prompt(messages),
            all: system
                .into_iter()
                .chain(messages.iter().map(content))
                .collect(),
            tools: has_tools(&body) && choice.is_none_or(|choice| choice != "none"),
        },
    );
    let id = format!("msg_{:08}", call.engine.next_number());
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        let pause = call.engine.config.stream_pause;
        return Ok(event_stream(events(&id, model, &completion), pause));
    }
    let mut message = envelope(&id, model, &completion);
    message["content"] = blocks(&completion).map(|(block, _)| block).collect();
    message["stop_reason"] = reason(&completion).into();
    message["usage"]["output_tokens"] = completion.output_tokens.into();
    Ok(Json(message).into_response())
}

/// Returns a message without contents.
fn envelope(id: &str, model: &str, completion: &Completion) -> Value {
    json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": completion.input_tokens, "output_tokens": 0},
    })
}

fn reason(completion: &Completion) -> &'static str {
    if completion.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}

/// Returns the blocks of a message: each as a whole, and as the start and the deltas of its stream.
fn blocks(completion: &Completion) -> impl Iterator<Item = (Value, (Value, Vec<Value>))> {
    let words = completion.calls.is_empty().then(|| {
        let block = |text: &str| json!({"type": "text", "text": text});
        let deltas = completion
            .words()
            .map(|word| json!({"type": "text_delta", "text": word}));
        (block(&completion.text), (block(""), deltas.collect()))
    });
    let calls = completion.calls.iter().map(|call| {
        let block = |input: Value| {
            let id = format!("toolu_{}", call.id);
            json!({"type": "tool_use", "id": id, "name": call.name, "input": input})
        };
        let deltas = call
            .fragments()
            .into_iter()
            .map(|fragment| json!({"type": "input_json_delta", "partial_json": fragment}));
        let streamed = (block(json!({})), deltas.collect());
        (block(call.arguments.clone()), streamed)
    });
    words.into_iter().chain(calls)
}

fn events(id: &str, model: &str, completion: &Completion) -> Vec<Bytes> {
    let mut events = Vec::new();
    let mut say = |name: &str, mut data: Value| {
        data["type"] = name.into();
        events.push(named_event(name, &data.to_string()));
    };
    let message = envelope(id, model, completion);
    say("message_start", json!({"message": message}));
    say("ping", json!({}));
    for (index, (_, (start, deltas))) in blocks(completion).enumerate() {
        say(
            "content_block_start",
            json!({"index": index, "content_block": start}),
        );
        for delta in deltas {
            say(
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            );
        }
        say("content_block_stop", json!({"index": index}));
    }
    say(
        "message_delta",
        json!({
            "delta": {"stop_reason": reason(completion), "stop_sequence": null},
            "usage": {"output_tokens": completion.output_tokens},
        }),
    );
    say("message_stop", json!({}));
    events
}
