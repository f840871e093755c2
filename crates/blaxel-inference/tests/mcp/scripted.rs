//! Servers of every kind are supported, and failures are reported with their cause.

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, CallOptions, Error, ErrorKind};
use blaxel_inference::Inference;
use blaxel_inference::mcp::{Content, JsonRpcError};
use serde_json::{Value, json};

use crate::support::{Seen, content, empty, events, greeting, result, script, seen};

const SANDBOX: &str = "https://sbx-box-team.us-pdx-1.bl.run";

#[tokio::test]
async fn a_sandbox_server_without_sessions_is_called_at_its_address() {
    let (service, log) = script(|seen| {
        greeting(seen)
            .unwrap_or_else(|| result(seen, json!({"content": [{"type": "text", "text": "done"}]})))
    });
    let mcp = Inference::new(service)
        .sandbox("box")
        .url(SANDBOX)
        .header("x-team", "a b")
        .query("trace", "1/2")
        .client_info("tester", "7")
        .on_notification(|_| {})
        .connect()
        .await
        .unwrap();
    assert_eq!(mcp.server_info().name, "scripted");
    let output = mcp
        .tool("run")
        .call(&json!({"command": "ls"}))
        .await
        .unwrap();
    assert_eq!(output.text(), "done");
    mcp.close().await.unwrap();

    let log = seen(&log);
    let client = &log[0].body["params"]["clientInfo"];
    assert_eq!(*client, json!({"name": "tester", "version": "7"}));
    for request in &log {
        assert_eq!(request.uri, format!("{SANDBOX}/mcp?trace=1%2F2"));
        assert_eq!(request.header("x-team"), Some("a b"));
        assert_eq!(request.header("mcp-session-id"), None);
        assert_ne!(
            request.method,
            http::Method::DELETE,
            "there is no session to end"
        );
    }
    assert_eq!(log[0].header("mcp-protocol-version"), None);
    for request in &log[1..] {
        assert_eq!(request.header("mcp-protocol-version"), Some("2025-06-18"));
    }
    let accepted = log[0].header("accept");
    assert_eq!(accepted, Some("application/json, text/event-stream"));
}

/// Options of a tool replace those of its server, which apply to all other requests of the session.
#[tokio::test]
async fn options_reach_every_request_of_a_session() {
    let (service, log) = script(|seen| match seen.message() {
        "" => content("application/json", json!({"metadata": {}}).to_string()),
        _ => greeting(seen).unwrap_or_else(|| result(seen, json!({}))),
    });
    let of_server = CallOptions::new().with_attempts(7);
    let of_tool = CallOptions::new().with_idempotent(true);
    let server = Inference::new(service).function("f").options(of_server);
    let server = server.resolve().await.unwrap();
    let mcp = server.connect().await.unwrap();
    mcp.tool("plain").call(&()).await.unwrap();
    let tool = mcp.tool("repeatable").options(of_tool);
    tool.call(&()).await.unwrap();
    mcp.ping().await.unwrap();
    mcp.close().await.unwrap();

    let log = seen(&log);
    assert_eq!(log[0].method, http::Method::GET, "the lookup");
    for request in &log {
        let expected = match request.body["params"]["name"].as_str() {
            Some("repeatable") => of_tool,
            _ => of_server,
        };
        assert_eq!(request.options, expected, "{request:?}");
    }
    let called = log
        .iter()
        .filter(|request| request.message() == "tools/call");
    assert_eq!(called.count(), 2);
}

#[tokio::test]
async fn parameters_are_an_object_or_nothing() {
    let (service, log) = script(|seen| greeting(seen).unwrap_or_else(|| result(seen, json!({}))));
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    let before = seen(&log).len();
    for wrong in [json!([1]), json!("text")] {
        let error = mcp.request("x/y", &wrong).await.unwrap_err();
        assert!(error.is_input(), "{error}");
    }
    assert_eq!(seen(&log).len(), before, "nothing was sent");
    mcp.request("x/y", &()).await.unwrap();
    mcp.request("x/y", &json!({"a": 1})).await.unwrap();
    let log = seen(&log);
    assert_eq!(
        log[before].body.get("params").and_then(|it| it.get("a")),
        None
    );
    assert_eq!(log[before + 1].body["params"]["a"], 1);
}

#[tokio::test]
async fn every_request_has_the_session_id() {
    let (service, log) = script(|seen| {
        let mut response = greeting(seen).unwrap_or_else(|| result(seen, json!({})));
        if seen.message() == "initialize" {
            let id = http::HeaderValue::from_static("s-1");
            response.headers_mut().insert("mcp-session-id", id);
        }
        response
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    mcp.ping().await.unwrap();
    // A server that does not let clients end its sessions responds with 405.
    mcp.close().await.unwrap();
    let log = seen(&log);
    assert_eq!(log.len(), 4, "{log:?}");
    assert_eq!(log[3].method, http::Method::DELETE);
    for request in &log[1..] {
        assert_eq!(request.header("mcp-session-id"), Some("s-1"));
        assert_eq!(request.uri, "blaxel://run/functions/f/mcp");
    }
}

#[tokio::test]
async fn a_json_rpc_error_with_an_error_status_keeps_both() {
    let (service, _) = script(|_| {
        let error = json!({"code": -32000, "message": "Bad Request: no session"});
        let body = json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
        let mut response = content("application/json", body);
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
        response
    });
    let error = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 400, "{error}");
    assert_eq!(JsonRpcError::of(&error).unwrap().code, -32000);
}

#[tokio::test]
async fn a_response_that_is_not_mcp_is_a_decode_error() {
    for response in [
        content("text/html", "<html>hello</html>"),
        content("application/json", "[1]"),
        content("application/json", ""),
        content(
            "application/json",
            r#"{"jsonrpc": "2.0", "id": 0, "result": {"tools": []}}"#,
        ),
    ] {
        let kind = response.headers()["content-type"].clone();
        let body = response.body().bytes().unwrap();
        let (service, _) = script(move |_| {
            content(
                kind.to_str().unwrap().to_owned().leak(),
                Body::from(body.clone()),
            )
        });
        let error = Inference::new(service)
            .function("f")
            .connect()
            .await
            .unwrap_err();
        assert!(error.is_decode(), "{error}");
    }
}

#[tokio::test]
async fn unknown_parts_and_members_are_kept() {
    let (service, _) = script(|seen| {
        let content = json!([
            {"type": "hologram", "beams": 3},
            {"type": "text", "text": "a", "annotations": {"priority": 1}},
        ]);
        greeting(seen).unwrap_or_else(|| result(seen, json!({"content": content, "mood": "good"})))
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    let output = mcp.tool("t").call(&()).await.unwrap();
    let hologram = json!({"type": "hologram", "beams": 3});
    assert_eq!(output.content[0], Content::Other(hologram));
    assert_eq!(output.text(), "a");
    assert_eq!(output.other["mood"], "good");
}

#[tokio::test]
async fn a_list_that_repeats_a_cursor_is_an_error() {
    let (service, log) = script(|seen| {
        greeting(seen).unwrap_or_else(|| result(seen, json!({"tools": [], "nextCursor": "again"})))
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    let error = mcp.tools().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pagination, "{error}");
    assert_eq!(seen(&log).len(), 4);
}

fn tool_result(seen: &Seen) -> Value {
    json!({"jsonrpc": "2.0", "id": seen.body["id"], "result": {"content": []}})
}

#[tokio::test]
async fn an_interrupted_response_is_resumed() {
    let (service, log) = script(|seen| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}});
        match (seen.method.as_str(), seen.message()) {
            ("POST", "tools/call") => events(&[("id: e-1\nretry: 1\n", Value::Null)]),
            ("GET", _) if seen.header("last-event-id") == Some("e-1") => events(&[("", call)]),
            _ => greeting(seen).unwrap(),
        }
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    mcp.tool("t").call(&()).await.unwrap();
    let calls = seen(&log);
    let calls = calls.iter().filter(|seen| seen.message() == "tools/call");
    assert_eq!(calls.count(), 1, "it was not called again");
}

#[tokio::test]
async fn a_lost_response_may_have_been_applied() {
    let (service, _) = script(|seen| match seen.message() {
        "tools/call" => {
            let broken: Result<http_body::Frame<bytes::Bytes>, Error> =
                Err(Error::transport("the connection broke", "reset by a mouse"));
            content("text/event-stream", Body::new(Broken(Some(broken))))
        }
        "ping" => content("text/event-stream", ""),
        _ => greeting(seen).unwrap(),
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    let error = mcp.tool("t").call(&()).await.unwrap_err();
    assert!(error.to_string().contains("by a mouse"), "{error}");
    assert!(error.maybe_applied() && error.is_transient());

    let error = mcp.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
}

#[tokio::test]
async fn messages_before_a_response_do_not_affect_it() {
    let (service, log) = script(|seen| match seen.message() {
        "tools/call" => events(&[
            (
                "",
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}),
            ),
            ("event: ping\n", json!("not for us")),
            ("", json!({"jsonrpc": "2.0", "id": "q", "method": "ping"})),
            (
                "",
                json!({"jsonrpc": "2.0", "id": "r", "method": "roots/list"}),
            ),
            ("event: message\n", tool_result(seen)),
        ]),
        "" => empty(202),
        _ => greeting(seen).unwrap(),
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    mcp.tool("t").call(&()).await.unwrap();
    crate::support::until("the server's own requests are answered", || {
        let log = seen(&log);
        let replies = |id: &str| log.iter().any(|seen| seen.body["id"] == id);
        replies("q") && replies("r")
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_response_is_an_error() {
    let (service, _) = script(|seen| greeting(seen).unwrap_or_else(|| empty(202)));
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    let error = mcp.ping().await.unwrap_err();
    assert!(error.is_decode() && error.maybe_applied(), "{error}");
}

#[tokio::test]
async fn a_response_is_the_same_however_it_is_split() {
    let text = "é🦀\r\n";
    let length = events(&[("", text_result(&json!(1), text))]).body().bytes();
    for split in 0..length.unwrap().len() {
        let (service, _) = script(move |seen| {
            greeting(seen).unwrap_or_else(|| {
                let whole = events(&[("", text_result(&seen.body["id"], text))]);
                let mut bytes = whole.body().bytes().unwrap();
                let rest = bytes.split_off(split.min(bytes.len()));
                content("text/event-stream", Body::new(Chunks(vec![rest, bytes])))
            })
        });
        let mcp = Inference::new(service)
            .function("f")
            .connect()
            .await
            .unwrap();
        let output = mcp.tool("t").call(&()).await.unwrap();
        assert_eq!(output.text(), text, "split at {split}");
    }
}

fn text_result(id: &Value, text: &str) -> Value {
    let content = json!([{"type": "text", "text": text}]);
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": content}})
}

/// A body of chunks, the last one first.
struct Chunks(Vec<bytes::Bytes>);

impl http_body::Body for Chunks {
    type Data = bytes::Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Error>>> {
        let next = self.0.pop();
        std::task::Poll::Ready(next.map(|chunk| Ok(http_body::Frame::data(chunk))))
    }
}

/// A body that fails.
struct Broken(Option<Result<http_body::Frame<bytes::Bytes>, Error>>);

impl http_body::Body for Broken {
    type Data = bytes::Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Error>>> {
        std::task::Poll::Ready(self.0.take())
    }
}
