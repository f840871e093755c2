//! Models that call tools as their scripts say.

use blaxel_emulator::{Behavior, Emulator, Workload};
use serde_json::{Value, json};

use crate::streams::{add_cohere_s, at, is_stream, named};
use crate::support::post;

fn arguments() -> Value {
    json!({"city": "Z\u{fc}rich", "days": 3})
}

/// Returns an emulator whose model calls two tools for every prompt.
fn calling(model: &str) -> Emulator {
    let emulator = Emulator::offline();
    emulator
        .script(&Workload::model(model))
        .always(Behavior::call_tool("weather", arguments()).and_call("clock", json!({})));
    emulator
}

fn question(stream: bool) -> Value {
    json!({
        "model": "m", "max_tokens": 9, "stream": stream,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Will it rain?"}],
        "tools": [{"type": "function", "function": {"name": "weather"}}],
    })
}

/// Returns the concatenated texts at a path.
fn joined<'a>(values: impl IntoIterator<Item = &'a Value>, place: &str) -> String {
    let texts = values
        .into_iter()
        .filter_map(|it| it.pointer(place)?.as_str());
    texts.collect()
}

#[tokio::test]
async fn tool_calls_are_returned_whole_in_the_openai_dialect() {
    let emulator = calling("sandbox-openai");
    let uri = at(&emulator, "sandbox-openai/v1/chat/completions");
    let answer = post(uri, &question(false)).on(&emulator).await.expect(200);
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let [weather, clock] = choice["message"]["tool_calls"]
        .as_array()
        .unwrap()
        .as_slice()
    else {
        panic!("{choice}")
    };
    assert_eq!(weather["type"], "function");
    assert_eq!(weather["function"]["name"], "weather");
    let given = weather["function"]["arguments"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(given).unwrap(), arguments());
    assert_eq!(clock["function"]["arguments"], "{}");
    assert_ne!(weather["id"], clock["id"]);
    assert!(weather["id"].as_str().unwrap().starts_with("call_"));
    assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn tool_calls_are_streamed_as_deltas_in_the_openai_dialect() {
    let emulator = calling("sandbox-openai");
    let uri = at(&emulator, "sandbox-openai/v1/chat/completions");
    let reply = post(uri, &question(true)).on(&emulator).await;
    is_stream(&reply);
    let text = std::str::from_utf8(&reply.bytes).unwrap();
    let events = text.strip_suffix("\n\ndata: [DONE]\n\n").unwrap();
    let chunks: Vec<Value> = events
        .split("\n\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let [role, deltas @ .., stop, usage] = chunks.as_slice() else {
        panic!("{chunks:?}")
    };
    let first = json!({"role": "assistant", "content": null});
    assert_eq!(role["choices"][0]["delta"], first);
    assert_eq!(stop["choices"][0]["finish_reason"], "tool_calls");
    assert!(usage["usage"]["completion_tokens"].as_u64().unwrap() > 0);
    let deltas: Vec<&Value> = deltas
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
        .collect();
    for (index, name, expected) in [(0, "weather", arguments()), (1, "clock", json!({}))] {
        let own: Vec<&Value> = deltas
            .iter()
            .copied()
            .filter(|delta| delta["index"] == index)
            .collect();
        assert_eq!(own[0]["type"], "function");
        assert_eq!(joined(own.iter().copied(), "/function/name"), name);
        // Only the first delta has the id.
        assert_eq!(
            joined(own.iter().copied(), "/id"),
            own[0]["id"].as_str().unwrap()
        );
        let given = joined(own.iter().copied(), "/function/arguments");
        assert_eq!(serde_json::from_str::<Value>(&given).unwrap(), expected);
        assert!(own.len() > 1);
    }
}

/// A model cannot call a tool that was not offered.
#[tokio::test]
async fn without_tools_in_the_request_the_model_replies_with_text() {
    let emulator = calling("sandbox-openai");
    let uri = at(&emulator, "sandbox-openai/v1/chat/completions");
    for (member, value) in [
        ("tools", Value::Null),
        ("tools", json!([])),
        ("tool_choice", json!("none")),
    ] {
        let mut body = question(false);
        body[member] = value;
        let answer = post(&uri, &body).on(&emulator).await.expect(200);
        let choice = &answer["choices"][0];
        assert_eq!(choice["finish_reason"], "stop", "{body}");
        let text = choice["message"]["content"].as_str().unwrap();
        assert!(text.contains("Will it rain?"));
        assert!(choice["message"].get("tool_calls").is_none());
    }
}

#[tokio::test]
async fn an_anthropic_model_uses_tools() {
    let emulator = calling("claude-haiku");
    let uri = at(&emulator, "claude-haiku/v1/messages");
    let answer = post(&uri, &question(false)).on(&emulator).await.expect(200);
    assert_eq!(answer["stop_reason"], "tool_use");
    let block = &answer["content"][0];
    assert_eq!(
        (&block["type"], &block["name"]),
        (&json!("tool_use"), &json!("weather"))
    );
    assert_eq!(block["input"], arguments());
    assert_eq!(answer["content"][1]["name"], "clock");

    let events = named(&post(&uri, &question(true)).on(&emulator).await);
    let starts: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "content_block_start")
        .collect();
    assert_eq!(starts.len(), 2);
    assert_eq!(starts[0]["content_block"]["name"], "weather");
    assert_eq!(starts[0]["content_block"]["input"], json!({}));
    let first = events.iter().filter(|event| event["index"] == 0);
    let given = joined(first, "/delta/partial_json");
    assert_eq!(serde_json::from_str::<Value>(&given).unwrap(), arguments());
    let delta = &events[events.len() - 2]["delta"];
    assert_eq!(delta["stop_reason"], "tool_use");
}

#[tokio::test]
async fn a_gemini_model_calls_functions() {
    let emulator = calling("gemini-flash");
    let body = json!({
        "contents": [{"parts": [{"text": "Will it rain?"}]}],
        "tools": [{"functionDeclarations": [{"name": "weather"}]}],
    });
    let base = at(&emulator, "gemini-flash/v1beta/models/m");
    let whole = post(format!("{base}:generateContent"), &body);
    let whole = whole.on(&emulator).await.expect(200);
    let parts = &whole["candidates"][0]["content"]["parts"];
    let calls = json!([
        {"functionCall": {"name": "weather", "args": arguments()}},
        {"functionCall": {"name": "clock", "args": {}}},
    ]);
    assert_eq!(parts, &calls);
    let array = post(format!("{base}:streamGenerateContent"), &body);
    let array = array.on(&emulator).await.expect(200);
    for (place, chunk) in array.as_array().unwrap().iter().enumerate() {
        let parts = &chunk["candidates"][0]["content"]["parts"];
        assert_eq!(parts, &json!([calls[place]]));
    }
}

#[tokio::test]
async fn a_cohere_model_calls_tools() {
    let emulator = calling("command");
    add_cohere_s(&emulator).await;
    let uri = at(&emulator, "command/v2/chat");
    let whole = post(&uri, &question(false)).on(&emulator).await.expect(200);
    assert_eq!(whole["finish_reason"], "TOOL_CALL");
    let calls = &whole["message"]["tool_calls"];
    assert_eq!(calls[0]["function"]["name"], "weather");
    let given = calls[0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(given).unwrap(), arguments());

    let events = named(&post(&uri, &question(true)).on(&emulator).await);
    let first = events.iter().filter(|event| event["index"] == 0);
    let given = joined(first, "/delta/message/tool_calls/function/arguments");
    assert_eq!(serde_json::from_str::<Value>(&given).unwrap(), arguments());
    let end = &events.last().unwrap()["delta"];
    assert_eq!(end["finish_reason"], "TOOL_CALL");
}

/// Every model supports the OpenAI dialect and calls tools in it.
#[tokio::test]
async fn a_model_of_any_provider_calls_tools_in_the_openai_dialect() {
    let emulator = calling("claude-haiku");
    let uri = at(&emulator, "claude-haiku/v1/chat/completions");
    let answer = post(uri, &question(false)).on(&emulator).await.expect(200);
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
}
