//! Calls: their addresses, their contents, and the decoding of their responses.

use super::support::{self, refusal, scripted, typed};
use blaxel_core::{CallContext, CallOptions, ErrorOrigin, Idempotency};
use blaxel_inference::{ChatRequest, Chunk, EmbeddingRequest, Format, Inference, Message, Tool};
use http::Method;
use serde_json::{Value, json};

fn question() -> ChatRequest {
    ChatRequest::new([Message::user("?")])
}

/// Returns environment variables that override some addresses.
fn overrides(name: &str) -> Option<String> {
    let url = match name {
        "BL_AGENTS_MY_BOT_URL" => "http://localhost:1338/plural",
        "BL_AGENT_MY_BOT_URL" => "http://localhost:1338/singular",
        "BL_AGENT_OTHER_URL" => " https://other.example ",
        "BL_AGENTS_OTHER_URL" => "",
        "BL_MODEL_FAST_URL" => "http://127.0.0.1:9/base/",
        "BL_AGENT_BAD_URL" => "http://far.example",
        _ => return None,
    };
    Some(url.to_owned())
}

#[tokio::test]
async fn an_address_is_taken_from_the_first_source_that_has_one() {
    let (service, journal) = scripted(|seen| match seen.operation.name() {
        "GetAgent" if seen.uri() == "/agents/placed" => support::json(
            &json!({"metadata": {"url": "https://agt-placed-ws.us-pdx-1.bl.run"}, "spec": {}}),
        ),
        "GetAgent" => support::json(&json!({"metadata": {"name": "new", "url": ""}})),
        _ => support::json(&json!({})),
    });
    let inference = Inference::new(service.clone()).url_overrides(overrides);
    let plain = Inference::new(service);
    let call = async |agent: blaxel_inference::AgentCall<_>| {
        agent.invoke::<Value>(&json!({})).await.unwrap();
        journal.lock().unwrap().last().unwrap().uri()
    };
    let given = inference.agent("my-bot").url("https://given.example/x");
    assert_eq!(call(given).await, "https://given.example/x");
    assert_eq!(
        call(inference.agent("my-bot")).await,
        "http://localhost:1338/plural"
    );
    assert_eq!(
        call(inference.agent("other")).await,
        "https://other.example/"
    );
    let located = inference.agent("other").resolve().await.unwrap();
    assert_eq!(call(located).await, "https://other.example/");
    assert_eq!(call(inference.agent("placed")).await, "/agents/placed");
    let located = inference.agent("placed").resolve().await.unwrap();
    assert_eq!(
        call(located.clone()).await,
        "https://agt-placed-ws.us-pdx-1.bl.run/"
    );
    call(located.resolve().await.unwrap()).await;
    let unplaced = inference.agent("new").resolve().await.unwrap();
    assert_eq!(call(unplaced).await, "/agents/new");
    // This client has no source of variables.
    assert_eq!(call(plain.agent("my-bot")).await, "/agents/my-bot");

    let lookups = journal
        .lock()
        .unwrap()
        .iter()
        .filter(|seen| seen.operation.name() == "GetAgent")
        .count();
    assert_eq!(lookups, 2, "a known address is not looked up");
    let error = inference
        .agent("bad")
        .invoke::<Value>(&json!({}))
        .await
        .unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("BL_AGENT_BAD_URL"),
        "{error}"
    );
}

#[tokio::test]
async fn the_model_name_in_a_request_depends_on_the_generation() {
    let (service, journal) = scripted(|seen| match seen.uri().as_str() {
        "/models/new" => support::json(&json!({"metadata": {"url": "https://mdl-new.bl.run"},
            "spec": {"runtime": {"type": "anthropic", "model": "claude", "generation": "mk3"}}})),
        "/models/old" => support::json(&json!({"metadata": {},
            "spec": {"runtime": {"type": "openai", "model": "gpt-4o-mini", "generation": "mk2"}}})),
        "/models/lost" => {
            support::json(&json!({"metadata": {}, "spec": {"runtime": {"generation": "mk3"}}}))
        }
        _ => support::json(&json!({"choices": [{}]})),
    });
    let inference = Inference::new(service).url_overrides(overrides);
    let send = async |model: blaxel_inference::ModelCall<_>, request: ChatRequest| {
        model.chat(&request).await.unwrap();
        let seen = journal.lock().unwrap().last().unwrap().clone();
        (
            seen.uri(),
            seen.json()["model"].as_str().unwrap().to_owned(),
        )
    };
    let expect = |uri: &str, name: &str| (uri.to_owned(), name.to_owned());

    let new = inference.model("new").resolve().await.unwrap();
    let at_new = "https://mdl-new.bl.run/v1/chat/completions";
    assert_eq!(send(new, question()).await, expect(at_new, "new"));
    let old = inference.model("old").resolve().await.unwrap();
    let at_old = "/models/old/v1/chat/completions";
    assert_eq!(
        send(old.clone(), question()).await,
        expect(at_old, "gpt-4o-mini")
    );
    assert_eq!(
        send(old, question().model("gpt-5")).await,
        expect(at_old, "gpt-5")
    );
    let named = inference
        .model("old")
        .provider_model("own")
        .resolve()
        .await
        .unwrap();
    assert_eq!(send(named, question()).await, expect(at_old, "own"));
    let other = inference.model("x").openai_base("v1beta/openai/");
    let at_other = "/models/x/v1beta/openai/chat/completions";
    assert_eq!(send(other, question()).await, expect(at_other, "x"));
    let forced = inference.model("fast").resolve().await.unwrap();
    let at_forced = "http://127.0.0.1:9/base/v1/chat/completions";
    assert_eq!(send(forced, question()).await, expect(at_forced, "fast"));

    let error = inference.model("lost").resolve().await.unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("lost"),
        "{error}"
    );
}

#[tokio::test]
async fn a_request_can_have_any_method_path_header_query_and_body() {
    let (service, journal) = scripted(|_| typed("text/plain", "ok"));
    let agent = Inference::new(service)
        .agent("a")
        .path("api")
        .header("x-all", "1")
        .query("all", "1");
    let purge = Method::from_bytes(b"PURGE").unwrap();
    for method in [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::POST,
        purge,
    ] {
        agent
            .request(method.clone(), "items/")
            .send()
            .await
            .unwrap();
        let seen = journal.lock().unwrap().last().unwrap().clone();
        assert_eq!(
            (&seen.head.method, seen.uri().as_str()),
            (&method, "/agents/a/api/items/?all=1")
        );
        let expected = match method.as_str() {
            "GET" | "HEAD" | "OPTIONS" => Idempotency::Safe,
            "PUT" | "DELETE" => Idempotency::Idempotent,
            _ => Idempotency::None,
        };
        assert_eq!(seen.operation.idempotency(), expected, "{method}");
        assert!(!seen.operation.is_streamed());
    }
    let request = agent
        .request(Method::PUT, "a b")
        .header("x-all", "2")
        .header("Cache-Control", "no-store")
        .query("tag", "x&y")
        .query("tag", "z")
        .body(vec![0, 255], "application/octet-stream");
    request.open().await.unwrap();
    let seen = journal.lock().unwrap().last().unwrap().clone();
    assert_eq!(seen.uri(), "/agents/a/api/a%20b?all=1&tag=x%26y&tag=z");
    let all: Vec<_> = seen.head.headers.get_all("x-all").iter().collect();
    assert_eq!(all, ["1", "2"]);
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    assert_eq!(
        seen.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(&*seen.body, [0, 255]);
    assert!(seen.operation.is_streamed());

    agent
        .request(Method::POST, "")
        .text("héllo")
        .send()
        .await
        .unwrap();
    let seen = journal.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        seen.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(seen.header("cache-control"), Some("no-transform"));
    assert_eq!(&*seen.body, "héllo".as_bytes());
}

#[tokio::test]
async fn an_invalid_part_is_an_error_before_anything_is_sent() {
    let (service, journal) = scripted(|_| typed("text/plain", "ok"));
    let agent = Inference::new(service).agent("a");
    let post = || agent.request(Method::POST, "");
    for request in [
        post().header("no name", "x"),
        post().header("x", "a\nb"),
        post().body("", "bad\ntype"),
        post().json(&std::collections::HashMap::from([((1, 2), 3)])),
        agent.request(Method::GET, "../secrets"),
    ] {
        let error = request.send().await.unwrap_err();
        assert!(error.is_input(), "{error}");
        assert!(error.to_string().starts_with("InvokeAgent: "), "{error}");
    }
    assert!(journal.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_options_of_a_call_are_in_its_context() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let note = std::sync::Arc::clone(&seen);
    let service = tower::service_fn(move |request: http::Request<blaxel_core::Body>| {
        *note.lock().unwrap() = CallContext::of(request.extensions()).map(CallContext::options);
        std::future::ready(Ok::<_, blaxel_core::Error>(typed("text/plain", "ok")))
    });
    let options = CallOptions::new().with_attempts(1);
    let agent = Inference::new(service).agent("a");
    agent.post(&1).options(options).send().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(options));
}

#[tokio::test]
async fn a_response_is_read_as_the_caller_chooses() {
    let (service, _) = scripted(|_| typed("application/json; charset=utf-8", "{\"a\": 1}"));
    let agent = Inference::new(service).agent("a");
    let send = async || agent.post(&json!({})).send().await.unwrap();
    let reply = send().await;
    assert_eq!(
        (reply.status().as_u16(), reply.request_id()),
        (200, Some("r-1"))
    );
    assert_eq!(
        reply.content_type(),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(reply.json::<Value>().await.unwrap()["a"], 1);
    assert_eq!(send().await.text().await.unwrap(), "{\"a\": 1}");
    assert_eq!(&*send().await.bytes().await.unwrap(), b"{\"a\": 1}");
    let error = send().await.json::<Vec<u8>>().await.unwrap_err();
    assert!(
        error.is_decode() && error.request_id() == Some("r-1"),
        "{error}"
    );
    let error = send().await.with_limit(4).bytes().await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("4 bytes"),
        "{error}"
    );

    let (service, _) = scripted(|_| typed("text/plain", vec![0xff]));
    let agent = Inference::new(service).agent("a");
    let error = agent
        .post(&1)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("UTF-8"),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_is_read_by_its_content_type_or_as_the_caller_chooses() {
    let (service, journal) = scripted(|seen| match seen.header("accept").unwrap_or_default() {
        accept if accept.starts_with("application/x-ndjson") => {
            typed("application/x-ndjson", "1\n2")
        }
        accept if accept.starts_with("text/plain") => typed("text/plain", "one\ntwo"),
        _ => typed("text/event-stream", "data: 1\n\ndata: 2\n\n"),
    });
    let agent = Inference::new(service).agent("a");
    let mut events = agent.post(&1).events().await.unwrap();
    assert_eq!(events.try_next().await.unwrap().unwrap().data(), "1");
    let mut values = agent.post(&1).json_lines::<u8>().await.unwrap();
    assert_eq!(values.try_next().await.unwrap().unwrap(), 1);
    let mut lines = agent.post(&1).lines().await.unwrap();
    assert_eq!(lines.try_next().await.unwrap().unwrap(), "one");
    let reply = agent.post(&1).open().await.unwrap();
    assert_eq!(reply.format(), Format::Events);
    let mut chunks = reply.chunks();
    let chunk = chunks.try_next().await.unwrap().unwrap();
    assert!(matches!(&chunk, Chunk::Event(_)));
    assert_eq!(chunk.as_str(), Some("1"));
    let own = agent
        .post(&1)
        .header("accept", "text/plain")
        .chunks()
        .await
        .unwrap();
    drop(own);
    let seen = journal.lock().unwrap().last().unwrap().clone();
    assert_eq!(seen.head.headers.get_all("accept").iter().count(), 1);
    assert!(
        journal
            .lock()
            .unwrap()
            .iter()
            .all(|seen| seen.operation.is_streamed())
    );
}

#[tokio::test]
async fn an_asynchronous_call_returns_a_ticket() {
    let respond = |body: &'static str| scripted(move |_| typed("application/json", body));
    for body in ["{\"success\": true, \"more\": 1}", "", "{}"] {
        let (service, journal) = respond(body);
        let agent = Inference::new(service).agent("a").thread("t");
        let submission = agent.submit(&json!({"inputs": "x"})).await.unwrap();
        assert_eq!(submission.request_id.as_deref(), Some("r-1"));
        let seen = journal.lock().unwrap()[0].clone();
        assert_eq!(seen.uri(), "/agents/a?async=true");
        assert_eq!(seen.header("x-blaxel-thread-id"), Some("t"));
        assert_eq!(seen.json(), json!({"inputs": "x"}));
    }
    let (service, _) = respond("{\"success\": false, \"message\": \"full\"}");
    let error = Inference::new(service)
        .agent("a")
        .submit(&1)
        .await
        .unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("full"),
        "{error}"
    );
    let (service, _) = respond("<html>");
    let error = Inference::new(service)
        .agent("a")
        .submit(&1)
        .await
        .unwrap_err();
    assert!(error.is_decode(), "{error}");
}

#[tokio::test]
async fn a_provider_can_be_called_by_its_own_api() {
    let (service, journal) = scripted(|seen| {
        if seen.uri().contains("messages") {
            typed(
                "text/event-stream",
                "event: message_start\ndata: {}\n\nevent: message_stop\ndata: {}\n\n",
            )
        } else {
            typed("text/event-stream", "data: {\"candidates\":[]}\r\n\r\n")
        }
    });
    let inference = Inference::new(service);
    let claude = inference.model("claude");
    let request = claude
        .request(Method::POST, "/v1/messages")
        .json(&json!({"stream": true}));
    let mut events = request.events().await.unwrap();
    let mut names = Vec::new();
    while let Some(event) = events.try_next().await.unwrap() {
        names.push(event.name().to_owned());
    }
    assert_eq!(names, ["message_start", "message_stop"]);

    let path = "v1beta/models/gemini-2.0-flash:streamGenerateContent";
    let gemini = inference
        .model("gemini")
        .request(Method::POST, path)
        .query("alt", "sse");
    let mut events = gemini
        .json(&json!({"contents": []}))
        .events()
        .await
        .unwrap();
    assert_eq!(
        events.try_next().await.unwrap().unwrap().data(),
        "{\"candidates\":[]}"
    );
    let seen = journal.lock().unwrap().last().unwrap().clone();
    assert_eq!(seen.uri(), format!("/models/gemini/{path}?alt=sse"));
    assert_eq!(seen.operation.name(), "StreamModel");
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn embeddings_are_returned_in_the_order_of_the_texts() {
    let (service, journal) = scripted(|_| {
        support::json(
            &json!({"model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}, "data": [
            {"index": 1, "embedding": [0.5, -1]}, {"index": 0, "embedding": [1.0e-3]}]}),
        )
    });
    let model = Inference::new(service).model("embed").provider_model("e-3");
    let request = EmbeddingRequest::new(["a", "b"])
        .dimensions(2)
        .parameter("user", "u");
    let embeddings = model.embed(&request).await.unwrap();
    assert_eq!(embeddings.usage.unwrap().prompt_tokens, 4);
    assert_eq!(embeddings.into_vectors(), [vec![0.001], vec![0.5, -1.0]]);
    let seen = journal.lock().unwrap()[0].clone();
    assert_eq!(
        (seen.operation.name(), seen.uri().as_str()),
        ("CreateEmbeddings", "/models/embed/v1/embeddings")
    );
    assert_eq!(
        seen.json(),
        json!({"model": "e-3", "input": ["a", "b"], "dimensions": 2, "user": "u"})
    );
}

#[tokio::test]
async fn errors_of_the_gateway_and_of_the_workload_are_distinguished() {
    let platform = [
        ("x-blaxel-source", "platform"),
        ("content-type", "application/json"),
    ];
    let envelope = r#"{"error":{"code":"WORKLOAD_UNAVAILABLE","message":"waking","origin":"platform",
        "retryable":true,"action":"Try again.","docs_url":"https://docs.example","status":404}}"#;
    let (service, _) = scripted(move |seen| match seen.uri().as_str() {
        "/agents/cold" => refusal(404, &platform, envelope),
        "/agents/own" => refusal(
            404,
            &[],
            r#"{"error":{"code":"NO_SUCH_ORDER","message":"mine"}}"#,
        ),
        _ => refusal(
            429,
            &[],
            r#"{"error":{"message":"slow down","type":"rate_limit"}}"#,
        ),
    });
    let inference = Inference::new(service);
    let cold = inference.agent("cold").post(&1).events().await.unwrap_err();
    assert!(
        cold.is_unavailable() && cold.is_transient() && !cold.maybe_applied(),
        "{cold}"
    );
    assert_eq!(cold.api().unwrap().action(), Some("Try again."));
    let own = inference
        .agent("own")
        .invoke::<Value>(&1)
        .await
        .unwrap_err();
    assert!(
        own.is_not_found() && !own.is_unavailable() && !own.is_transient(),
        "{own}"
    );
    assert_eq!(own.api().unwrap().origin(), ErrorOrigin::Workload);
    assert_eq!(own.code(), Some("NO_SUCH_ORDER"));
    let limited = inference.model("m").chat(&question()).await.unwrap_err();
    assert!(limited.is_rate_limited(), "{limited}");
    assert_eq!(limited.api().unwrap().origin(), ErrorOrigin::Workload);
}

/// Options of a handle apply to its lookup and to all its calls, and a request may replace them.
#[tokio::test]
async fn options_reach_every_request_of_a_handle() {
    let (service, journal) = scripted(|seen| match seen.operation.name() {
        "GetAgent" | "GetModel" => support::json(&json!({})),
        "StreamChatCompletion" => typed("text/event-stream", "data: [DONE]\n\n"),
        "CreateEmbeddings" => support::json(&json!({"data": [{"embedding": []}]})),
        _ => support::json(&json!({"tasks": [{}], "choices": [{}]})),
    });
    let options = CallOptions::new().with_attempts(7);
    let own = CallOptions::new().with_idempotent(true);
    let inference = Inference::new(service);

    let agent = inference.agent("a").options(options);
    let agent = agent.resolve().await.unwrap();
    agent.invoke::<Value>(&1).await.unwrap();
    agent.submit(&1).await.unwrap();
    agent.request(Method::PUT, "x").open().await.unwrap();
    let model = inference.model("m").options(options);
    let model = model.resolve().await.unwrap();
    model.chat(&question()).await.unwrap();
    drop(model.stream(&question()).await.unwrap());
    model.embed(&EmbeddingRequest::new(["a"])).await.unwrap();
    let set = |name: &str| match name {
        "BL_EXECUTION_DATA_URL" => Some("https://storage.example/tasks".to_owned()),
        "TASK_INDEX" => Some("0".to_owned()),
        _ => None,
    };
    let task = inference.task(set).unwrap().unwrap();
    task.options(options).arguments::<Value>().await.unwrap();

    let seen = std::mem::take(&mut *journal.lock().unwrap());
    assert_eq!(seen.len(), 9);
    for seen in seen {
        assert_eq!(seen.options, options, "{}", seen.operation.name());
    }

    agent.post(&1).options(own).send().await.unwrap();
    inference.agent("a").invoke::<Value>(&1).await.unwrap();
    let seen = journal.lock().unwrap();
    assert_eq!(
        (seen[0].options, seen[1].options),
        (own, CallOptions::new())
    );
}

#[test]
fn a_chat_request_has_a_setter_for_each_common_parameter() {
    let tool = |name: &str| Tool::function(name);
    let request = ChatRequest::new([])
        .messages([Message::system("s"), Message::user("u")])
        .max_completion_tokens(5)
        .reasoning_effort("low")
        .frequency_penalty(0.5)
        .presence_penalty(-0.5)
        .seed(7)
        .tools([tool("f"), tool("g")])
        .parallel_tool_calls(false);
    let written = serde_json::to_value(&request).unwrap();
    assert_eq!(written["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(written["tools"].as_array().map(Vec::len), Some(2));
    for (member, value) in [
        ("max_completion_tokens", json!(5)),
        ("reasoning_effort", json!("low")),
        ("frequency_penalty", json!(0.5)),
        ("presence_penalty", json!(-0.5)),
        ("seed", json!(7)),
        ("parallel_tool_calls", json!(false)),
    ] {
        assert_eq!(written[member], value, "{member}");
    }
}
