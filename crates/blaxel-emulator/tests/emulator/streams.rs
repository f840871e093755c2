//! Streams in each provider's dialect, compared with whole responses.

use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{Reply, post};

pub(crate) fn at(emulator: &Emulator, path: &str) -> String {
    format!("{}/demo/models/{path}", emulator.run_url())
}

/// Adds a Cohere model: a new emulator has none.
pub(crate) async fn add_cohere_s(emulator: &Emulator) {
    let runtime = json!({"type": "cohere", "model": "command"});
    let model = json!({"metadata": {"name": "command"}, "spec": {"runtime": runtime}});
    post("/models", &model).on(emulator).await.expect(200);
}

pub(crate) fn is_stream(reply: &Reply) {
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
}

/// Returns the names and data of events, each of which names its type twice.
pub(crate) fn named(reply: &Reply) -> Vec<Value> {
    is_stream(reply);
    let text = std::str::from_utf8(&reply.bytes).unwrap();
    let events = text.strip_suffix("\n\n").unwrap().split("\n\n");
    let events = events.map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], name.strip_prefix("event: ").unwrap());
        data
    });
    events.collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    let mut types: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    types.dedup();
    types
}

/// Returns the concatenated texts at a path in the events of one type.
fn told(events: &[Value], of_type: &str, place: &str) -> String {
    let events = events.iter().filter(|event| event["type"] == of_type);
    events
        .map(|event| event.pointer(place).unwrap().as_str().unwrap())
        .collect()
}

fn why(stream: bool) -> Value {
    json!({
        "model": "m", "max_tokens": 99, "stream": stream,
        "messages": [{"role": "user", "content": "Why is that?"}],
    })
}

#[tokio::test]
async fn an_anthropic_model_streams_a_message() {
    let emulator = Emulator::offline();
    let uri = at(&emulator, "claude-haiku/v1/messages");
    let whole = post(&uri, &why(false)).on(&emulator).await.expect(200);
    let reply = post(&uri, &why(true)).on(&emulator).await;
    let events = named(&reply);
    assert_eq!(
        types(&events),
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let start = &events[0]["message"];
    assert_eq!(start["content"], json!([]));
    assert_eq!(start["stop_reason"], Value::Null);
    assert_eq!(
        (&start["model"], &start["role"]),
        (&whole["model"], &whole["role"])
    );
    assert_eq!(
        start["usage"]["input_tokens"],
        whole["usage"]["input_tokens"]
    );
    let block = &events[2]["content_block"];
    assert_eq!(block, &json!({"type": "text", "text": ""}));
    assert_eq!(
        told(&events, "content_block_delta", "/delta/text"),
        whole["content"][0]["text"]
    );
    assert!(
        events
            .iter()
            .filter(|it| it["type"] == "content_block_delta")
            .count()
            > 3
    );
    let delta = &events[events.len() - 2];
    assert_eq!(delta["delta"]["stop_reason"], "end_turn");
    assert_eq!(
        delta["usage"]["output_tokens"],
        whole["usage"]["output_tokens"]
    );
}

fn contents() -> Value {
    json!({"contents": [{"parts": [{"text": "Why is that?"}]}]})
}

/// Compares the text of Gemini's chunks with the whole response.
fn are_as(whole: &Value, chunks: &[Value]) {
    let text: String = chunks
        .iter()
        .map(|chunk| {
            chunk["candidates"][0]["content"]["parts"][0]["text"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(text, whole["candidates"][0]["content"]["parts"][0]["text"]);
    assert!(chunks.len() > 3);
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["usageMetadata"], whole["usageMetadata"]);
    assert!(
        others
            .iter()
            .all(|it| it["candidates"][0].get("finishReason").is_none())
    );
    assert!(
        chunks
            .iter()
            .all(|it| it["responseId"] == last["responseId"])
    );
    assert!(chunks.iter().all(|it| it["modelVersion"] == "gemini-2"));
}

#[tokio::test]
async fn a_gemini_model_streams_events_or_an_array() {
    let emulator = Emulator::offline();
    let base = at(&emulator, "gemini-flash/v1beta/models/gemini-2");
    let whole = post(format!("{base}:generateContent"), &contents());
    let whole = whole.on(&emulator).await.expect(200);

    let uri = format!("{base}:streamGenerateContent?alt=sse");
    let reply = post(uri, &contents()).on(&emulator).await;
    is_stream(&reply);
    let text = std::str::from_utf8(&reply.bytes).unwrap();
    let events = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n\r\n");
    let chunks: Vec<Value> = events
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    are_as(&whole, &chunks);

    let uri = format!("{base}:streamGenerateContent");
    let array = post(uri, &contents()).on(&emulator).await.expect(200);
    are_as(&whole, array.as_array().unwrap());
}

#[tokio::test]
async fn a_cohere_model_replies_as_a_whole_or_in_events() {
    let emulator = Emulator::offline();
    add_cohere_s(&emulator).await;
    let uri = at(&emulator, "command/v2/chat");
    let whole = post(&uri, &why(false)).on(&emulator).await.expect(200);
    assert_eq!(whole["message"]["role"], "assistant");
    assert_eq!(whole["finish_reason"], "COMPLETE");
    assert_eq!(whole["usage"]["tokens"]["input_tokens"], 3);
    let same = post(at(&emulator, "command/v1/chat/completions"), &why(false));
    let same = same.on(&emulator).await.expect(200);
    let text = &whole["message"]["content"][0]["text"];
    assert_eq!(text, &same["choices"][0]["message"]["content"]);
    let said = &whole["usage"]["tokens"]["output_tokens"];
    assert_eq!(said, &same["usage"]["completion_tokens"]);

    let reply = post(&uri, &why(true)).on(&emulator).await;
    let events = named(&reply);
    assert_eq!(
        types(&events),
        [
            "message-start",
            "content-start",
            "content-delta",
            "content-end",
            "message-end"
        ]
    );
    let place = "/delta/message/content/text";
    assert_eq!(&told(&events, "content-delta", place), text);
    let end = &events.last().unwrap()["delta"];
    assert_eq!(end["finish_reason"], "COMPLETE");
    assert_eq!(end["usage"], whole["usage"]);

    for bad in [json!([]), json!({"model": "m"}), json!({"messages": [{}]})] {
        let refused = post(&uri, &bad).on(&emulator).await.expect(400);
        assert!(refused["message"].is_string(), "{refused}");
    }
}
