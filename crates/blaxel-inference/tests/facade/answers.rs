//! Answers of models as providers really send them: errors inside of a success are errors, odd members do not make
//! an answer unreadable, and what belongs to different choices, calls or texts is never mixed.

use super::support::{chunks, scripted, typed};
use blaxel_core::{Error, ErrorKind};
use blaxel_inference::{
    ChatAssembler, ChatCompletion, ChatRequest, ChatStream, Content, EmbeddingRequest, Embeddings,
    FinishReason, Inference, Message,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const HALF: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n";
const STOPPED: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Reads the text and the error of a streamed answer.
async fn read(body: &str) -> (String, Option<Error>) {
    let mut stream = ChatStream::new(chunks([body.as_bytes()]));
    let mut text = String::new();
    loop {
        match stream.try_next().await {
            Ok(Some(chunk)) => text.push_str(chunk.text()),
            Ok(None) => return (text, None),
            Err(error) => {
                assert!(stream.try_next().await.unwrap().is_none());
                return (text, Some(error));
            }
        }
    }
}

/// Reads a whole streamed answer of these events.
async fn assemble(events: &[Value]) -> Result<ChatCompletion, Error> {
    let events: String = events
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    let body = events + DONE;
    ChatStream::new(chunks([body.as_bytes()]))
        .into_completion()
        .await
}

/// Creates a chunk with an addition to the choice 0.
fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

async fn chat(body: impl Into<String>) -> Result<ChatCompletion, Error> {
    let body = body.into();
    let (service, _) = scripted(move |_| typed("application/json", body.clone()));
    let question = ChatRequest::new([Message::user("?")]);
    Inference::new(service).model("m").chat(&question).await
}

async fn embed(texts: &[&str], body: impl Into<String>) -> Result<Embeddings, Error> {
    let body = body.into();
    let (service, _) = scripted(move |_| typed("application/json", body.clone()));
    let request = EmbeddingRequest::new(texts.iter().copied());
    Inference::new(service).model("m").embed(&request).await
}

#[track_caller]
fn assert_reported(error: &Error, code: Option<&str>, message: &str) {
    assert!(error.is_failed(), "{error:?}");
    assert_eq!(error.status().unwrap(), 200, "{error}");
    assert_eq!(
        (error.code(), error.api().unwrap().message()),
        (code, Some(message)),
        "{error}"
    );
    assert!(error.to_string().contains(message), "{error}");
}

#[tokio::test]
async fn an_error_in_a_stream_is_an_error_after_the_received_text() {
    for (event, code, message) in [
        (
            r#"data: {"error":{"message":"gone"},"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#,
            None,
            "gone",
        ),
        (
            r#"data: {"error":{"message":"gone","code":502}}"#,
            Some("502"),
            "gone",
        ),
        (
            r#"data: {"error":{"message":"gone","type":"server_error","code":null}}"#,
            Some("server_error"),
            "gone",
        ),
        (r#"data: {"error":"gone away"}"#, None, "gone away"),
        (
            r#"data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":"x","message":"gone"}}]}"#,
            Some("x"),
            "gone",
        ),
        (
            r#"data: {"choices":[{"error":{"message":"gone"}}]}"#,
            None,
            "gone",
        ),
        (
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
            Some("overloaded_error"),
            "Overloaded",
        ),
        (
            "event: error\ndata: {\"code\":\"x\",\"message\":\"gone\"}",
            Some("x"),
            "gone",
        ),
        (
            "event: error\ndata: the model is gone",
            None,
            "the model is gone",
        ),
        (
            "event: error\n{\"error\":{\"message\":\"gone\"}}",
            None,
            "gone",
        ),
        (r#"data: {"type":"error","message":"gone"}"#, None, "gone"),
        (
            r#"data: {"object":"error","message":"gone","type":"BadRequestError","code":400}"#,
            Some("BadRequestError"),
            "gone",
        ),
        (r#"data: {"message":"gone","code":"x"}"#, Some("x"), "gone"),
        (r#"data: {"detail":"gone"}"#, None, "gone"),
        (
            r#"data: [{"error":{"message":"gone","status":"UNAVAILABLE"}}]"#,
            Some("UNAVAILABLE"),
            "gone",
        ),
        (r#"{"error":{"message":"gone"}}"#, None, "gone"),
        (r#"error: {"code":"x","message":"gone"}"#, Some("x"), "gone"),
        (
            "{\n  \"error\": {\n    \"message\": \"gone\"\n  }\n}",
            None,
            "gone",
        ),
    ] {
        for (before, text) in [
            ("", ""),
            (HALF, "half"),
            (&format!("{HALF}{STOPPED}"), "half"),
        ] {
            for after in [
                format!("\n\n{DONE}"),
                format!("\n{DONE}"),
                "\n\n".to_owned(),
                String::new(),
            ] {
                // Only JSON without a field name is a whole event without a blank line.
                if after.starts_with("\ndata") && !event.starts_with('{') {
                    continue;
                }
                let body = format!("{before}{event}{after}");
                let (found, error) = read(&body).await;
                assert_eq!(found, text, "{body}");
                assert_reported(&error.expect(&body), code, message);
                let whole = ChatStream::new(chunks([body.as_bytes()]))
                    .into_completion()
                    .await;
                assert_reported(&whole.expect_err(&body), code, message);
            }
        }
    }
    // Without a message too.
    for event in [
        r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#,
        "event: error\ndata:",
        "event: error\ndata: [DONE]",
        r#"data: {"error":true}"#,
    ] {
        let (text, error) = read(&format!("{HALF}{event}\n\n{DONE}")).await;
        assert_eq!(text, "half");
        assert!(error.is_some_and(|error| error.is_failed()), "{event}");
    }
}

#[tokio::test]
async fn an_empty_error_is_none() {
    for error in [
        "null",
        "\"\"",
        "{}",
        "false",
        "[]",
        "{\"code\":0,\"message\":\"\"}",
    ] {
        let event = format!(
            "data: {{\"error\":{error},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"a\"}},\"error\":{error}}}]}}\n\n"
        );
        let (text, failure) = read(&format!("{event}{DONE}")).await;
        assert_eq!((text.as_str(), failure.is_none()), ("a", true), "{error}");
        let body =
            format!(r#"{{"error":{error},"choices":[{{"index":0,"message":{{"content":"a"}}}}]}}"#);
        assert_eq!(chat(body).await.unwrap().text(), Some("a"));
    }
}

#[tokio::test]
async fn the_code_of_a_reported_error_says_whether_it_is_transient() {
    for (code, expected) in [
        ("overloaded_error", true),
        ("rate_limit_error", true),
        ("invalid_request_error", false),
    ] {
        let event = format!(
            "event: error\ndata: {{\"error\":{{\"type\":\"{code}\",\"message\":\"m\"}}}}\n\n"
        );
        let (_, error) = read(&event).await;
        assert_eq!(error.unwrap().is_transient(), expected, "{code}");
    }
}

#[tokio::test]
async fn an_event_that_is_no_chunk_keeps_its_message() {
    let (_, error) = read("data: Internal Server Error\n\n").await;
    let error = error.unwrap();
    assert!(
        error.is_decode() && error.to_string().contains("Internal Server Error"),
        "{error}"
    );
    assert_eq!(error.status().unwrap(), 200);
}

#[tokio::test]
async fn a_stream_without_a_choice_is_no_answer() {
    for body in [
        DONE.to_owned(),
        format!("data: {{\"choices\":[],\"usage\":{{}}}}\n\n{DONE}"),
        format!("data: {{}}\n\n{DONE}"),
    ] {
        let (_, error) = read(&body).await;
        assert!(error.is_some_and(|error| error.is_decode()), "{body}");
    }
}

#[tokio::test]
async fn an_error_in_place_of_an_answer_is_an_error() {
    for (body, code, message) in [
        (r#"{"error":{"message":"busy"}}"#, None, "busy"),
        (
            r#"{"error":{"message":"busy","code":429}}"#,
            Some("429"),
            "busy",
        ),
        (r#"{"error":"busy"}"#, None, "busy"),
        (r#"{"message":"busy","code":"x"}"#, Some("x"), "busy"),
        (r#"[{"error":{"message":"busy"}}]"#, None, "busy"),
        (
            r#"{"error":{"message":"busy"},"choices":[],"data":[]}"#,
            None,
            "busy",
        ),
    ] {
        assert_reported(&chat(body).await.unwrap_err(), code, message);
        assert_reported(&embed(&["a"], body).await.unwrap_err(), code, message);
    }
    let failed = json!({"choices": [
        {"index": 0, "message": {"content": "half"}, "finish_reason": "error", "error": {"message": "gone"}}]});
    assert_reported(&chat(failed.to_string()).await.unwrap_err(), None, "gone");
    let cut = json!({"choices": [{"index": 0, "message": {"content": "half"}, "finish_reason": "error"}]});
    let error = chat(cut.to_string()).await.unwrap_err();
    assert!(error.is_failed());
    let members = error.api().unwrap().members();
    assert_eq!(
        members["choices"][0]["message"]["content"], "half",
        "the part is not lost"
    );

    for body in [
        "{}",
        r#"{"id":"c"}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[]}"#,
        "null",
        "[]",
        "",
    ] {
        let error = chat(body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.request_id()),
            (ErrorKind::Decode, Some("r-1")),
            "{body}"
        );
        assert_eq!(error.operation().unwrap().name(), "CreateChatCompletion");
        assert!(embed(&["a"], body).await.unwrap_err().is_decode(), "{body}");
    }
    let page = chat("<html><title>Busy</title></html>").await.unwrap_err();
    assert!(
        page.is_decode() && page.to_string().contains("Busy"),
        "{page}"
    );
}

#[tokio::test]
async fn odd_members_do_not_make_a_chunk_unreadable() {
    for event in [
        json!({"choices": [{"delta": {"content": [{"type": "text", "text": "x"}]}}]}),
        json!({"choices": [{"delta": {"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "x"}]}}]}),
        json!({"choices": [{"delta": {"content": {"type": "text", "text": "x"}}}]}),
        json!({"choices": {"index": null, "delta": {"content": "x"}}}),
        json!({"choices": [null, {"index": "0", "delta": {"content": "x", "role": null}}, "odd"]}),
        json!({"choices": [{"index": 0.0, "delta": {"content": "x", "tool_calls": null, "role": 7}}]}),
        json!({"choices": [{"index": 0, "message": {"content": "x"}}]}),
        json!({"id": 7, "created": 1.5, "model": null, "choices": [{"index": 0, "delta": {"content": "x"}}]}),
        json!({"created": "now", "choices": [{"delta": {"content": "x"}, "logprobs": "odd", "finish_reason": ""}]}),
        json!({"choices": [{"delta": {"content": "x", "refusal": [], "reasoning": {}}, "finish_reason": 7}]}),
        json!({"usage": "none", "choices": [{"delta": {"content": "x"}}]}),
        json!({"usage": {"prompt_tokens": -1, "completion_tokens": 12.0, "total_tokens": "12",
            "prompt_tokens_details": [], "completion_tokens_details": {"reasoning_tokens": null}},
            "choices": [{"delta": {"content": "x"}}]}),
    ] {
        let answer = assemble(std::slice::from_ref(&event)).await;
        assert_eq!(answer.unwrap().text(), Some("x"), "{event}");
    }
    let answer = assemble(&[
        json!({"id": 7, "choices": [{"delta": {"content": "x"}, "finish_reason": "eos"}]}),
        json!({"choices": null, "usage": {"prompt_tokens": -1, "completion_tokens": 12.0, "total_tokens": "12"}}),
    ])
    .await
    .unwrap();
    assert_eq!(answer.id.as_deref(), Some("7"));
    assert_eq!(
        answer.choices[0]
            .finish_reason
            .as_ref()
            .map(FinishReason::as_str),
        Some("eos")
    );
    let usage = answer.usage.unwrap();
    assert_eq!(
        (
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.total_tokens
        ),
        (0, 12, 12)
    );

    let event = delta(json!({"content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "x"}]}));
    let thought = assemble(&[event]).await.unwrap().choices.remove(0).message;
    assert_eq!(thought.other["reasoning_content"], "hm");
}

#[tokio::test]
async fn odd_members_do_not_make_an_answer_unreadable() {
    for choice in [
        json!({"message": {"role": "assistant", "content": "x"}}),
        json!({"index": null, "message": {"content": "x"}}),
        json!({"index": "0", "message": {"role": null, "content": "x", "tool_calls": null}}),
        json!({"index": 0, "message": {"content": [{"type": "text", "text": "x"}]}}),
        json!({"index": 0, "finish_reason": "", "logprobs": 7, "message": {"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "x"}]}}),
    ] {
        for other in [
            json!({}),
            json!({"id": 7, "created": 1.5, "model": null, "usage": null}),
            json!({"created": "now", "usage": {"prompt_tokens": -1, "total_tokens": "7"}}),
        ] {
            let mut body = other;
            body["choices"] = json!([choice]);
            for text in [body.to_string(), format!("\u{feff}{body}")] {
                assert_eq!(chat(text).await.unwrap().text(), Some("x"), "{body}");
            }
            body["choices"] = choice.clone();
            assert_eq!(
                chat(body.to_string()).await.unwrap().text(),
                Some("x"),
                "{body}"
            );
            body["choices"] = json!([null, choice, "odd"]);
            assert_eq!(
                chat(body.to_string()).await.unwrap().text(),
                Some("x"),
                "{body}"
            );
        }
    }
    let parts = json!({"choices": [{"index": 0, "message": {"content": [
        {"type": "text", "text": "Hel"}, {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "lo", "new": 1}, "!"]}}]});
    let answer = chat(parts.to_string()).await.unwrap();
    assert_eq!(answer.text(), Some("Hello!"));
    assert!(
        matches!(&answer.choices[0].message.content, Some(Content::Parts(parts)) if parts.len() == 4)
    );
    let bare = chat(r#"{"choices":[{"finish_reason":"stop"}]}"#)
        .await
        .unwrap();
    assert_eq!((bare.text(), bare.choices.len()), (None, 1));
    let calls = json!({"choices": [{"message": {"tool_calls": [
        {"id": 7, "function": {"name": "f", "arguments": {"a": 1}}}, null,
        {"id": null, "function": null}]}}]});
    let answer = chat(calls.to_string()).await.unwrap();
    let [first, second] = answer.tool_calls() else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (first.id.as_str(), first.function.arguments.as_str()),
        ("7", r#"{"a":1}"#)
    );
    assert_eq!(
        (second.id.as_str(), second.function.name.as_str()),
        ("", "")
    );
}

#[tokio::test]
async fn heartbeats_and_byte_order_marks_are_skipped() {
    for beat in [
        "data:\n\n",
        "data: \n\n",
        "data:   \n\n",
        ": comment\n\n",
        ":\n",
        "event: ping\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "event: ping\ndata: 17\n\n",
        "data: {\"type\":\"ping\"}\n\n",
        "id: 7\n\n",
        "retry: 10\n\n",
        "\u{feff}",
        "\n\n",
    ] {
        let body = format!(
            "{beat}{HALF}{}{STOPPED}{DONE}",
            beat.trim_start_matches('\u{feff}')
        );
        let (text, error) = read(&body).await;
        assert_eq!(
            (text.as_str(), error.is_none()),
            ("half", true),
            "{beat:?} {error:?}"
        );
    }
    let (text, error) = read(&format!("data: \u{feff}{}{DONE}", &HALF[6..])).await;
    assert_eq!((text.as_str(), error.is_none()), ("half", true));
}

#[tokio::test]
async fn choices_are_never_mixed() {
    let chunk =
        |index: u32, text: &str| json!({"choices": [{"index": index, "delta": {"content": text}}]});
    let both = |a: &str, b: &str| json!({"choices": [{"index": 1, "delta": {"content": b}}, {"index": 0, "delta": {"content": a}}]});
    let events = [
        chunk(1, "No"),
        chunk(0, "Ye"),
        both("s", "pe"),
        chunk(1, "."),
        chunk(0, "!"),
    ];
    let answer = assemble(&events).await.unwrap();
    assert_eq!(answer.text(), Some("Yes!"));
    assert_eq!(answer.choices[1].message.text(), Some("Nope."));
    let body: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    assert_eq!(
        read(&(body + DONE)).await.0,
        "Yes!",
        "the loop of the guide"
    );

    let whole = json!({"choices": [
        {"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]});
    let whole = chat(whole.to_string()).await.unwrap();
    assert_eq!(
        (whole.text(), whole.choices[1].message.text()),
        (Some("a"), Some("b"))
    );
    let second = json!({"choices": [{"index": 1, "message": {"content": "b"}}]});
    assert_eq!(chat(second.to_string()).await.unwrap().text(), None);

    // Choices that cannot be told apart.
    for (a, b) in [
        (json!({}), json!({})),
        (json!({"index": 0}), json!({})),
        (json!({"index": 1}), json!({"index": 1})),
    ] {
        let body = json!({"choices": [a, b]});
        assert!(
            chat(body.to_string()).await.unwrap_err().is_decode(),
            "{body}"
        );
        assert!(assemble(&[body]).await.unwrap_err().is_decode());
    }
    for index in [json!(-1), json!(0.5), json!("a"), json!(1_u64 << 32)] {
        let body = json!({"choices": [{"index": index}]});
        assert!(
            chat(body.to_string()).await.unwrap_err().is_decode(),
            "{body}"
        );
        assert!(assemble(&[body]).await.unwrap_err().is_decode());
    }
}

/// Returns name and arguments of the assembled tool calls.
async fn calls(deltas: &[Value]) -> Result<Vec<(String, String, String)>, Error> {
    let events: Vec<Value> = deltas
        .iter()
        .map(|calls| delta(json!({"tool_calls": calls})))
        .collect();
    let answer = assemble(&events).await?;
    let call = |call: &blaxel_inference::ToolCall| {
        let function = &call.function;
        (
            call.id.clone(),
            function.name.clone(),
            function.arguments.clone(),
        )
    };
    Ok(answer.tool_calls().iter().map(call).collect())
}

/// Creates a delta of a tool call. An empty text is left out.
fn call(index: Option<u32>, id: &str, name: &str, arguments: &str) -> Value {
    let mut call = json!({"type": "function", "function": {}});
    if let Some(index) = index {
        call["index"] = index.into();
    }
    for (member, text) in [("id", id)] {
        if !text.is_empty() {
            call[member] = text.into();
        }
    }
    for (member, text) in [("name", name), ("arguments", arguments)] {
        if !text.is_empty() {
            call["function"][member] = text.into();
        }
    }
    call
}

#[tokio::test]
async fn tool_calls_of_each_dialect_are_assembled() {
    let (a, b) = (r#"{"a":1}"#, r#"{"b":{}}"#);
    let expected = |ids: [&str; 2]| {
        [(ids[0], "f", a), (ids[1], "g", b)]
            .map(|(id, name, arguments)| (id.to_owned(), name.to_owned(), arguments.to_owned()))
    };
    let (zero, one) = (Some(0), Some(1));
    for (dialect, ids, deltas) in [
        (
            "the API",
            ["1", "2"],
            vec![
                json!([call(zero, "1", "f", "")]),
                json!([call(zero, "", "", &a[..3])]),
                json!([call(one, "2", "g", "")]),
                json!([call(zero, "", "", &a[3..]), call(one, "", "", b)]),
            ],
        ),
        (
            "whole calls of one index",
            ["1", "2"],
            vec![json!([call(zero, "1", "f", a), call(zero, "2", "g", b)])],
        ),
        (
            "fragments of one index",
            ["1", "2"],
            vec![
                json!([call(zero, "1", "f", "")]),
                json!([call(zero, "", "", a)]),
                json!([call(zero, "2", "g", "")]),
                json!([call(zero, "", "", &b[..3])]),
                json!([call(zero, "", "", &b[3..])]),
            ],
        ),
        (
            "one index, no ids",
            ["", ""],
            vec![
                json!([call(zero, "", "f", a)]),
                json!([call(zero, "", "g", b)]),
            ],
        ),
        (
            "id and name in each delta",
            ["1", "2"],
            vec![
                json!([call(zero, "1", "f", &a[..3])]),
                json!([call(zero, "1", "f", &a[3..])]),
                json!([call(one, "2", "g", &b[..3])]),
                json!([call(one, "2", "g", &b[3..])]),
                json!([call(one, "2", "g", "")]),
            ],
        ),
        (
            "a new id in each delta",
            ["1", "2"],
            vec![
                json!([call(zero, "1", "f", "")]),
                json!([call(zero, "x", "", a)]),
                json!([call(one, "2", "g", "")]),
                json!([call(one, "y", "", b)]),
            ],
        ),
        (
            "ids without index",
            ["1", "2"],
            vec![
                json!([call(None, "1", "f", ""), call(None, "2", "g", "")]),
                json!([call(None, "2", "", &b[..2]), call(None, "1", "", a)]),
                json!([call(None, "2", "", &b[2..])]),
            ],
        ),
        (
            "a whole call that is repeated",
            ["1", "2"],
            vec![
                json!([call(None, "1", "f", a)]),
                json!([call(None, "1", "f", a)]),
                json!([call(None, "2", "g", b)]),
            ],
        ),
        (
            "the number of the delta as index",
            ["1", "2"],
            vec![
                json!([call(zero, "1", "f", &a[..3])]),
                json!([call(one, "1", "", &a[3..])]),
                json!([call(Some(2), "2", "g", &b[..3])]),
                json!([call(Some(3), "2", "", &b[3..])]),
            ],
        ),
        (
            "neither index nor id, whole",
            ["", ""],
            vec![json!([call(None, "", "f", a), call(None, "", "g", b)])],
        ),
        (
            "neither index nor id, in fragments",
            ["", ""],
            vec![
                json!([call(None, "", "f", "")]),
                json!([call(None, "", "", &a[..3])]),
                json!([call(None, "", "", &a[3..])]),
                json!([call(None, "", "g", &b[..3])]),
                json!([call(None, "", "", &b[3..])]),
            ],
        ),
        (
            "an index that comes later",
            ["1", "2"],
            vec![
                json!([call(None, "1", "f", "")]),
                json!([call(zero, "", "", &a[..3])]),
                json!([call(zero, "", "", &a[3..])]),
                json!([call(None, "2", "g", "")]),
                json!([call(one, "", "", b)]),
            ],
        ),
    ] {
        assert_eq!(calls(&deltas).await.unwrap(), expected(ids), "{dialect}");
    }
    let objects = vec![json!([
        {"function": {"name": "f", "arguments": {"a": 1}}}, null, {"function": {"name": "g", "arguments": {"b": {}}}}])];
    assert_eq!(calls(&objects).await.unwrap(), expected(["", ""]));
    let one = calls(&[
        json!(call(zero, "", "f", "")),
        json!([call(zero, "", "", a)]),
    ])
    .await
    .unwrap();
    assert_eq!(
        one,
        [(String::new(), "f".to_owned(), a.to_owned())],
        "a call that is not in a list"
    );
    // Twice the same function, without ids.
    let twice = calls(&[
        json!([call(zero, "", "f", a)]),
        json!([call(zero, "", "f", b)]),
    ])
    .await
    .unwrap();
    assert_eq!(twice.len(), 2);
}

#[tokio::test]
async fn arguments_that_belong_to_no_call_are_an_error() {
    for deltas in [
        vec![json!([call(None, "", "", "{}")])],
        vec![
            json!([call(None, "", "f", ""), call(None, "", "g", "")]),
            json!([call(None, "", "", "{}")]),
        ],
        vec![
            json!([call(None, "", "f", "{"), call(None, "", "g", "{")]),
            json!([call(None, "", "", "}")]),
        ],
        vec![
            json!([call(None, "", "f", "{}")]),
            json!([call(None, "", "", "{\"y\":2}")]),
        ],
        vec![
            json!([call(Some(0), "a", "f", "{\"x\":1}")]),
            json!([call(Some(0), "", "", "{\"y\":2}")]),
        ],
    ] {
        let error = calls(&deltas).await.unwrap_err();
        assert!(
            error.is_decode() && error.to_string().contains("told apart"),
            "{deltas:?} {error}"
        );
    }
    // Two names are two calls, whatever their id.
    let renamed = vec![
        json!([call(Some(0), "x", "a", "")]),
        json!([call(Some(0), "x", "b", "{\"k\":1}")]),
    ];
    let named: Vec<_> = calls(&renamed).await.unwrap();
    assert_eq!((named.len(), named[1].2.as_str()), (2, "{\"k\":1}"));
    // Nothing is lost if there is nothing to add.
    let blank = vec![
        json!([call(None, "", "f", "{}")]),
        json!([call(None, "", "", " ")]),
        json!([{}]),
    ];
    assert_eq!(calls(&blank).await.unwrap()[0].2, "{}");

    let mut assembler = ChatAssembler::new();
    for delta in [
        json!({"content": "kept"}),
        json!({"tool_calls": [{"function": {"arguments": "{}"}}]}),
    ] {
        let chunk = json!({"choices": [{"index": 0, "delta": delta}]});
        let added = assembler.add(&serde_json::from_value(chunk).unwrap());
        assert_eq!(added.is_err(), delta.get("content").is_none());
    }
    assert_eq!(
        assembler.finish().text(),
        Some("kept"),
        "the part before the error"
    );
}

#[tokio::test]
async fn embeddings_belong_to_their_texts_or_are_an_error() {
    let swapped = json!({"data": [{"index": 1, "embedding": [1]}, {"index": 0, "embedding": [0]}]});
    let embeddings = embed(&["a", "b"], format!("\u{feff}{swapped}"))
        .await
        .unwrap();
    let indices: Vec<u32> = embeddings.data.iter().map(|it| it.index).collect();
    assert_eq!(indices, [0, 1]);
    assert_eq!(embeddings.into_vectors(), [[0.0], [1.0]]);
    let odd = json!({"data": [{"embedding": [1]}], "model": 7, "usage": {"prompt_tokens": "x"}});
    assert_eq!(
        embed(&["a"], odd.to_string()).await.unwrap().into_vectors(),
        [[1.0]]
    );
    let coded = json!({"data": [{"index": 0, "embedding": "AACAPwAAAMA="}]});
    assert_eq!(
        embed(&["a"], coded.to_string())
            .await
            .unwrap()
            .into_vectors(),
        [[1.0, -2.0]]
    );

    for data in [
        json!([{"index": 1, "embedding": [1]}]),
        json!([]),
        json!([{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]),
        json!([{"embedding": [1]}, {"embedding": [1]}]),
        json!([{"index": 1, "embedding": [1]}, {"index": 2, "embedding": [1]}]),
        json!([{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1]}, {"index": 2, "embedding": [1]}]),
        json!([{"index": 0, "embedding": [1]}, null]),
        json!([{"index": 0, "embedding": [1]}, {"index": 1, "embedding": null}]),
        json!(null),
    ] {
        let body = json!({"data": data}).to_string();
        let error = embed(&["a", "b"], body.clone()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.status().unwrap().as_u16()),
            (ErrorKind::Decode, 200),
            "{body}"
        );
    }
}

/// Every start of an answer is an error or an answer, and never a panic.
#[tokio::test]
async fn truncated_answers_are_errors() {
    let completion = json!({"id": "c", "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "content": [{"type": "text", "text": "ü"}], "tool_calls": [{"id": 7, "function": {"arguments": {"a": "🦀"}}}]}}],
        "usage": {"total_tokens": 7}}).to_string();
    let embeddings = json!({"data": [{"index": 0, "embedding": [1.5]}], "model": "ü"}).to_string();
    for text in [completion, embeddings] {
        for end in 0..text.len() {
            let start = &text.as_bytes()[..end];
            assert!(serde_json::from_slice::<ChatCompletion>(start).is_err());
            assert!(serde_json::from_slice::<Embeddings>(start).is_err());
        }
    }
    let stream = format!("{HALF}{HALF}{STOPPED}{DONE}");
    for end in 0..stream.len() - "]\n\n".len() {
        let (text, error) = read(&stream[..end]).await;
        assert!("halfhalf".starts_with(&text) && error.is_some(), "{end}");
    }
}

proptest! {
    /// The assembled answer does not depend on how texts and arguments are cut into deltas, nor on how the deltas of
    /// two choices with two calls each are interleaved.
    #[test]
    fn an_answer_is_the_same_however_it_is_cut(
        text in "[a-zü🦀]{0,12}",
        value in "[a-z{}\"\\\\\\[\\]]{0,12}",
        sizes in prop::collection::vec(1_usize..5, 1..8),
        order in prop::collection::vec(0_usize..2, 0..40),
        with_index in any::<bool>(),
    ) {
        let arguments = json!({"value": value, "n": [{}]}).to_string();
        let additions = |choice: u32| {
            let mut sizes = sizes.iter().copied().cycle();
            let mut deltas: Vec<Value> = cut(&text, &mut sizes).map(|text| json!({"content": text})).collect();
            for call in 0..2_u32 {
                for (position, part) in cut(&arguments, &mut sizes).enumerate() {
                    let mut delta = json!({"function": {"arguments": part}});
                    if position == 0 {
                        delta["function"]["name"] = format!("f{call}").into();
                    }
                    if with_index {
                        delta["index"] = call.into();
                    }
                    deltas.push(json!({"tool_calls": [delta]}));
                }
            }
            let chunk = |delta| json!({"choices": [{"index": choice, "delta": delta}]});
            deltas.into_iter().map(chunk).collect::<std::collections::VecDeque<_>>()
        };
        let mut queues = [additions(0), additions(1)];
        let mut assembler = ChatAssembler::new();
        for turn in order.into_iter().chain((0..).map(|turn| turn % 2)) {
            if queues.iter().all(std::collections::VecDeque::is_empty) {
                break;
            }
            if let Some(chunk) = queues[turn].pop_front() {
                assembler.add(&serde_json::from_value(chunk).unwrap()).unwrap();
            }
        }
        for choice in assembler.finish().choices {
            prop_assert_eq!(choice.message.text().unwrap_or_default(), text.as_str());
            let calls = &choice.message.tool_calls;
            prop_assert_eq!(calls.len(), 2);
            for (call, name) in calls.iter().zip(["f0", "f1"]) {
                prop_assert_eq!(call.function.name.as_str(), name);
                prop_assert_eq!(&call.function.arguments, &arguments);
            }
        }
    }

    /// No JSON makes the decoders panic, and neither does any text.
    #[test]
    fn no_input_makes_a_decoder_panic(text in any::<String>(), at in any::<prop::sample::Index>()) {
        let whole = json!({"choices": [{"index": 0, "delta": {"content": text}, "message": {"content": text}}],
            "data": [{"index": 0, "embedding": text}]}).to_string();
        let mut bytes = whole.into_bytes();
        let length = bytes.len();
        bytes[at.index(length)] ^= 1;
        for input in [&bytes[..], text.as_bytes()] {
            let _ = serde_json::from_slice::<ChatCompletion>(input);
            let _ = serde_json::from_slice::<Embeddings>(input);
            let _ = serde_json::from_slice::<blaxel_inference::ChatChunk>(input);
        }
    }
}

/// Cuts a text into parts of these numbers of characters.
fn cut(text: &str, sizes: &mut impl Iterator<Item = usize>) -> std::vec::IntoIter<String> {
    let mut characters = text.chars().peekable();
    let mut parts = Vec::new();
    while characters.peek().is_some() {
        parts.push(
            characters
                .by_ref()
                .take(sizes.next().unwrap_or(1))
                .collect(),
        );
    }
    parts.into_iter()
}
