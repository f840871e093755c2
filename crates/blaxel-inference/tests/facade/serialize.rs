//! Every response type serializes as JSON, and is equal when it is read back.

use std::fmt::Debug;

use super::support::chunks;
use blaxel_inference::{
    ChatAssembler, ChatChunk, ChatCompletion, ChatStream, Chunk, Decode, Embeddings, Format,
    Submission, Text, Usage, sse,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Deserializes a document, and asserts that the value is equal after it was serialized and read back. Returns
/// the serialized JSON.
#[track_caller]
fn round_trip<T>(document: &Value) -> Value
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let read: T = serde_json::from_value(document.clone()).unwrap();
    let written = serde_json::to_string(&read).unwrap();
    let again: T = serde_json::from_str(&written).unwrap();
    assert_eq!(again, read, "{written}");
    serde_json::from_str(&written).unwrap()
}

/// Asserts that a document serializes as it was read, including unknown members.
#[track_caller]
fn same<T>(document: &Value)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(round_trip::<T>(document), *document);
}

fn completion() -> Value {
    json!({
        "id": "c-1", "object": "chat.completion", "created": 1_700_000_000, "model": "m",
        "system_fingerprint": null,
        "choices": [{
            "index": 0, "finish_reason": "tool_calls", "logprobs": {"content": [{"token": "a"}]},
            "message": {"role": "assistant", "content": null, "refusal": null, "tool_calls": [{
                "id": "t-1", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}]},
        }],
        "usage": {
            "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
        },
    })
}

#[test]
fn a_completion_keeps_every_member() {
    same::<ChatCompletion>(&completion());
    same::<Usage>(&completion()["usage"]);
    round_trip::<ChatCompletion>(&json!({"choices": []}));
    let odd = json!({"choices": [{"message": {"role": "new", "content": {"a": 1}},
        "finish_reason": "newer"}]});
    round_trip::<ChatCompletion>(&odd);
}

#[test]
fn embeddings_keep_every_member() {
    let document = json!({
        "object": "list", "model": "e",
        "data": [{"index": 0, "embedding": [0.5, -1.0]}, {"index": 1, "embedding": []}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1},
    });
    same::<Embeddings>(&document);
    round_trip::<Embeddings>(&json!({"data": []}));
}

#[test]
fn a_ticket_keeps_every_member() {
    same::<Submission>(&json!({"request_id": "r-1", "more": 1}));
    same::<Submission>(&json!({}));
}

#[cfg(feature = "callback")]
#[test]
fn a_callback_keeps_every_member() {
    use blaxel_inference::Callback;

    same::<Callback>(
        &json!({"status_code": 200, "response_body": "{}", "response_length": 2,
        "timestamp": "2026-05-01T00:00:00Z", "id": "x"}),
    );
    round_trip::<Callback>(&json!({"status_code": 500}));
}

#[cfg(feature = "mcp")]
#[test]
fn types_of_mcp_keep_every_member() {
    use blaxel_inference::mcp::{
        JsonRpcError, Notification, Progress, Prompt, PromptOutput, Resource, ResourceContents,
        ResourceTemplate, ServerInfo, Tool, ToolOutput,
    };

    round_trip::<ServerInfo>(
        &json!({"name": "s", "version": "1", "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": true}}}),
    );
    same::<Tool>(
        &json!({"name": "t", "inputSchema": {"type": "object"}, "icons": [],
        "annotations": {"readOnlyHint": true, "new": 1}}),
    );
    same::<ToolOutput>(&json!({"isError": false, "_meta": {}, "content": [
        {"type": "text", "text": "a", "annotations": {"priority": 1}},
        {"type": "image", "data": "AA==", "mimeType": "image/png"},
        {"type": "resource_link", "uri": "file:///a", "name": "a"},
        {"type": "resource", "resource": {"uri": "file:///b", "blob": "AA=="}},
        {"type": "hologram", "depth": 3}]}));
    same::<Resource>(&json!({"uri": "file:///a", "name": "a", "size": 3, "new": null}));
    same::<ResourceTemplate>(&json!({"uriTemplate": "file:///{a}", "name": "a", "new": []}));
    same::<ResourceContents>(&json!({"uri": "file:///a", "text": "", "new": 1}));
    same::<Prompt>(&json!({"name": "p", "new": 1,
        "arguments": [{"name": "a", "required": true, "new": 1}]}));
    same::<PromptOutput>(&json!({"messages": [
        {"role": "user", "content": {"type": "text", "text": "a"}}], "new": 1}));
    same::<Progress>(&json!({"progress": 0.5, "total": 2.0, "message": "half"}));
    same::<Notification>(&json!({"method": "notifications/message", "params": {"data": 1}}));
    same::<Notification>(&json!({"method": "notifications/tools/list_changed"}));
    same::<JsonRpcError>(&json!({"code": -32602, "message": "no", "data": {"a": 1}}));
}

/// Returns the chunks of a chat whose events have these data.
async fn read(events: &[Value]) -> Vec<ChatChunk> {
    let mut body: String = events
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    body.push_str("data: [DONE]\n\n");
    let mut stream = ChatStream::new(chunks([body.as_bytes()]));
    let mut found = Vec::new();
    while let Some(chunk) = stream.try_next().await.unwrap() {
        found.push(chunk);
    }
    found
}

#[tokio::test]
async fn a_chunk_serializes_with_every_received_member() {
    let events = [
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "usage": null, "choices": [{"index": 0, "logprobs": {"content": []},
            "finish_reason": null, "delta": {"role": "assistant", "content": "Hi", "new": [1]}}]}),
        json!({"choices": [{"index": 1, "finish_reason": "stop", "delta": {"tool_calls": [
            {"index": 0, "id": "t", "type": "function", "x": 1,
            "function": {"name": "f", "arguments": "{", "y": 2}}]}}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2,
            "total_tokens": 3, "cost": 0.25}}),
    ];
    for (chunk, event) in read(&events).await.iter().zip(&events) {
        let written = serde_json::to_value(chunk).unwrap();
        assert_eq!(written, *event);
        let again: ChatChunk = serde_json::from_value(written).unwrap();
        assert_eq!(again, *chunk);
    }
    // Null and zero serialize as received too.
    let odd = json!({"choices": [{"index": 0, "delta": null}], "usage": {"total_tokens": 0,
        "prompt_tokens": 0, "completion_tokens": 0}});
    let chunk = read(std::slice::from_ref(&odd)).await.remove(0);
    assert_eq!(
        serde_json::from_value::<ChatChunk>(serde_json::to_value(&chunk).unwrap()).unwrap(),
        chunk
    );
}

#[tokio::test]
async fn a_changed_chunk_serializes_with_the_changes() {
    let event = json!({"id": "c", "new": 1, "choices": [
        {"index": 0, "delta": {"content": "secret", "new": 2}}, {"index": 1, "delta": {}}]});
    let mut chunk = read(&[event]).await.remove(0);
    chunk.choices.truncate(1);
    chunk.choices[0].delta.content = None;
    chunk.id = Some("d".to_owned());
    let written = serde_json::to_value(&chunk).unwrap();
    assert_eq!((&written["id"], &written["new"]), (&json!("d"), &json!(1)));
    assert_eq!(written["choices"].as_array().map(Vec::len), Some(1));
    assert!(!written.to_string().contains("secret"), "{written}");
    assert_eq!(serde_json::from_value::<ChatChunk>(written).unwrap(), chunk);
}

#[test]
fn events_and_chunks_of_each_format_are_equal_when_read_back() {
    let stream = "event: e\nid: 7\nretry: 1500\ndata: a\ndata: b\n\ndata: bare\n\n";
    for content_type in [
        "text/event-stream",
        "application/jsonl",
        "text/plain",
        "image/png",
    ] {
        let mut decoder = Format::of(content_type).decoder();
        decoder.push(stream.into());
        let found: Vec<Chunk> = std::iter::from_fn(|| decoder.next_item())
            .map(Result::unwrap)
            .collect();
        assert!(!found.is_empty());
        for chunk in found {
            let written = serde_json::to_string(&chunk).unwrap();
            assert_eq!(serde_json::from_str::<Chunk>(&written).unwrap(), chunk);
        }
    }
    same::<sse::Event>(&json!({"event": "e", "data": "a\nb", "id": "7", "retry": 1500}));
    same::<sse::Event>(&json!({"data": ""}));
    same::<Text>(&json!("ü"));
}

/// Generates JSON that a provider might add somewhere.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn every_completion_is_equal_when_read_back(
        text in prop::option::of(".{0,20}"),
        reason in prop::option::of(prop_oneof![Just("stop".to_owned()), "[a-z]{1,9}"]),
        tokens in prop::option::of(any::<u64>()),
        extra in any_json(),
        content in any_json(),
    ) {
        let document = json!({
            "id": text, "x_extra": extra,
            "choices": [
                {"message": {"role": "assistant", "content": text, "x": extra},
                    "finish_reason": reason, "x": extra},
                {"index": 1, "message": {"role": "a", "content": content}},
            ],
            "usage": tokens.map(|count| json!({"total_tokens": count, "prompt_tokens": null})),
        });
        round_trip::<ChatCompletion>(&document);
    }

    #[test]
    fn every_vector_is_equal_when_read_back(vector in prop::collection::vec(any::<f32>(), 0..8)) {
        let finite: Vec<f32> = vector.into_iter().filter(|number| number.is_finite()).collect();
        round_trip::<Embeddings>(&json!({"data": [{"index": 3, "embedding": finite}]}));
    }

    /// The assembled answer is equal when it is read back, and so is each chunk. Braces would begin or end the arguments
    /// of a call.
    #[test]
    fn every_chunk_is_equal_when_read_back(
        parts in prop::collection::vec((prop::option::of("[^{}]{0,9}"), any_json(), 0_u32..3), 0..5),
    ) {
        let mut assembler = ChatAssembler::new();
        for (text, extra, index) in parts {
            let document = json!({"x": extra, "choices": [{"index": index,
                "delta": {"content": text, "reasoning": text, "tool_calls": [
                    {"index": index, "x": extra, "function": {"arguments": text}}]}}]});
            let chunk: ChatChunk = serde_json::from_value(document.clone()).unwrap();
            round_trip::<ChatChunk>(&document);
            assembler.add(&chunk).unwrap();
        }
        let whole = serde_json::to_value(assembler.finish()).unwrap();
        round_trip::<ChatCompletion>(&whole);
    }
}
