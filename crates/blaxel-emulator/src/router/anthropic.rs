//! Messages, the dialect of Anthropic. They come whole only.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::speech::{Speech, text};
use super::{Call, Outcome};
use crate::errors::Refusal;

pub(crate) fn message(call: &Call) -> Outcome {
    let refuse = Refusal::anthropic;
    let Some(Value::Object(body)) = call.json() else {
        return Err(refuse("The body must be a JSON object."));
    };
    let model = body.get("model").and_then(Value::as_str);
    let model = model.ok_or_else(|| refuse("model: Field required"))?;
    if !body.get("max_tokens").is_some_and(Value::is_u64) {
        return Err(refuse("max_tokens: Field required"));
    }
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages
        .filter(|messages| !messages.is_empty())
        .ok_or_else(|| refuse("messages: at least one message is required"))?;
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        return Err(refuse("stream: the emulator does not stream messages"));
    }
    let content = |message: &Value| message.get("content").map(text).unwrap_or_default();
    let from_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let question = messages.iter().rev().find(from_user).map(content);
    let texts = body.get("system").map(text);
    let speech = Speech::on(
        model,
        &question.unwrap_or_default(),
        texts.into_iter().chain(messages.iter().map(content)),
    );
    Ok(Json(json!({
        "id": format!("msg_{:08}", call.engine.next_number()),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": speech.text}],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {"input_tokens": speech.heard, "output_tokens": speech.said},
    }))
    .into_response())
}
