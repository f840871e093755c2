//! Content generation in the dialect of Gemini, as a whole or streamed.

use axum::Json;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::call::Call;
use super::completion::{Completion, Prompt, has_tools, text};
use super::route::HandlerResult;
use super::stream::event_stream;
use crate::chunks::Chunks;
use crate::errors::ErrorResponse;

/// The parsed path of a request: `v1beta/models/{model}:generateContent` or
/// `…:streamGenerateContent`.
pub(crate) struct Address<'a> {
    model: &'a str,
    streams: bool,
}

pub(crate) fn address(path: &str) -> Option<Address<'_>> {
    let (model, what) = path.strip_prefix("v1beta/models/")?.rsplit_once(':')?;
    let streams = match what {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    (!model.is_empty() && !model.contains('/')).then_some(Address { model, streams })
}

pub(crate) fn generate(call: &Call, address: &Address<'_>) -> HandlerResult {
    let Some(Value::Object(body)) = call.json() else {
        return Err(ErrorResponse::gemini("The body must be a JSON object."));
    };
    let contents = body.get("contents").and_then(Value::as_array);
    let contents = contents
        .filter(|contents| !contents.is_empty())
        .ok_or_else(|| ErrorResponse::gemini("contents is not specified"))?;
    let parts = |content: &Value| content.get("parts").map(text).unwrap_or_default();
    // The default role is the user.
    let from_user = |content: &&Value| content.get("role").is_none_or(|role| role == "user");
    let prompt = contents.iter().rev().find(from_user).map(parts);
    let system = body
        .get("systemInstruction")
        .or_else(|| body.get("system_instruction"));
    let completion = Completion::for_prompt(
        call,
        &Prompt {
            model: address.model,
            text: prompt.unwrap_or_default(),
            all: system.into_iter().chain(contents).map(parts).collect(),
            tools: has_tools(&body),
        },
    );
    let id = format!("emu-{:08}", call.engine.next_number());
    let chunk = |parts: Vec<Value>, output_tokens: usize, last: bool| {
        let mut chunk = json!({
            "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}],
            "usageMetadata": {
                "promptTokenCount": completion.input_tokens,
                "candidatesTokenCount": output_tokens,
                "totalTokenCount": completion.input_tokens + output_tokens,
            },
            "modelVersion": address.model,
            "responseId": id,
        });
        if last {
            chunk["candidates"][0]["finishReason"] = "STOP".into();
        }
        chunk
    };
    let calls = completion.calls.iter();
    let calls = calls.map(|it| json!({"functionCall": {"name": it.name, "args": it.arguments}}));
    if !address.streams {
        let words = completion
            .calls
            .is_empty()
            .then(|| json!({"text": completion.text}));
        let parts = words.into_iter().chain(calls).collect();
        return Ok(Json(chunk(parts, completion.output_tokens, true)).into_response());
    }
    let words = completion.words().map(|word| json!({"text": word}));
    let mut parts: Vec<Value> = words.chain(calls).collect();
    if parts.is_empty() {
        parts.push(json!({"text": ""}));
    }
    let count = parts.len();
    let chunks = parts.into_iter().enumerate().map(|(place, part)| {
        let last = place + 1 == count;
        let output_tokens = if last {
            completion.output_tokens
        } else {
            place + 1
        };
        chunk(vec![part], output_tokens, last)
    });
    let pause = call.engine.config.stream_pause;
    Ok(if call.query.get("alt") == Some("sse") {
        // Lines end as those of Gemini do.
        let events = chunks.map(|chunk| Bytes::from(format!("data: {chunk}\r\n\r\n")));
        event_stream(events, pause)
    } else {
        array(Chunks::evenly(elements(chunks), pause))
    })
}

/// Returns the chunks of a JSON array, one per element.
fn elements(chunks: impl Iterator<Item = Value>) -> impl Iterator<Item = Bytes> {
    let elements = chunks.enumerate().map(|(place, chunk)| {
        let before = if place == 0 { "[" } else { ",\r\n" };
        Bytes::from(format!("{before}{chunk}"))
    });
    elements.chain([Bytes::from_static(b"]")])
}

fn array(chunks: Chunks) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], chunks.into_body()).into_response()
}
