//! The whole answer of a model that was asked for a stream and does not stream.

use blaxel_core::stream::sse::Decoder;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::report::says_something;

/// Converts a whole answer to a stream of one chunk and the end mark, in a decoder. Returns `None` for
/// anything that is not an answer.
pub(crate) fn decoder(body: &[u8]) -> Option<Decoder> {
    let mut answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    if answer.get("error").is_some_and(says_something) {
        return None;
    }
    let choices = answer.get_mut("choices")?;
    if choices.is_object() {
        *choices = Value::Array(vec![choices.take()]);
    }
    let choices = choices.as_array_mut()?;
    choices.retain(Value::is_object);
    if choices.is_empty() {
        return None;
    }
    for choice in choices {
        let choice = choice.as_object_mut()?;
        let mut message = choice.remove("message")?;
        number_calls(&mut message);
        choice.insert("delta".to_owned(), message);
    }
    let chunk = Value::from(answer);
    let stream = Bytes::from(format!("data: {chunk}\n\ndata: [DONE]\n\n"));
    let mut decoder = Decoder::with_limit(stream.len());
    decoder.push(stream);
    Some(decoder)
}

/// Adds the index that each tool call has in a chunk. All of them are present, so it is their position.
fn number_calls(message: &mut Value) {
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (index, call) in calls.into_iter().flatten().enumerate() {
        if let Some(call) = call.as_object_mut() {
            call.entry("index").or_insert(index.into());
        }
    }
}
