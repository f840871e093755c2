//! Every wait for a response ends: at once if the response cannot arrive any more, otherwise at the time limit
//! of the call. The error has what the server said. The clock of all these tests is paused.

use std::time::Duration;

use blaxel_core::{Body, CallOptions, Error, ErrorKind};
use blaxel_inference::Inference;
use blaxel_inference::mcp::{JsonRpcError, McpClient};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Seen, content, empty, events, greeting, result, script, seen, session};

const LIMIT: Duration = Duration::from_secs(2);

fn limited() -> CallOptions {
    CallOptions::new().with_deadline(LIMIT)
}

/// Connects to a server that answers calls of tools by a function.
async fn connect(
    respond: impl Fn(&Seen) -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> McpClient {
    let (service, _) = script(move |seen| match seen.message() {
        "tools/call" => respond(seen),
        _ => session(seen),
    });
    let server = Inference::new(service).function("f").options(limited());
    server.on_notification(|_| {}).connect().await.unwrap()
}

/// Calls a tool; returns the error and the time that the call took.
async fn failure(
    respond: impl Fn(&Seen) -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> (Error, Duration) {
    let mcp = connect(respond).await;
    let started = Instant::now();
    let error = mcp.tool("t").call(&()).await.unwrap_err();
    (error, started.elapsed())
}

fn json_body(message: &Value) -> http::Response<Body> {
    content("application/json", message.to_string())
}

/// A body that starts with a text and then repeats a comment each second, without an end.
struct Endless {
    start: Option<String>,
    tick: tokio::time::Interval,
}

impl Endless {
    fn response(start: impl Into<String>) -> http::Response<Body> {
        let tick = tokio::time::interval(Duration::from_secs(1));
        let start = Some(start.into());
        content("text/event-stream", Body::new(Self { start, tick }))
    }
}

impl http_body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Error>>> {
        if let Some(start) = self.start.take() {
            return std::task::Poll::Ready(Some(Ok(http_body::Frame::data(start.into()))));
        }
        std::task::ready!(self.tick.poll_tick(cx));
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(": busy\n\n".into()))))
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_usable_id_is_the_error_of_the_call() {
    let error = json!({"code": -32000, "message": "gone", "data": {"a": 1}});
    for message in [
        json!({"jsonrpc": "2.0", "id": null, "error": error}),
        json!({"jsonrpc": "2.0", "error": error}),
        json!({"error": error}),
        json!([{"jsonrpc": "2.0", "id": null, "error": error}]),
    ] {
        for as_events in [false, true] {
            let message = message.clone();
            let (failed, took) = failure(move |_| match as_events {
                true => events(&[("", message.clone())]),
                false => json_body(&message),
            })
            .await;
            let refusal = JsonRpcError::of(&failed).unwrap();
            assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "gone"));
            assert_eq!(refusal.data, json!({"a": 1}));
            assert!(failed.is_failed() && failed.to_string().contains("gone (-32000)"));
            assert!(took < LIMIT, "{took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_with_another_id_is_an_error_that_names_both_ids() {
    for (id, written) in [
        (json!(77), "77"),
        (json!("x-1"), "x-1"),
        (json!(1.5), "1.5"),
    ] {
        for answer in ["result", "error"] {
            let members = json!({"code": -32001, "message": "busy", "content": []});
            let message = json!({"jsonrpc": "2.0", "id": id, answer: members});
            let (error, took) = failure(move |_| json_body(&message)).await;
            assert!(error.is_decode() && error.maybe_applied(), "{error}");
            let text = format!("a response with the id {written} instead of 1");
            assert!(error.to_string().contains(&text), "{error}");
            let refusal = JsonRpcError::of(&error).map(|refusal| refusal.code);
            assert_eq!(refusal, (answer == "error").then_some(-32001));
            assert!(took < LIMIT, "{took:?}");
        }
    }
}

/// The answer of another call is never given to a caller, even if that call is in flight.
#[tokio::test(start_paused = true)]
async fn concurrent_calls_are_not_mixed_up() {
    let mcp = connect(|seen| {
        let text = [json!({"type": "text", "text": seen.body["params"]["name"]})];
        json_body(&json!({"jsonrpc": "2.0", "id": 1, "result": {"content": text}}))
    })
    .await;
    let (a, b) = (mcp.tool("a"), mcp.tool("b"));
    let (first, second) = tokio::join!(a.call(&()), b.call(&()));
    assert_eq!(first.unwrap().text(), "a");
    assert!(
        second
            .unwrap_err()
            .to_string()
            .contains("the id 1 instead of 2")
    );
}

#[tokio::test(start_paused = true)]
async fn the_id_may_be_text_and_is_not_needed_for_a_result() {
    for id in [json!("1"), json!(1.0), Value::Null] {
        let mcp = connect(move |_| {
            let text = [json!({"type": "text", "text": "done"})];
            json_body(&json!({"jsonrpc": "2.0", "id": id, "result": {"content": text}}))
        })
        .await;
        assert_eq!(mcp.tool("t").call(&()).await.unwrap().text(), "done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_has_none_is_an_error_at_once() {
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/message"});
    let cases: [(http::Response<Body>, &str); 8] = [
        (json_body(&notification), "no response to request 1"),
        (json_body(&json!([])), "no response to request 1"),
        (
            json_body(&json!([notification, 7])),
            "no response to request 1",
        ),
        (
            json_body(&json!({"jsonrpc": "2.0", "id": 1})),
            "not the expected stream",
        ),
        (content("application/json", ""), "is empty"),
        (content("application/json", "{"), "not the expected stream"),
        (
            content("text/html", "<h1>Sign\n\u{1b}[1m in</h1>"),
            "an HTML page",
        ),
        (empty(200), "is empty"),
    ];
    for (response, text) in cases {
        let (head, body) = response.into_parts();
        let body = body.bytes().unwrap();
        let (error, took) = failure(move |_| {
            let mut response = http::Response::new(Body::from(body.clone()));
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers.clone();
            response
        })
        .await;
        assert!(error.is_decode() && error.maybe_applied(), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert!(took < LIMIT, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_without_the_response_is_an_error_at_once() {
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/message"});
    let other = json!({"jsonrpc": "2.0", "id": 8, "error": {"code": -32000, "message": "no"}});
    for (messages, text) in [
        (vec![], "without the response to request 1"),
        (
            vec![("", notification)],
            "without the response to request 1",
        ),
        (vec![("", other)], "with the id 8 instead of 1: no (-32000)"),
        (
            vec![("", json!("[not JSON-RPC]"))],
            "without the response to request 1",
        ),
    ] {
        let (error, took) = failure(move |_| events(&messages)).await;
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(
            error.maybe_applied() && error.to_string().contains(text),
            "{error}"
        );
        assert!(took < LIMIT, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_gives_the_response_ends_at_the_limit() {
    let other = r#"data: {"jsonrpc": "2.0", "id": 8, "error": {"code": 7, "message": "busy"}}"#;
    let (error, took) = failure(move |_| Endless::response(format!("{other}\n\n"))).await;
    assert_eq!(took, LIMIT, "{error}");
    assert!(error.is_timeout() && error.maybe_applied(), "{error}");
    assert!(
        error.to_string().contains("id 8 instead of 1: busy (7)"),
        "{error}"
    );
    assert_eq!(JsonRpcError::of(&error).unwrap().code, 7);
    assert_eq!(error.operation().unwrap().name(), "CallMcpServer");
}

/// A server that resumes a response again and again does not extend the limit.
#[tokio::test(start_paused = true)]
async fn resumed_responses_are_under_the_same_limit() {
    let (service, log) = script(|seen| match (seen.method.as_str(), seen.message()) {
        ("POST", "tools/call") | ("GET", _) => events(&[("id: e-1\nretry: 100\n", Value::Null)]),
        _ => greeting(seen).unwrap(),
    });
    let server = Inference::new(service).function("f").options(limited());
    let mcp = server.connect().await.unwrap();
    let started = Instant::now();
    let error = mcp.tool("t").call(&()).await.unwrap_err();
    assert_eq!(started.elapsed(), LIMIT);
    assert!(error.is_timeout(), "{error}");
    let resumed = seen(&log)
        .iter()
        .filter(|seen| seen.method == "GET")
        .count();
    assert!((10..30).contains(&resumed), "{resumed}");
}

#[tokio::test(start_paused = true)]
async fn an_accepted_request_ends_at_once_if_no_stream_is_open() {
    // The server refuses the stream, or has no sessions, in which case there is none.
    for has_session in [true, false] {
        let (service, _) = script(move |seen| match seen.message() {
            "tools/call" => empty(202),
            _ if has_session && seen.method != http::Method::GET => session(seen),
            _ => greeting(seen).unwrap(),
        });
        let server = Inference::new(service).function("f").options(limited());
        let mcp = server.on_notification(|_| {}).connect().await.unwrap();
        let started = Instant::now();
        let error = mcp.tool("t").call(&()).await.unwrap_err();
        assert!(error.is_decode() && error.maybe_applied(), "{error}");
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_request_waits_for_the_open_stream_until_the_limit() {
    for status in [202, 204] {
        let (error, took) = failure(move |_| empty(status)).await;
        assert_eq!(took, LIMIT, "{error}");
        assert!(error.is_timeout() && error.maybe_applied(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_options_of_a_tool_set_the_limit_of_its_calls() {
    let mcp = connect(|_| Endless::response("")).await;
    let limit = Duration::from_secs(7);
    let tool = mcp
        .tool("t")
        .options(CallOptions::new().with_deadline(limit));
    let started = Instant::now();
    assert!(tool.call(&()).await.unwrap_err().is_timeout());
    assert_eq!(started.elapsed(), limit);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_of_the_service_a_call_ends_after_15_minutes() {
    let (service, _) = script(|seen| match seen.message() {
        "tools/call" => Endless::response(""),
        _ => greeting(seen).unwrap(),
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    let started = Instant::now();
    assert!(mcp.tool("t").call(&()).await.unwrap_err().is_timeout());
    assert_eq!(started.elapsed(), Duration::from_secs(15 * 60));
}

#[tokio::test(start_paused = true)]
async fn connecting_ends_at_the_limit() {
    let (service, _) = script(|seen| match seen.message() {
        "initialize" => Endless::response(": hello\n\n"),
        _ => empty(202),
    });
    let server = Inference::new(service).function("f").options(limited());
    let started = Instant::now();
    let error = server.connect().await.unwrap_err();
    assert_eq!(started.elapsed(), LIMIT, "{error}");
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn connecting_ends_at_once_if_the_response_cannot_arrive() {
    let refusal = json!({"jsonrpc": "2.0", "id": null, "error": {"code": "7", "message": "no"}});
    for (response, code) in [
        (json_body(&refusal), Some(7)),
        (
            events(&[("event: error\n", refusal["error"].clone())]),
            Some(7),
        ),
        (events(&[]), None),
        (empty(202), None),
        (
            json_body(&json!({"jsonrpc": "2.0", "id": 5, "result": {}})),
            None,
        ),
    ] {
        let (head, body) = response.into_parts();
        let body = body.bytes().unwrap();
        let (service, _) = script(move |_| {
            let mut response = http::Response::new(Body::from(body.clone()));
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers.clone();
            response
        });
        let server = Inference::new(service).function("f").options(limited());
        let started = Instant::now();
        let error = server.connect().await.unwrap_err();
        assert!(started.elapsed() < LIMIT, "{error}");
        assert_eq!(
            JsonRpcError::of(&error).map(|refusal| refusal.code),
            code,
            "{error}"
        );
    }
}

/// Calls that were given up do not disturb later ones, and neither do their late responses.
#[tokio::test(start_paused = true)]
async fn dropped_calls_leave_nothing_behind() {
    let mcp = connect(|seen| match seen.body["params"]["name"].as_str() {
        Some("slow") => Endless::response(""),
        _ => result(seen, json!({"content": [{"type": "text", "text": "next"}]})),
    })
    .await;
    let before = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    for _ in 0..100 {
        let slow = mcp.tool("slow");
        let call = slow.call(&());
        let outcome = tokio::time::timeout(Duration::from_millis(10), call).await;
        assert!(outcome.is_err());
    }
    assert_eq!(mcp.tool("t").call(&()).await.unwrap().text(), "next");
    crate::support::until("the tasks of the calls have ended", || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
            <= before
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_event_has_the_error_of_the_server() {
    let full = json!({"code": -32050, "message": "out of paper", "data": {"tray": 2}});
    for data in [
        json!({"jsonrpc": "2.0", "id": 1, "error": full}).to_string(),
        json!({"jsonrpc": "2.0", "id": null, "error": full}).to_string(),
        json!({"error": full}).to_string(),
        full.to_string(),
    ] {
        let (error, took) = failure(move |_| {
            content(
                "text/event-stream",
                format!("event: error\ndata: {data}\n\n"),
            )
        })
        .await;
        let refusal = JsonRpcError::of(&error).unwrap();
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (-32050, "out of paper")
        );
        assert_eq!(refusal.data, json!({"tray": 2}));
        assert!(error.is_failed() && took < LIMIT, "{error}");
    }
    for (data, message) in [
        ("upstream gone", "upstream gone"),
        ("\"upstream gone\"", "upstream gone"),
        ("{\"message\": \"upstream gone\"}", "upstream gone"),
        ("{\"error\": \"upstream gone\"}", "upstream gone"),
    ] {
        let (error, took) =
            failure(move |_| Endless::response(format!("event: error\ndata: {data}\n\n"))).await;
        assert_eq!(JsonRpcError::of(&error).unwrap().message, message);
        assert!(
            error
                .to_string()
                .ends_with("upstream gone (it may have taken effect)"),
            "{error}"
        );
        assert!(took < LIMIT, "{took:?}");
    }
}
