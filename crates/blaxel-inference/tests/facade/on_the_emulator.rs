//! Calls to workloads on the emulator's in-memory service, and on scripted ones.

use blaxel_core::{Body, Error, ErrorOrigin, HttpService};
use blaxel_emulator::Emulator;
use blaxel_inference::{ChatRequest, FinishReason, Inference, Message};
use serde_json::{Value, json};

fn question() -> ChatRequest {
    ChatRequest::new([Message::user("Why is the sky blue?")])
}

#[tokio::test]
async fn an_agent_replies() {
    let emulator = Emulator::offline();
    emulator.add_agent("bot");
    let agent = Inference::new(emulator.service())
        .agent("bot")
        .thread("t-42");
    let reply: Value = agent.invoke(&json!({"inputs": "Hello"})).await.unwrap();
    assert_eq!(reply["thread"], "t-42");
    assert!(
        reply["output"].as_str().unwrap().contains("Hello"),
        "{reply}"
    );
}

#[tokio::test]
async fn a_missing_agent_is_an_error_of_the_gateway() {
    let emulator = Emulator::offline();
    let agent = Inference::new(emulator.service()).agent("nobody");
    let error = agent.invoke::<Value>(&json!({})).await.unwrap_err();
    assert!(error.is_not_found() && !error.maybe_applied(), "{error}");
    assert_eq!(error.code(), Some("WORKLOAD_NOT_FOUND"));
    assert_eq!(error.api().unwrap().origin(), ErrorOrigin::Gateway);
}

#[tokio::test]
async fn a_model_gives_the_same_answer_whole_and_streamed() {
    let emulator = Emulator::offline();
    let model = Inference::new(emulator.service()).model("sandbox-openai");
    let whole = model.chat(&question()).await.unwrap();
    assert_eq!(whole.choices[0].finish_reason, Some(FinishReason::Stop));

    let mut stream = model.stream(&question()).await.unwrap();
    let (mut text, mut count) = (String::new(), 0);
    while let Some(chunk) = stream.try_next().await.unwrap() {
        text.push_str(chunk.text());
        count += u32::from(!chunk.text().is_empty());
    }
    assert!(count > 1);
    assert_eq!(Some(text.as_str()), whole.text());
    assert_eq!(stream.usage(), whole.usage);
}

#[tokio::test]
async fn an_error_of_the_provider_has_the_origin_workload() {
    let emulator = Emulator::offline();
    let model = Inference::new(emulator.service()).model("sandbox-openai");
    let error = model
        .chat(&question().parameter("messages", "none"))
        .await
        .unwrap_err();
    assert_eq!(
        error.api().unwrap().origin(),
        ErrorOrigin::Workload,
        "{error}"
    );
}

/// Creates a service that responds with `body` as an event stream.
fn streams(body: &'static str) -> impl HttpService {
    tower::service_fn(move |_: http::Request<Body>| {
        std::future::ready(Ok::<_, Error>(http::Response::new(Body::from(body))))
    })
}

async fn read(body: &'static str) -> (String, Option<Error>) {
    let model = Inference::new(streams(body)).model("m");
    let mut stream = model.stream(&question()).await.unwrap();
    let mut text = String::new();
    loop {
        match stream.try_next().await {
            Ok(Some(chunk)) => text.push_str(chunk.text()),
            Ok(None) => return (text, None),
            Err(error) => {
                let after = stream.try_next().await.unwrap();
                assert!(after.is_none(), "an error ends the stream");
                return (text, Some(error));
            }
        }
    }
}

#[tokio::test]
async fn unusual_but_valid_streams_are_read() {
    let chunk = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    for body in [
        format!("{chunk}\n\ndata: [DONE]\n\n"),
        format!(": keepalive\r\n\r\n{chunk}\r\n\r\ndata: [DONE]\r\n"),
        format!("{chunk}\n\ndata:[DONE]"),
        format!(
            "{chunk}\n\ndata: {{\"choices\":[],\"usage\":null}}\n\ndata: [DONE]\n\ndata: late\n\n"
        ),
    ] {
        let body: &'static str = body.leak();
        let (text, error) = read(body).await;
        assert_eq!(
            (text.as_str(), error.is_none()),
            ("a", true),
            "{body}: {error:?}"
        );
    }
}

#[tokio::test]
async fn malformed_streams_are_errors_with_the_reason() {
    let chunk = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    for (rest, part) in [
        ("data: {\"choices\":[{\"del", "not a chunk of a chat"),
        ("data: <html>\n\n", "not a chunk of a chat"),
    ] {
        let body: &'static str = format!("{chunk}\n\n{rest}").leak();
        let (text, error) = read(body).await;
        let error = error.unwrap();
        assert_eq!(text, "a");
        assert!(
            error.is_decode() && error.to_string().contains(part),
            "{error}"
        );
        assert!(
            error.to_string().starts_with("StreamChatCompletion: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_truncated_stream_and_one_that_failed_midway_are_different_errors() {
    let chunk = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    let (text, error) = read(format!("{chunk}\n\n").leak()).await;
    let error = error.unwrap();
    assert_eq!(text, "a");
    assert!(error.is_truncated() && error.is_transient(), "{error}");
    assert!(error.to_string().contains("[DONE]"), "{error}");

    for failure in [
        "data: {\"error\":{\"message\":\"overloaded\"}}",
        "event: error\ndata: {\"message\":\"overloaded\"}",
        "data: {\"error\":\"overloaded\"}",
    ] {
        let (_, error) = read(format!("{chunk}\n\n{failure}\n\n").leak()).await;
        let error = error.unwrap();
        assert!(error.is_failed(), "{error}");
        assert!(
            error.to_string().contains("failed midway: overloaded"),
            "{error}"
        );
    }
}

/// Checks the address, the headers and the body of requests.
#[tokio::test]
async fn requests_are_written_as_the_workloads_expect() {
    let echo = tower::service_fn(async |request: http::Request<Body>| {
        let (head, body) = request.into_parts();
        let header = |name: &str| {
            head.headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let body: Value = serde_json::from_slice(&body.bytes().unwrap()).unwrap();
        let seen = json!({
            "uri": head.uri.to_string(), "thread": header("x-blaxel-thread-id"),
            "own": header("x-own"), "body": body,
        });
        Ok::<_, Error>(http::Response::new(Body::from(seen.to_string())))
    });
    let inference = Inference::new(echo);
    let seen: Value = inference
        .agent("my agent")
        .path("/sub/path")
        .thread("t")
        .header("x-own", "1")
        .query("a", "b c")
        .invoke(&json!({"inputs": 1}))
        .await
        .unwrap();
    assert_eq!(
        seen["uri"],
        "blaxel://run/agents/my%20agent/sub/path?a=b%20c"
    );
    assert_eq!((&seen["thread"], &seen["own"]), (&json!("t"), &json!("1")));
    assert_eq!(seen["body"], json!({"inputs": 1}));

    let seen: Value = inference
        .agent("x")
        .url("https://agt-x-ws.us-pdx-1.bl.run")
        .invoke(&json!({}))
        .await
        .unwrap();
    assert_eq!(seen["uri"], "https://agt-x-ws.us-pdx-1.bl.run/");

    let bad = inference
        .agent("x")
        .url("http://agt.example/")
        .invoke::<Value>(&json!({}))
        .await;
    assert!(bad.unwrap_err().is_input());
    let bad = inference
        .agent("x")
        .header("not a name", "1")
        .invoke::<Value>(&json!({}))
        .await;
    assert!(bad.unwrap_err().is_input());
}

#[tokio::test]
async fn the_model_s_name_is_sent_unless_another_is_set() {
    let echo = tower::service_fn(async |request: http::Request<Body>| {
        let sent: Value = serde_json::from_slice(&request.body().bytes().unwrap()).unwrap();
        let response = json!({"model": sent["model"], "choices": [{"index": 0}]}).to_string();
        Ok::<_, Error>(http::Response::new(Body::from(response)))
    });
    let model = Inference::new(echo).model("fast");
    assert_eq!(
        model.chat(&question()).await.unwrap().model.as_deref(),
        Some("fast")
    );
    let named = question().model("gpt-4o-mini");
    assert_eq!(
        model.chat(&named).await.unwrap().model.as_deref(),
        Some("gpt-4o-mini")
    );
}

#[tokio::test]
async fn an_agent_s_reply_is_streamed_if_events_are_requested() {
    let emulator = Emulator::offline();
    emulator.add_agent("bot");
    let agent = Inference::new(emulator.service()).agent("bot");
    let input = json!({"inputs": "How are you?"});
    let whole: Value = agent.invoke(&input).await.unwrap();

    let mut events = agent.post(&input).events().await.unwrap();
    let (mut text, mut count) = (String::new(), 0);
    while let Some(event) = events.try_next().await.unwrap() {
        let data: Value = serde_json::from_str(event.data()).unwrap();
        text.push_str(data["output"].as_str().unwrap());
        count += 1;
    }
    assert!(count > 1);
    assert_eq!(whole["output"], text);
}
