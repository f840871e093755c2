//! Promise: a session with an MCP server by WebSocket does what one over HTTP does, against the emulator, whose
//! WebSockets share no code with ours; and a connection that is cut is never taken for anything else.

#![allow(clippy::unwrap_used)]

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel::{Client, Inference};
use blaxel_core::{CallOptions, Error};
use blaxel_emulator::{CredentialKind, Emulator};
use blaxel_inference::mcp::{JsonRpcError, McpClient};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::support::client;

const LIMIT: Duration = Duration::from_secs(10);

async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.add("functions", "search").unwrap();
    emulator
}

async fn connect(emulator: &Emulator) -> McpClient {
    let search = Inference::new(client(emulator)).function("search");
    search.connect_websocket().await.unwrap()
}

/// Returns the statuses of the requests to the function, with its credentials.
fn requests(emulator: &Emulator) -> Vec<(Option<u16>, CredentialKind)> {
    let journal = emulator.journal();
    let to_function = journal
        .iter()
        .filter(|entry| entry.path.contains("/functions/search"));
    to_function
        .map(|entry| (entry.status, entry.credential))
        .collect()
}

#[tokio::test]
async fn a_session_is_one_authenticated_connection() {
    let emulator = emulator().await;
    let mcp = connect(&emulator).await;
    assert_eq!(mcp.server_info().name, "search");
    mcp.ping().await.unwrap();
    assert_eq!(mcp.tools().await.unwrap().len(), 7);
    assert_eq!(mcp.resources().await.unwrap().len(), 7);
    let said = mcp
        .tool("echo")
        .call(&json!({"text": "hello"}))
        .await
        .unwrap();
    assert_eq!(said.text(), "hello");
    let refusal = mcp.tool("none").call(&()).await.unwrap_err();
    assert!(JsonRpcError::of(&refusal).is_some(), "{refusal}");
    assert!(!refusal.maybe_applied(), "{refusal}");
    mcp.close().await.unwrap();
    assert_eq!(
        requests(&emulator),
        [(Some(101), CredentialKind::AccessToken)]
    );
}

#[tokio::test]
async fn the_address_of_the_server_over_http_serves_websockets_too() {
    let emulator = emulator().await;
    let url = format!(
        "{}/{}/functions/search/mcp",
        emulator.run_url(),
        emulator.workspace()
    );
    let server = Inference::new(client(&emulator))
        .function("search")
        .url(url);
    let mcp = server.connect_websocket().await.unwrap();
    assert_eq!(mcp.prompts().await.unwrap().len(), 4);
}

#[tokio::test]
async fn progress_and_notifications_arrive_in_order_while_other_calls_run() {
    let emulator = emulator().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (methods, steps) = (Arc::clone(&heard), Arc::new(Mutex::new(Vec::new())));
    let server = Inference::new(client(&emulator))
        .function("search")
        .on_notification(move |told| methods.lock().unwrap().push(told.method));
    let mcp = server.connect_websocket().await.unwrap();
    let seen = Arc::clone(&steps);
    let count = mcp
        .tool("count")
        .on_progress(move |step| seen.lock().unwrap().push(step.progress));
    let arguments = json!({"to": 20, "pauseMs": 5});
    let text = json!({"text": "meanwhile"});
    let echo = mcp.tool("echo");
    let (counted, said) = tokio::join!(count.call(&arguments), echo.call(&text));
    assert_eq!(counted.unwrap().text(), "counted to 20");
    assert_eq!(said.unwrap().text(), "meanwhile");
    let expected: Vec<f64> = (1..=20).map(f64::from).collect();
    assert_eq!(*steps.lock().unwrap(), expected);
    mcp.tool("announce").call(&()).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), ["notifications/tools/list_changed"]);
}

#[tokio::test]
async fn a_server_that_is_missing_or_refuses_the_credential_is_reported_as_over_http() {
    let emulator = emulator().await;
    let missing = Inference::new(client(&emulator)).function("nothing");
    let error = missing.connect_websocket().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let stranger = Client::builder()
        .api_key("bl_wrong")
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .run_url(emulator.run_url())
        .build()
        .unwrap();
    let search = Inference::new(stranger).function("search");
    let error = search.connect_websocket().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("bl_wrong"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_error_of_a_server_with_another_transport_names_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let response = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(response).await;
        }
    });
    let client = Client::builder()
        .api_key("bl_key")
        .workspace("demo")
        .trust(&*url)
        .build()
        .unwrap();
    let other = Inference::new(client).function("other").url(&*url);
    let error = other.connect_websocket().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(error.to_string().contains("with `connect`"), "{error}");
    let error = other.connect().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let text = error.to_string();
    assert!(text.contains("with `connect_websocket`"), "{text}");
    server.abort();
    // The gateway knows no such function: no transport would help.
    let emulator = emulator().await;
    let missing = Inference::new(self::client(&emulator)).function("nothing");
    for error in [
        missing.connect().await.unwrap_err(),
        missing.connect_websocket().await.unwrap_err(),
    ] {
        assert!(!error.to_string().contains("`connect"), "{error}");
    }
}

#[tokio::test]
async fn a_service_without_connections_is_named() {
    let emulator = Emulator::offline();
    emulator.add("functions", "search").unwrap();
    let inference = blaxel_inference::Inference::new(emulator.service());
    let search = inference.function("search");
    let error = search.connect_websocket().await.unwrap_err();
    assert!(
        error.to_string().contains("cannot upgrade connections"),
        "{error}"
    );
}

/// Asserts that a call may have been executed, and that the session is over.
async fn assert_cut(mcp: &McpClient, error: &Error) {
    assert!(error.maybe_applied() && error.is_transient(), "{error}");
    assert_eq!(error.operation().unwrap().name(), "CallMcpServer");
    let after = mcp.ping().await.unwrap_err();
    assert!(!after.maybe_applied(), "{after}");
    assert!(after.to_string().contains("connect again"), "{after}");
}

#[tokio::test]
async fn a_cut_connection_fails_the_calls_in_flight_and_nothing_is_sent_after_it() {
    let emulator = emulator().await;
    let mcp = connect(&emulator).await;
    let count = mcp.tool("count");
    let arguments = json!({"to": 100, "pauseMs": 60_000});
    let error = {
        let mut counting = pin!(count.call(&arguments));
        let soon = Duration::from_millis(100);
        assert!(timeout(soon, counting.as_mut()).await.is_err());
        emulator.end_mcp_sessions();
        timeout(LIMIT, counting).await.unwrap().unwrap_err()
    };
    assert_cut(&mcp, &error).await;
    let again = connect(&emulator).await;
    assert_eq!(again.tools().await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_call_at_the_end_of_a_session_never_contradicts_itself() {
    let mut unsent = 0;
    for yields in 0..40 {
        let emulator = emulator().await;
        let mcp = connect(&emulator).await;
        emulator.end_mcp_sessions();
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        let call = mcp.tool("echo");
        let arguments = json!({"text": "late"});
        let outcome = timeout(LIMIT, call.call(&arguments)).await.unwrap();
        let error = outcome.unwrap_err();
        let text = error.to_string();
        assert_ne!(
            text.contains("connect again"),
            error.maybe_applied(),
            "{text}"
        );
        let is_clear = !text.contains("may have taken effect") || !text.contains("not sent");
        assert!(is_clear, "{text}");
        unsent += usize::from(!error.maybe_applied());
        assert_eq!(error.operation().unwrap().name(), "CallMcpServer");
    }
    assert!(unsent > 0, "no call came after the end");
}

#[tokio::test]
async fn a_message_that_is_too_large_for_the_server_ends_the_session() {
    let emulator = emulator().await;
    let mcp = connect(&emulator).await;
    let text = "x".repeat(9 * 1024 * 1024);
    let call = mcp.tool("echo");
    let arguments = json!({"text": text});
    let error = timeout(LIMIT, call.call(&arguments))
        .await
        .unwrap()
        .unwrap_err();
    assert_cut(&mcp, &error).await;
}

#[tokio::test]
async fn stopping_the_emulator_ends_the_session() {
    let emulator = emulator().await;
    let mcp = connect(&emulator).await;
    let count = mcp.tool("count");
    let arguments = json!({"to": 100, "pauseMs": 60_000});
    let mut counting = pin!(count.call(&arguments));
    let soon = Duration::from_millis(100);
    assert!(timeout(soon, counting.as_mut()).await.is_err());
    drop(emulator);
    let error = timeout(LIMIT, counting).await.unwrap().unwrap_err();
    assert!(error.maybe_applied(), "{error}");
}

/// A server that starts a session, and then does what a script says with each message.
struct Scripted {
    url: String,
    messages: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

/// The replies of a scripted server to a message. `None` closes the connection.
type Script = fn(&Value) -> Option<Vec<Message>>;

impl Scripted {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let messages = Arc::<Mutex<Vec<Value>>>::default();
        let seen = Arc::clone(&messages);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                let (mut sink, mut stream) = socket.split();
                while let Some(Ok(Message::Text(text))) = stream.next().await {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    seen.lock().unwrap().push(message.clone());
                    let replies = match message["method"].as_str() {
                        Some("initialize") => Some(vec![started(&message)]),
                        _ => script(&message),
                    };
                    let Some(replies) = replies else { break };
                    for reply in replies {
                        sink.send(reply).await.unwrap();
                    }
                }
            }
        });
        Self {
            url,
            messages,
            task,
        }
    }

    async fn connect(&self) -> McpClient {
        let client = Client::builder()
            .api_key("bl_key")
            .workspace("demo")
            .trust(&*self.url)
            .build()
            .unwrap();
        let server = Inference::new(client).function("scripted").url(&*self.url);
        server.connect_websocket().await.unwrap()
    }

    /// Waits until the server has received a message of this method, and returns it.
    async fn received(&self, method: &str) -> Value {
        loop {
            let messages = self.messages.lock().unwrap().clone();
            if let Some(found) = messages.into_iter().find(|it| it["method"] == method) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn text(message: &Value) -> Message {
    Message::text(message.to_string())
}

fn started(request: &Value) -> Message {
    let result = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "serverInfo": {"name": "scripted", "version": "1"},
    });
    text(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

#[tokio::test]
async fn deviations_from_the_protocol_are_read_as_over_http() {
    let server = Scripted::start(|message| {
        let id = &message["id"];
        Some(match message["method"].as_str() {
            // An id as text, in bytes instead of a text, after a message that is not JSON.
            Some("tools/call") => {
                let id = id.to_string();
                let result = json!({"content": [{"type": "text", "text": "fine"}]});
                let reply = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
                vec![Message::text("hello"), Message::Binary(Bytes::from(reply))]
            }
            // A list of messages.
            Some("ping") => {
                let told = json!({"jsonrpc": "2.0", "method": "notifications/told"});
                let reply = json!({"jsonrpc": "2.0", "id": id, "result": {}});
                vec![text(&json!([told, reply]))]
            }
            _ => vec![],
        })
    })
    .await;
    let mcp = server.connect().await;
    let output = mcp.tool("any").call(&()).await.unwrap();
    assert_eq!(output.text(), "fine");
    mcp.ping().await.unwrap();
}

#[tokio::test]
async fn a_close_with_an_error_is_the_cause_and_a_normal_one_is_an_end() {
    for (script, part) in [
        (
            (|message| (message["method"] != "ping").then(Vec::new)) as Script,
            "ended before",
        ),
        (
            |message| {
                let is_ping = message["method"] == "ping";
                let close = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                    code: 1013.into(),
                    reason: "overloaded".into(),
                };
                Some(
                    is_ping
                        .then_some(Message::Close(Some(close)))
                        .into_iter()
                        .collect(),
                )
            },
            "1013: overloaded",
        ),
        (
            |message| {
                let is_ping = message["method"] == "ping";
                Some(
                    is_ping
                        .then_some(Message::Close(None))
                        .into_iter()
                        .collect(),
                )
            },
            "closed the WebSocket",
        ),
    ] {
        let server = Scripted::start(script).await;
        let mcp = server.connect().await;
        let error = timeout(LIMIT, mcp.ping()).await.unwrap().unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_cut(&mcp, &error).await;
    }
}

#[tokio::test]
async fn a_call_without_a_response_ends_at_its_limit_and_is_cancelled() {
    let server = Scripted::start(|_| Some(vec![])).await;
    let mcp = server.connect().await;
    let options = CallOptions::new().with_deadline(Duration::from_millis(100));
    let slow = mcp.tool("slow").options(options);
    let error = timeout(LIMIT, slow.call(&())).await.unwrap().unwrap_err();
    assert!(error.is_timeout() && error.maybe_applied(), "{error}");
    let call = server.received("tools/call").await;
    let cancelled = timeout(LIMIT, server.received("notifications/cancelled"));
    assert_eq!(cancelled.await.unwrap()["params"]["requestId"], call["id"]);
}
