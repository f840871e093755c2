//! Models that support their provider's dialect besides that of OpenAI.

use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{ask, post};

const MESSAGES: &str = "claude-haiku/v1/messages";
const GENERATE: &str = "gemini-flash/v1beta/models/gemini-2:generateContent";

fn at(emulator: &Emulator, path: &str) -> String {
    format!("{}/demo/models/{path}", emulator.run_url())
}

/// Returns the model's reply to the same prompt in the OpenAI dialect, which every model supports.
async fn in_openai_s(emulator: &Emulator, model: &str, called: &str) -> Value {
    let uri = at(emulator, &format!("{model}/v1/chat/completions"));
    let body = json!({"model": called, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]});
    post(uri, &body).on(emulator).await.expect(200)
}

#[tokio::test]
async fn an_anthropic_model_supports_messages() {
    let emulator = Emulator::offline();
    for (system, content) in [
        (json!("Be brief."), json!("Why?")),
        (
            json!([{"type": "text", "text": "Be brief."}]),
            json!([{"type": "text", "text": "Why?"}]),
        ),
    ] {
        let body = json!({
            "model": "claude-3", "max_tokens": 99, "system": system,
            "messages": [{"role": "user", "content": content}],
        });
        let answer = post(at(&emulator, MESSAGES), &body)
            .on(&emulator)
            .await
            .expect(200);
        let same = in_openai_s(&emulator, "claude-haiku", "claude-3").await;
        assert_eq!(answer["type"], "message");
        assert_eq!(answer["role"], "assistant");
        assert_eq!(answer["model"], "claude-3");
        let text = &same["choices"][0]["message"]["content"];
        assert_eq!(answer["content"], json!([{"type": "text", "text": text}]));
        assert_eq!(answer["stop_reason"], "end_turn");
        assert_eq!(answer["stop_sequence"], Value::Null);
        let usage = json!({
            "input_tokens": same["usage"]["prompt_tokens"],
            "output_tokens": same["usage"]["completion_tokens"],
        });
        assert_eq!(answer["usage"], usage);
    }
}

#[tokio::test]
async fn a_gemini_model_generates_content() {
    let emulator = Emulator::offline();
    let body = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Why?"}]}],
    });
    let answer = post(at(&emulator, GENERATE), &body)
        .on(&emulator)
        .await
        .expect(200);
    let same = in_openai_s(&emulator, "gemini-flash", "gemini-2").await;
    assert_eq!(answer["modelVersion"], "gemini-2");
    let candidate = &answer["candidates"][0];
    let text = &same["choices"][0]["message"]["content"];
    assert_eq!(
        candidate["content"],
        json!({"role": "model", "parts": [{"text": text}]})
    );
    assert_eq!(candidate["finishReason"], "STOP");
    let usage = json!({
        "promptTokenCount": same["usage"]["prompt_tokens"],
        "candidatesTokenCount": same["usage"]["completion_tokens"],
        "totalTokenCount": same["usage"]["total_tokens"],
    });
    assert_eq!(answer["usageMetadata"], usage);
}

#[tokio::test]
async fn each_dialect_has_its_own_errors() {
    let emulator = Emulator::offline();
    let message = json!([{"role": "user", "content": "x"}]);
    for (path, body) in [
        (MESSAGES, json!([])),
        (MESSAGES, json!({"model": "m", "max_tokens": 1})),
        (
            MESSAGES,
            json!({"model": "m", "max_tokens": 1, "messages": []}),
        ),
        (MESSAGES, json!({"model": "m", "messages": message})),
        (MESSAGES, json!({"max_tokens": 1, "messages": message})),
        (GENERATE, json!("x")),
        (GENERATE, json!({})),
        (GENERATE, json!({"contents": []})),
    ] {
        let reply = post(at(&emulator, path), &body).on(&emulator).await;
        let answer = reply.expect(400);
        assert_eq!(reply.header("x-blaxel-source"), None);
        let error = &answer["error"];
        assert!(error["message"].is_string(), "{answer}");
        if path == MESSAGES {
            assert_eq!(answer["type"], "error", "{body}");
            assert_eq!(error["type"], "invalid_request_error");
        } else {
            assert_eq!(error["code"], 400, "{body}");
            assert_eq!(error["status"], "INVALID_ARGUMENT");
        }
    }
}

#[tokio::test]
async fn a_model_rejects_the_dialects_of_other_providers() {
    let emulator = Emulator::offline();
    let foreign = [
        "sandbox-openai/v1/messages",
        "gemini-flash/v1/messages",
        "claude-haiku/v1beta/models/m:generateContent",
        "gemini-flash/v1beta/models/m:countTokens",
        "sandbox-openai/v2/chat",
        "gemini-flash/v1beta/models/:generateContent",
        "gemini-flash/v1beta/models/a/b:generateContent",
    ];
    for path in foreign {
        let reply = post(at(&emulator, path), &json!({})).on(&emulator).await;
        let error = &reply.expect(404)["error"];
        assert_eq!(error["type"], "invalid_request_error", "{path}");
    }
    for path in [MESSAGES, GENERATE] {
        let reply = ask(http::Method::GET, at(&emulator, path))
            .on(&emulator)
            .await;
        reply.expect(405);
    }
}
