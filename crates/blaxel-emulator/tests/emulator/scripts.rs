//! Workloads with scripts.

use std::time::{Duration, Instant};

use blaxel_emulator::{Behavior, Chunks, Emulator, Failure, Script, Workload};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{Ask, Reply, as_client, ask, post};

fn scripted(emulator: &Emulator) -> (String, Script) {
    emulator.add_agent("bot");
    let url = format!("{}/demo/agents/bot", emulator.run_url());
    (url, emulator.script(&Workload::agent("bot")))
}

fn hello(url: &str) -> Ask {
    post(url, &json!({"inputs": "Hello"}))
}

async fn says(url: &str, emulator: &Emulator) -> Value {
    hello(url).on(emulator).await.expect(200)["output"].clone()
}

#[tokio::test]
async fn planned_responses_are_used_in_order_and_then_the_standing_one() {
    let emulator = Emulator::offline();
    let (url, script) = scripted(&emulator);
    script
        .then(Behavior::json(json!({"output": "first"})))
        .times(2, Behavior::say("second"))
        .then(Behavior::usual())
        .always(Behavior::say("standing"));
    assert_eq!(script.waiting(), 4);
    let usual = "bot heard: Hello";
    for expected in ["first", "second", "second", usual, "standing", "standing"] {
        assert_eq!(says(&url, &emulator).await, expected);
    }
    assert_eq!(script.waiting(), 0);
    script.clear();
    assert_eq!(says(&url, &emulator).await, usual);
}

#[tokio::test]
async fn a_script_can_precede_its_workload_and_affects_no_other() {
    let emulator = Emulator::offline();
    let script = emulator.script(&Workload::agent("bot"));
    script.always(Behavior::say("scripted"));
    let url = format!("{}/demo/agents/bot", emulator.run_url());
    let early = hello(&url).on(&emulator).await;
    early.gateway(404, "WORKLOAD_NOT_FOUND");
    emulator.add_agent("bot");
    emulator.add_agent("other");
    assert_eq!(says(&url, &emulator).await, "scripted");
    let other = format!("{}/demo/agents/other", emulator.run_url());
    assert_eq!(says(&other, &emulator).await, "other heard: Hello");
    assert_eq!(script.calls().len(), 1);
}

#[tokio::test]
async fn a_response_has_the_given_status_headers_and_bytes() {
    let emulator = Emulator::offline();
    let (url, script) = scripted(&emulator);
    let bytes = Bytes::from_static(b"\xff\x00\r\n not text");
    script
        .then(
            Behavior::bytes(bytes.clone())
                .status(StatusCode::IM_A_TEAPOT)
                .header(header::CONTENT_TYPE, HeaderValue::from_static("image/png"))
                .header(header::RETRY_AFTER, HeaderValue::from_static("3")),
        )
        .then(Behavior::text("plain \u{e9}"))
        .then(Behavior::json(json!({"a": [1]})).status(StatusCode::CREATED));
    let reply = hello(&url).on(&emulator).await;
    assert_eq!((reply.status.as_u16(), &reply.bytes), (418, &bytes));
    assert_eq!(reply.header("content-type"), Some("image/png"));
    assert_eq!(reply.header("retry-after"), Some("3"));
    assert_eq!(reply.header("x-blaxel-source"), None);

    let reply = hello(&url).on(&emulator).await;
    assert_eq!(reply.bytes, "plain \u{e9}");
    let kind = "text/plain; charset=utf-8";
    assert_eq!(reply.header("content-type"), Some(kind));
    let reply = hello(&url).on(&emulator).await;
    assert_eq!(reply.expect(201), json!({"a": [1]}));
}

#[tokio::test]
async fn platform_headers_mark_gateway_errors_and_not_workload_errors() {
    let emulator = Emulator::offline();
    let (url, script) = scripted(&emulator);
    let broken = Behavior::json(json!({"error": "broken"}));
    script
        .then(broken.status(StatusCode::NOT_FOUND))
        .then(Behavior::gateway(
            StatusCode::PAYMENT_REQUIRED,
            "USAGE_LIMIT_EXCEEDED",
            false,
        ));
    let reply = hello(&url).on(&emulator).await;
    assert_eq!(reply.expect(404), json!({"error": "broken"}));
    assert_eq!(reply.header("x-blaxel-source"), None);
    assert_eq!(reply.header("x-blaxel-error-code"), None);
    let reply = hello(&url).on(&emulator).await;
    reply.gateway(402, "USAGE_LIMIT_EXCEEDED");
    assert_eq!(reply.json()["error"]["retryable"], false);
}

#[track_caller]
fn is_unavailable(reply: &Reply) {
    reply.gateway(404, "WORKLOAD_UNAVAILABLE");
    assert_eq!(reply.json()["error"]["retryable"], true);
}

#[tokio::test]
async fn a_cold_workload_is_unavailable_for_a_number_of_calls_or_a_time() {
    let emulator = Emulator::offline();
    let (url, script) = scripted(&emulator);
    script.then(Behavior::say("warm")).cold_calls(2);
    is_unavailable(&hello(&url).on(&emulator).await);
    is_unavailable(&hello(&url).on(&emulator).await);
    assert_eq!(says(&url, &emulator).await, "warm");

    let minute = Duration::from_secs(60);
    script.then(Behavior::say("again")).cold_for(minute);
    is_unavailable(&hello(&url).on(&emulator).await);
    emulator.clock().advance(minute - Duration::from_millis(1));
    is_unavailable(&hello(&url).on(&emulator).await);
    emulator.clock().advance(Duration::from_millis(1));
    assert_eq!(says(&url, &emulator).await, "again");
    assert_eq!(script.calls().len(), 6);
}

/// A workload that is not deployed is unavailable, even with a script.
#[tokio::test]
async fn a_workload_that_is_not_deployed_is_unavailable() {
    let step = Duration::from_secs(10);
    let emulator = Emulator::builder()
        .deploy_time(step)
        .delete_time(step)
        .build();
    let bot = |enabled: bool| {
        let spec = json!({"enabled": enabled, "runtime": {"image": "bot:latest"}});
        json!({"metadata": {"name": "bot"}, "spec": spec})
    };
    let call = async || {
        let url = format!("{}/demo/agents/bot", emulator.run_url());
        hello(&url).on(&emulator).await
    };
    post("/agents", &bot(true)).on(&emulator).await.expect(200);
    is_unavailable(&call().await);
    emulator.clock().advance(step);
    call().await.expect(200);

    let off = ask(Method::PUT, "/agents/bot").json(&bot(false));
    off.on(&emulator).await.expect(200);
    is_unavailable(&call().await);
    emulator.clock().advance(step);
    is_unavailable(&call().await);

    emulator
        .fail_next(Failure::deployment("agents", "bot"))
        .unwrap();
    let on = ask(Method::PUT, "/agents/bot").json(&bot(true));
    on.on(&emulator).await.expect(200);
    emulator.clock().advance(step);
    is_unavailable(&call().await);

    ask(Method::DELETE, "/agents/bot").on(&emulator).await;
    is_unavailable(&call().await);
    emulator.clock().advance(step);
    call().await.gateway(404, "WORKLOAD_NOT_FOUND");
}

#[tokio::test]
async fn models_and_functions_are_unavailable_too_until_they_are_deployed() {
    let emulator = Emulator::builder()
        .deploy_time(Duration::from_secs(1))
        .build();
    emulator.add_model("m");
    emulator.add("functions", "f").unwrap();
    for path in [
        "models/m/v1/chat/completions",
        "models/m/x",
        "functions/f/x",
    ] {
        let uri = format!("{}/demo/{path}", emulator.run_url());
        is_unavailable(&post(uri, &json!({})).on(&emulator).await);
    }
}

#[tokio::test]
async fn a_script_records_calls_without_credentials() {
    let emulator = Emulator::offline();
    let (url, script) = scripted(&emulator);
    script.then(Behavior::text("ok"));
    let call = ask(Method::PUT, format!("{url}/v1/a%20b//c?x=1&y=%20"))
        .header("authorization", &format!("Bearer {}", emulator.api_key()))
        .header("X-Blaxel-Thread-Id", "t-42")
        .json(&json!({"inputs": "Hello"}));
    call.on(&emulator).await;
    hello(&url).on(&emulator).await;
    hello(&format!("{url}/")).on(&emulator).await;

    let calls = script.calls();
    let [call, bare, slash] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(call.method, Method::PUT);
    assert_eq!(call.path, "/v1/a%20b//c");
    assert_eq!(call.query.as_deref(), Some("x=1&y=%20"));
    assert_eq!(call.header("x-blaxel-thread-id"), Some("t-42"));
    assert_eq!(call.json(), Some(json!({"inputs": "Hello"})));
    assert_eq!((bare.path.as_str(), &bare.query), ("", &None));
    assert_eq!(slash.path, "/");
    assert!(!format!("{calls:?}").contains(emulator.api_key()));

    let refused = hello(&url).to(&emulator.service().verbatim()).await;
    refused.gateway(401, "AUTHENTICATION_REQUIRED");
    assert_eq!(script.calls().len(), 3);
    script.clear();
    assert_eq!(script.calls(), []);
}

#[tokio::test]
async fn a_scripted_reply_uses_the_dialect_of_the_request() {
    let emulator = Emulator::offline();
    let script = emulator.script(&Workload::model("claude-haiku"));
    script.always(Behavior::say("Just so."));
    let at = |path: &str| format!("{}/demo/models/claude-haiku/{path}", emulator.run_url());
    let body = json!({
        "model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Why?"}],
    });
    let chat = post(at("v1/chat/completions"), &body).on(&emulator).await;
    let chat = chat.expect(200);
    assert_eq!(chat["choices"][0]["message"]["content"], "Just so.");
    assert_eq!(chat["usage"]["completion_tokens"], 2);
    let message = post(at("v1/messages"), &body).on(&emulator).await;
    assert_eq!(message.expect(200)["content"][0]["text"], "Just so.");

    let limited = json!({"error": {"message": "slow down", "type": "rate_limit"}});
    let limited = Behavior::json(limited).status(StatusCode::TOO_MANY_REQUESTS);
    script.then(limited);
    let reply = post(at("v1/chat/completions"), &body).on(&emulator).await;
    assert_eq!(reply.expect(429)["error"]["type"], "rate_limit");
}

#[tokio::test]
async fn a_scripted_stream_is_sent_unchanged_chunk_by_chunk() {
    let emulator = Emulator::start().await.unwrap();
    let (url, script) = scripted(&emulator);
    let pieces = ["data: \u{e9}", "\r\n", "\r", "\n: note\n\n", "data: [DONE]"];
    let (first, second) = "\u{1f980}".as_bytes().split_at(2);
    let torn = [first, second].map(Bytes::copy_from_slice);
    let all = || pieces.map(Bytes::from).into_iter().chain(torn.clone());
    script
        .then(Behavior::events(all().collect()))
        .then(Behavior::ndjson(all().collect()))
        .then(Behavior::stream(all().collect()));
    let whole: Bytes = all().flatten().collect();
    for kind in [
        Some("text/event-stream"),
        Some("application/x-ndjson"),
        None,
    ] {
        let reply = as_client(hello(&url), &emulator).over_socket().await;
        let reply = reply.unwrap();
        assert_eq!(reply.bytes, whole);
        assert_eq!(reply.header("content-type"), kind);
    }

    script.then(Behavior::stream(all().collect()));
    let asked = ask(Method::POST, &url);
    let response = asked.begin(&emulator.service()).await.unwrap();
    let mut body = response.into_body();
    let mut came = Vec::new();
    while let Some(frame) = body.frame().await {
        came.push(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(came, all().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_scripted_stream_pauses_as_planned() {
    let pause = Duration::from_millis(60);
    let emulator = Emulator::start().await.unwrap();
    let (url, script) = scripted(&emulator);
    let pieces = Chunks::new().then("a").pause(pause).then("b");
    script.then(Behavior::stream(pieces).after(pause));
    let began = Instant::now();
    let response = as_client(hello(&url), &emulator).open().await.unwrap();
    assert!(began.elapsed() >= pause);
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "a");
    let seen = Instant::now();
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(second, "b");
    assert!(seen.elapsed() >= pause / 2, "{:?}", seen.elapsed());
    assert!(body.frame().await.is_none());
}

/// Everything sent before arrives, and then an error instead of the end.
#[tokio::test]
async fn a_stream_that_is_cut_has_no_end_marker() {
    let emulator = Emulator::start().await.unwrap();
    let (url, script) = scripted(&emulator);
    script.times(
        3,
        Behavior::events(Chunks::new().then("data: a\n\n").then("data: b").cut()),
    );
    let response = as_client(hello(&url), &emulator).open().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let mut came = Vec::new();
    let failed = loop {
        match body.frame().await {
            Some(Ok(frame)) => came.extend(frame.into_data().unwrap()),
            end => break end.is_some(),
        }
    };
    assert_eq!(came, b"data: a\n\ndata: b");
    assert!(failed, "it ended as if it were whole");

    let asked = ask(Method::POST, &url);
    let response = asked.begin(&emulator.service()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());

    // An empty body is cut as well.
    script.clear();
    script.then(Behavior::stream(Chunks::new().cut()));
    let asked = ask(Method::POST, &url);
    let response = asked.begin(&emulator.service()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

/// Faults take precedence over everything else.
#[tokio::test]
async fn a_fault_takes_precedence_over_the_script() {
    let emulator = Emulator::offline();
    let (url, script) = scripted(&emulator);
    script.then(Behavior::say("scripted"));
    let fault = blaxel_emulator::Fault::html(StatusCode::BAD_GATEWAY);
    emulator.fault("InvokeAgent", fault, 1).unwrap();
    assert_eq!(hello(&url).on(&emulator).await.status, 502);
    assert_eq!(script.waiting(), 1);
    assert_eq!(says(&url, &emulator).await, "scripted");
}

#[tokio::test]
async fn a_function_returns_its_scripted_response() {
    let emulator = Emulator::offline();
    emulator.add("functions", "f").unwrap();
    let url = format!("{}/demo/functions/f/any", emulator.run_url());
    let reply = hello(&url).on(&emulator).await;
    reply.expect(404);
    assert_eq!(reply.header("x-blaxel-source"), None);
    let script = emulator.script(&Workload::function("f"));
    script.then(Behavior::text("done"));
    assert_eq!(hello(&url).on(&emulator).await.bytes, "done");
}
