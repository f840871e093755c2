//! The workloads and the gateway in front of them.

use blaxel_emulator::Emulator;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{as_client, ask, get, post};

fn emulator() -> Emulator {
    let emulator = Emulator::offline();
    emulator.add_agent("parrot");
    emulator
}

fn chat(emulator: &Emulator) -> String {
    format!(
        "{}/demo/models/sandbox-openai/v1/chat/completions",
        emulator.run_url()
    )
}

fn question(stream: Value) -> Value {
    json!({
        "model": "gpt", "stream": stream, "stream_options": {"include_usage": true},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What is a crate?"}]},
        ],
    })
}

/// Returns the data of the events in a stream.
fn events(stream: &str) -> Vec<&str> {
    let events = stream.strip_suffix("\n\n").unwrap().split("\n\n");
    events
        .map(|event| event.strip_prefix("data: ").unwrap())
        .collect()
}

#[tokio::test]
async fn an_agent_echoes_its_input() {
    let emulator = emulator();
    let url = format!("{}/demo/agents/parrot", emulator.run_url());
    let agent = get("/agents/parrot").on(&emulator).await.expect(200);
    assert_eq!(agent["metadata"]["url"], url);
    for (body, heard) in [
        (json!({"inputs": "Hello"}), "Hello"),
        (json!({"inputs": {"a": [1]}}), "{\"a\":[1]}"),
        (json!("plain"), "plain"),
        (json!({"other": 1}), "{\"other\":1}"),
    ] {
        let reply = post(&url, &body).on(&emulator).await.expect(200);
        assert_eq!(reply, json!({"output": format!("parrot heard: {heard}")}));
    }
    let deep = post(format!("{url}/v1/any?x=1"), &json!({"inputs": 1}));
    let reply = deep
        .header("X-Blaxel-Thread-Id", "t-42")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(
        reply,
        json!({"output": "parrot heard: 1", "thread": "t-42"})
    );
    let text = ask(http::Method::POST, &url)
        .bytes("not json")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(text["output"], "parrot heard: not json");
}

#[tokio::test]
async fn an_agent_accepts_any_method_at_any_path() {
    let emulator = emulator();
    let url = format!("{}/demo/agents/parrot", emulator.run_url());
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        for path in ["", "/", "/v1/any?x=1"] {
            let request = ask(method.clone(), format!("{url}{path}")).bytes("Hello");
            let reply = request.on(&emulator).await.expect(200);
            let expected = json!({"output": "parrot heard: Hello", "method": method.as_str()});
            assert_eq!(reply, expected, "{method} {path}");
        }
        let missing = format!("{}/demo/agents/nobody/x", emulator.run_url());
        let reply = ask(method.clone(), &missing).on(&emulator).await;
        reply.gateway(404, "WORKLOAD_NOT_FOUND");
        let bare = emulator.service().verbatim();
        let reply = ask(method, &url).to(&bare).await;
        reply.gateway(401, "AUTHENTICATION_REQUIRED");
    }
    let reply = post(format!("{url}/"), &json!({"inputs": "Hello"}))
        .on(&emulator)
        .await;
    assert_eq!(reply.expect(200), json!({"output": "parrot heard: Hello"}));
    let head = ask(http::Method::HEAD, &url).on(&emulator).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    let journal = emulator.journal();
    let asked = journal
        .iter()
        .all(|entry| entry.operation.as_deref() == Some("InvokeAgent"));
    assert!(asked, "{journal:?}");
}

#[tokio::test]
async fn an_agent_streams_if_events_are_accepted_first() {
    let emulator = emulator();
    let url = format!("{}/demo/agents/parrot", emulator.run_url());
    let accepting = |accept: &str| {
        post(&url, &json!({"inputs": "one  two"}))
            .header("accept", accept)
            .header("X-Blaxel-Thread-Id", "t-42")
    };
    for accept in [
        "text/event-stream",
        "text/event-stream, application/x-ndjson, */*",
        "Text/Event-Stream;q=1.0,*/*",
    ] {
        let reply = accepting(accept).on(&emulator).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        let text = std::str::from_utf8(&reply.bytes).unwrap();
        let pieces: Vec<Value> = events(text)
            .into_iter()
            .map(|piece| serde_json::from_str(piece).unwrap())
            .collect();
        let words: Vec<_> = pieces
            .iter()
            .map(|piece| piece["output"].as_str().unwrap())
            .collect();
        assert_eq!(words, ["parrot ", "heard: ", "one ", " ", "two"]);
        assert!(pieces.iter().all(|piece| piece["thread"] == "t-42"));
    }
    let whole = json!({"output": "parrot heard: one  two", "thread": "t-42"});
    for accept in ["application/json", "*/*", "", "*/*, text/event-stream"] {
        assert_eq!(accepting(accept).on(&emulator).await.expect(200), whole);
    }
}

#[tokio::test]
async fn gateway_errors_have_their_own_format() {
    let emulator = emulator();
    let run = emulator.run_url();
    let body = json!({"inputs": "x"});
    let bare = emulator.service().verbatim();
    let key = format!("Bearer {}", emulator.api_key());
    let good = format!("{run}/demo/agents/parrot");

    post(&good, &body)
        .to(&bare)
        .await
        .gateway(401, "AUTHENTICATION_REQUIRED");
    let wrong = post(&good, &body).header("authorization", "Bearer wrong");
    wrong.to(&bare).await.gateway(401, "AUTHENTICATION_FAILED");
    let other = post(format!("{run}/other/agents/parrot"), &body).header("authorization", &key);
    other.to(&bare).await.gateway(404, "WORKSPACE_NOT_FOUND");
    let header = post(&good, &body).header("x-blaxel-workspace", "other");
    header.on(&emulator).await.gateway(403, "FORBIDDEN");
    for missing in [
        "agents/nobody",
        "agents/nobody/deep",
        "models/nobody/v1/chat/completions",
        "models/parrot/v1/x",
        "functions/nobody",
        "functions/nobody/mcp",
    ] {
        let uri = format!("{run}/demo/{missing}");
        post(uri, &body)
            .on(&emulator)
            .await
            .gateway(404, "WORKLOAD_NOT_FOUND");
    }
    for nowhere in ["demo", "demo/jobs/j", "demo/agents"] {
        let uri = format!("{run}/{nowhere}");
        post(uri, &body)
            .on(&emulator)
            .await
            .gateway(404, "ROUTE_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_model_returns_a_whole_completion() {
    let emulator = emulator();
    let answer = post(chat(&emulator), &question(json!(false)))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "gpt");
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(choice["message"]["role"], "assistant");
    let text = choice["message"]["content"].as_str().unwrap();
    assert!(text.contains("What is a crate?"), "{text}");
    let usage = &answer["usage"];
    assert_eq!(usage["prompt_tokens"], 6);
    let (prompt, completion) = (
        usage["prompt_tokens"].as_u64(),
        usage["completion_tokens"].as_u64(),
    );
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(prompt.unwrap() + completion.unwrap())
    );

    let again = post(chat(&emulator), &question(Value::Null))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(again["choices"], answer["choices"]);
    assert_ne!(again["id"], answer["id"]);
}

#[tokio::test]
async fn a_model_streams_word_by_word() {
    let emulator = emulator();
    let whole = post(chat(&emulator), &question(json!(false)))
        .on(&emulator)
        .await
        .expect(200);
    let reply = post(chat(&emulator), &question(json!(true)))
        .on(&emulator)
        .await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    let text = std::str::from_utf8(&reply.bytes).unwrap();
    let events = events(text);
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(*done, "[DONE]");
    let chunks: Vec<Value> = chunks
        .iter()
        .map(|chunk| serde_json::from_str(chunk).unwrap())
        .collect();
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["object"] == "chat.completion.chunk")
    );
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]));

    let [role, words @ .., stop, usage] = chunks.as_slice() else {
        panic!("{chunks:?}")
    };
    assert_eq!(role["choices"][0]["delta"]["role"], "assistant");
    assert!(words.len() > 3);
    let text: String = words
        .iter()
        .map(|word| word["choices"][0]["delta"]["content"].as_str().unwrap())
        .collect();
    assert_eq!(whole["choices"][0]["message"]["content"], text);
    assert_eq!(stop["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"], whole["usage"]);

    let mut plain = question(json!(true));
    plain.as_object_mut().unwrap().remove("stream_options");
    let reply = post(chat(&emulator), &plain).on(&emulator).await;
    assert!(!std::str::from_utf8(&reply.bytes).unwrap().contains("usage"));
}

#[tokio::test]
async fn a_stream_is_sent_in_chunks() {
    let emulator = emulator();
    let ask = post(chat(&emulator), &question(json!(true)));
    let response = ask.begin(&emulator.service()).await.unwrap();
    let mut body = response.into_body();
    let mut pieces = 0;
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        assert!(piece.starts_with(b"data: ") && piece.ends_with(b"\n\n"));
        pieces += 1;
    }
    assert!(pieces > 6, "{pieces}");
}

#[tokio::test]
async fn a_paused_stream_sends_its_first_chunk_before_its_last() {
    let pause = std::time::Duration::from_millis(5);
    let emulator = Emulator::builder()
        .stream_pause(pause)
        .start()
        .await
        .unwrap();
    let began = std::time::Instant::now();
    let request = as_client(post(chat(&emulator), &question(json!(true))), &emulator);
    let mut body = request.open().await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(!first.ends_with(b"[DONE]\n\n"));
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"data: [DONE]\n\n"));
    assert!(began.elapsed() >= pause * 6);
}

#[tokio::test]
async fn a_models_own_errors_have_no_platform_headers() {
    let emulator = emulator();
    let other = format!(
        "{}/demo/models/sandbox-openai/v1/completions",
        emulator.run_url()
    );
    let bad = |body: &Value| post(chat(&emulator), body);
    for (request, status) in [
        (ask(http::Method::POST, chat(&emulator)).bytes("{"), 400),
        (bad(&json!([])), 400),
        (bad(&json!({})), 400),
        (bad(&json!({"messages": []})), 400),
        (
            bad(&json!({"messages": [{"role": "user", "content": "x"}], "model": 1})),
            400,
        ),
        (post(other, &json!({})), 404),
    ] {
        let reply = request.on(&emulator).await;
        let body = reply.expect(status);
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert!(body["error"]["message"].is_string());
        assert_eq!(reply.header("x-blaxel-source"), None);
    }
}

#[tokio::test]
async fn a_missing_model_is_reported_before_its_method_and_path() {
    let emulator = emulator();
    for (path, status) in [
        ("", 404),
        ("/", 404),
        ("/v1/models", 404),
        ("/chat/completions", 405),
        ("/v1/chat/completions", 405),
        ("/embeddings", 405),
        ("/v1/embeddings", 405),
    ] {
        let at = |name: &str| {
            let uri = format!("{}/demo/models/{name}{path}", emulator.run_url());
            ask(http::Method::GET, uri)
        };
        let bare = emulator.service().verbatim();
        let reply = at("nobody").to(&bare).await;
        reply.gateway(401, "AUTHENTICATION_REQUIRED");
        let reply = at("nobody").on(&emulator).await;
        reply.gateway(404, "WORKLOAD_NOT_FOUND");
        let reply = at("sandbox-openai").on(&emulator).await;
        let body = reply.expect(status);
        assert_eq!(body["error"]["type"], "invalid_request_error", "{path}");
        assert_eq!(reply.header("x-blaxel-source"), None);
    }
}

#[tokio::test]
async fn a_function_refuses_a_websocket_without_a_version_a_key_or_a_socket() {
    let emulator = Emulator::start().await.unwrap();
    emulator.add("functions", "search").unwrap();
    let base = format!(
        "{}/{}/functions/search",
        emulator.run_url(),
        emulator.workspace()
    );
    let key = format!("Bearer {}", emulator.api_key());
    for url in [base.clone(), format!("{base}/mcp")] {
        let upgrade = || {
            get(&url)
                .header("authorization", &key)
                .header("connection", "upgrade")
                .header("upgrade", "WebSocket")
        };
        let old = upgrade().header("sec-websocket-version", "8");
        let old = old.over_socket().await.unwrap();
        old.gateway(400, "BAD_REQUEST");
        let current = || upgrade().header("sec-websocket-version", "13");
        let no_key = current().over_socket().await.unwrap();
        no_key.gateway(400, "BAD_REQUEST");
        let opened = current().header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let opened = opened.open().await.unwrap();
        assert_eq!(opened.status(), 101);
        // The example of RFC 6455.
        let accept = &opened.headers()["sec-websocket-accept"];
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let stranger = get(&url)
            .header("connection", "upgrade")
            .header("upgrade", "websocket");
        let stranger = stranger.over_socket().await.unwrap();
        stranger.gateway(401, "AUTHENTICATION_REQUIRED");
    }
}
