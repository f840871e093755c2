//! Chat completions: the same answer to the same question, whole or word by word.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use serde_json::{Value, json};
use tokio::time::{Sleep, sleep};

use super::inference::{NAME, reach};
use super::{Call, Outcome};
use crate::errors::Refusal;
use crate::state::MODELS;

/// A question and what is said of the answer.
struct Completion {
    id: String,
    created: u64,
    model: String,
    reply: String,
    usage: Value,
}

pub(crate) fn complete(call: &Call) -> Outcome {
    reach(call, &MODELS)?;
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
        let question = messages
            .iter()
            .rev()
            .find(from_user)
            .map(text)
            .unwrap_or_default();
        let reply = reply(model, question.trim());
        let prompt_tokens: usize = messages.iter().map(|message| words(&text(message))).sum();
        let completion_tokens = words(&reply);
        Self {
            id: format!("chatcmpl-{:08}", call.engine.next_number()),
            created: call.engine.clock.seconds(),
            model: model.to_owned(),
            reply,
            usage: json!({
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            }),
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
                "message": {"role": "assistant", "content": self.reply},
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
        for word in self.reply.split_inclusive(' ') {
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

/// What the model says, which depends on the question alone.
fn reply(model: &str, question: &str) -> String {
    if question.is_empty() {
        return format!(
            "Hello! This is {model}, played by the emulator. What would you like to know?"
        );
    }
    format!(
        "You asked: \"{question}\". This is {model}, played by the emulator: \
         I say the same to the same question, so you can rely on me in a test."
    )
}

/// The text of a message, whose content is a text or a list of parts.
fn text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn event(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}

fn event_stream(pieces: VecDeque<Bytes>, pause: Duration) -> Response {
    let body = Body::new(Pieces {
        pieces,
        pause,
        rest: Rest::Over,
    });
    let kind = HeaderValue::from_static("text/event-stream");
    let cache = HeaderValue::from_static("no-cache");
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)],
        body,
    )
        .into_response()
}

/// A body that gives one piece at a time and lets the reader run in between, so that each piece
/// goes out on its own.
struct Pieces {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    rest: Rest,
}

/// The rest between two pieces.
enum Rest {
    /// It is over, or there was nothing to rest from.
    Over,
    /// It begins with the next poll. Without a pause the reader just gets its turn once.
    Due,
    /// It lasts.
    Asleep(Pin<Box<Sleep>>),
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let pause = self.pause;
        match &mut self.rest {
            Rest::Over => {}
            Rest::Due if pause.is_zero() => {
                self.rest = Rest::Over;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Rest::Due => {
                let mut sleeping = Box::pin(sleep(pause));
                if sleeping.as_mut().poll(cx).is_pending() {
                    self.rest = Rest::Asleep(sleeping);
                    return Poll::Pending;
                }
            }
            Rest::Asleep(sleeping) => {
                if sleeping.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        self.rest = Rest::Due;
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
}
