//! Chat completions of OpenAI, which every model supports, as a whole or streamed.

use axum::Json;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde_json::{Value, json};

use super::call::Call;
use super::completion::{Completion, Prompt, ToolCall, content, has_tools, prompt};
use super::model::{bad_request, model, object, require_post};
use super::route::HandlerResult;
use super::stream::{event, event_stream};

/// A completion with the data for its response.
struct ChatCompletion {
    id: String,
    created: u64,
    model: String,
    completion: Completion,
    usage: Value,
}

pub(crate) fn complete(call: &Call) -> HandlerResult {
    require_post(call)?;
    let body = object(call)?;
    let messages = body.get("messages").and_then(Value::as_array);
    let messages = messages
        .filter(|messages| !messages.is_empty())
        .ok_or_else(|| bad_request("messages must be an array with at least one message."))?;
    let completion = ChatCompletion::of(
        call,
        &Prompt {
            model: model(call, &body)?,
            text: prompt(messages),
            all: messages.iter().map(content).collect(),
            tools: has_tools(&body) && body.get("tool_choice").is_none_or(|it| it != "none"),
        },
    );
    let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
    if !flag(body.get("stream")) {
        return Ok(Json(completion.whole()).into_response());
    }
    let with_usage = body
        .get("stream_options")
        .and_then(|options| options.get("include_usage"));
    let pause = call.engine.config.stream_pause;
    Ok(event_stream(completion.chunks(flag(with_usage)), pause))
}

impl ChatCompletion {
    fn of(call: &Call, prompt: &Prompt<'_>) -> Self {
        let completion = Completion::for_prompt(call, prompt);
        Self {
            id: format!("chatcmpl-{:08}", call.engine.next_number()),
            created: call.engine.seconds(),
            model: prompt.model.to_owned(),
            usage: json!({
                "prompt_tokens": completion.input_tokens,
                "completion_tokens": completion.output_tokens,
                "total_tokens": completion.input_tokens + completion.output_tokens,
            }),
            completion,
        }
    }

    fn whole(&self) -> Value {
        let calls = &self.completion.calls;
        let message = if calls.is_empty() {
            json!({"role": "assistant", "content": self.completion.text})
        } else {
            let calls: Vec<_> = calls.iter().map(|it| tool_call(it, &it.text())).collect();
            json!({"role": "assistant", "content": null, "tool_calls": calls})
        };
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish()}],
            "usage": self.usage,
        })
    }

    fn finish(&self) -> &'static str {
        if self.completion.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        }
    }

    /// Returns the events of the stream: the role, the words or tool calls, the end, and the usage
    /// if it was requested.
    fn chunks(&self, with_usage: bool) -> Vec<Bytes> {
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
        let calls = &self.completion.calls;
        let first = if calls.is_empty() {
            "".into()
        } else {
            Value::Null
        };
        let mut chunks = vec![delta(
            json!({"role": "assistant", "content": first}),
            Value::Null,
        )];
        for word in self.completion.words() {
            chunks.push(delta(json!({"content": word}), Value::Null));
        }
        for (index, call) in calls.iter().enumerate() {
            let mut start = tool_call(call, "");
            start["index"] = index.into();
            let rest = call
                .fragments()
                .into_iter()
                .map(|fragment| json!({"index": index, "function": {"arguments": fragment}}));
            let deltas = [start].into_iter().chain(rest);
            chunks.extend(deltas.map(|it| delta(json!({"tool_calls": [it]}), Value::Null)));
        }
        chunks.push(delta(json!({}), self.finish().into()));
        if with_usage {
            chunks.push(chunk(json!([]), self.usage.clone()));
        }
        chunks.push(event("[DONE]"));
        chunks
    }
}

/// Returns a tool call with this part of its arguments.
pub(crate) fn tool_call(call: &ToolCall, arguments: &str) -> Value {
    json!({
        "id": format!("call_{}", call.id),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    })
}
