//! Chat completions, the dialect of OpenAI that every model speaks, whole or word by word.

use std::collections::VecDeque;

use axum::Json;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::inference::{NAME, only_post, reach};
use super::speech::{Speech, text};
use super::stream::{event, event_stream};
use super::{Call, Outcome};
use crate::errors::Refusal;
use crate::state::MODELS;

/// A question and what is said of the answer.
struct Completion {
    id: String,
    created: u64,
    model: String,
    speech: Speech,
    usage: Value,
}

pub(crate) fn complete(call: &Call) -> Outcome {
    reach(call, &MODELS)?;
    only_post(call)?;
    let refuse = |message: &str| Refusal::model(StatusCode::BAD_REQUEST, message);
    let Some(Value::Object(body)) = call.json() else {
        return Err(refuse("The body must be a JSON object."));
    };
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages
        .filter(|messages| !messages.is_empty())
        .ok_or_else(|| refuse("messages must be an array with at least one message."))?;
    let model = match body.get("model") {
        None | Some(Value::Null) => call.path(NAME),
        Some(Value::String(model)) => model,
        Some(_) => return Err(refuse("model must be a string.")),
    };
    let completion = Completion::of(call, model, messages);
    let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
    if !flag(body.get("stream")) {
        return Ok(Json(completion.whole()).into_response());
    }
    let with_usage = body
        .get("stream_options")
        .and_then(|options| options.get("include_usage"));
    let pause = call.engine.config.stream_pause;
    Ok(event_stream(completion.pieces(flag(with_usage)), pause))
}

impl Completion {
    fn of(call: &Call, model: &str, messages: &[Value]) -> Self {
        let from_user =
            |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
        let content = |message: &Value| message.get("content").map(text).unwrap_or_default();
        let question = messages.iter().rev().find(from_user).map(content);
        let speech = Speech::on(
            model,
            &question.unwrap_or_default(),
            messages.iter().map(content),
        );
        Self {
            id: format!("chatcmpl-{:08}", call.engine.next_number()),
            created: call.engine.clock.seconds(),
            model: model.to_owned(),
            usage: json!({
                "prompt_tokens": speech.heard,
                "completion_tokens": speech.said,
                "total_tokens": speech.heard + speech.said,
            }),
            speech,
        }
    }

    fn whole(&self) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": self.speech.text},
                "finish_reason": "stop",
            }],
            "usage": self.usage,
        })
    }

    /// The events of the stream: the role, the words, the end, and the usage if it is wanted.
    fn pieces(&self, with_usage: bool) -> VecDeque<Bytes> {
        let chunk = |choices: Value, usage: Value| {
            let mut chunk = json!({
                "id": self.id,
                "object": "chat.completion.chunk",
                "created": self.created,
                "model": self.model,
                "choices": choices,
            });
            if with_usage {
                chunk["usage"] = usage;
            }
            event(&chunk.to_string())
        };
        let delta = |delta: Value, finish: Value| {
            chunk(
                json!([{"index": 0, "delta": delta, "finish_reason": finish}]),
                Value::Null,
            )
        };
        let mut pieces = VecDeque::new();
        pieces.push_back(delta(
            json!({"role": "assistant", "content": ""}),
            Value::Null,
        ));
        for word in self.speech.text.split_inclusive(' ') {
            pieces.push_back(delta(json!({"content": word}), Value::Null));
        }
        pieces.push_back(delta(json!({}), "stop".into()));
        if with_usage {
            pieces.push_back(chunk(json!([]), self.usage.clone()));
        }
        pieces.push_back(event("[DONE]"));
        pieces
    }
}
