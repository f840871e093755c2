//! Sessions with MCP servers over sockets, through the whole stack, against the emulator.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel::{Client, Inference, Management};
use blaxel_core::{Body, CallOptions, Error};
use blaxel_emulator::{CredentialKind, Emulator, Fault};
use blaxel_inference::mcp::{JsonRpcError, McpClient};
use blaxel_transport::TimeLimits;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{client, requests_of};

async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.add("functions", "search").unwrap();
    emulator
}

async fn connect(client: Client) -> McpClient {
    let search = Inference::new(client).function("search");
    search.connect().await.unwrap()
}

#[tokio::test]
async fn a_server_is_found_by_lookup_or_by_an_override_variable() {
    let emulator = emulator().await;
    let inference = Inference::new(client(&emulator));
    let looked_up = inference.function("search").resolve().await.unwrap();
    assert_eq!(requests_of(&emulator, "GetFunction"), 1);
    looked_up.connect().await.unwrap();
    let missing = inference.function("nothing").resolve().await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");

    // The other name is an alias of the same function.
    let url = format!(
        "{}/{}/functions/search",
        emulator.run_url(),
        emulator.workspace()
    );
    let forced = inference
        .url_overrides(move |name| (name == "BL_FUNCTION_MY_TOOLS_URL").then(|| url.clone()));
    let tools = forced
        .function("my-tools")
        .connect()
        .await
        .unwrap()
        .tools()
        .await
        .unwrap();
    assert_eq!(tools.len(), 7);
    assert!(forced.function("others").connect().await.is_err());
}

#[tokio::test]
async fn a_function_document_leads_to_its_server() {
    let emulator = emulator().await;
    let client = client(&emulator);
    let functions = Management::new(client.clone()).functions();
    let url = functions.get("search").await.unwrap().metadata.url.unwrap();
    let server = Inference::new(client).function("search").url(url);
    let mcp = server.connect().await.unwrap();
    assert_eq!(mcp.tools().await.unwrap().len(), 7);
    assert_eq!(mcp.resources().await.unwrap().len(), 7);
    assert_eq!(mcp.prompts().await.unwrap().len(), 4);
    mcp.close().await.unwrap();
    let journal = emulator.journal();
    assert_eq!(journal.last().unwrap().method, "DELETE");
    let to_server = journal.iter().filter(|entry| entry.path.ends_with("/mcp"));
    for entry in to_server {
        assert_eq!(entry.credential, CredentialKind::AccessToken);
    }
}

#[tokio::test]
async fn each_request_carries_a_token_that_is_valid_when_sent() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    let before = requests_of(&emulator, "CreateToken");
    emulator.clock().advance(Duration::from_secs(3 * 3600));
    let said = mcp.tool("echo").call(&json!({"text": "later"})).await;
    assert_eq!(said.unwrap().text(), "later");
    assert_eq!(requests_of(&emulator, "CreateToken"), before + 1);
}

#[tokio::test]
async fn a_tool_call_is_not_repeated() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    let fault = Fault::disconnect().after_processing();
    emulator.fault("CallMcpServer", fault, 1).unwrap();
    emulator.clear_journal();
    let error = mcp
        .tool("echo")
        .call(&json!({"text": "once"}))
        .await
        .unwrap_err();
    assert!(error.maybe_applied() && error.is_transient(), "{error}");
    assert_eq!(requests_of(&emulator, "CallMcpServer"), 1);

    let asleep = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    emulator.fault("CallMcpServer", asleep, 1).unwrap();
    let error = mcp.tool("echo").call(&json!({"text": "asleep"})).await;
    assert!(error.unwrap_err().is_unavailable());
    assert_eq!(mcp.tools().await.unwrap().len(), 7, "the session goes on");
}

#[tokio::test]
async fn a_lost_session_is_opened_again() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    emulator.end_mcp_sessions();
    let error = mcp.tool("none").call(&()).await.unwrap_err();
    assert!(JsonRpcError::of(&error).is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_arrives_while_the_tool_runs() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    let steps = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&steps);
    let count = mcp.tool("count").on_progress(move |step| {
        let now = std::time::Instant::now();
        heard.lock().unwrap().push((step.progress, now));
    });
    let arguments = json!({"to": 4, "pauseMs": 100});
    let output = count.call(&arguments).await.unwrap();
    assert_eq!(output.text(), "counted to 4");
    let steps = steps.lock().unwrap();
    let order: Vec<f64> = steps.iter().map(|(step, _)| *step).collect();
    assert_eq!(order, [1.0, 2.0, 3.0, 4.0]);
    let spread = steps[3].1 - steps[0].1;
    assert!(
        spread > Duration::from_millis(150),
        "all at once: {spread:?}"
    );
}

#[tokio::test]
async fn stopping_the_emulator_ends_calls_in_flight() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    let count = mcp.tool("count");
    let arguments = json!({"to": 100, "pauseMs": 60_000});
    let mut counting = std::pin::pin!(count.call(&arguments));
    let soon = Duration::from_millis(200);
    assert!(tokio::time::timeout(soon, counting.as_mut()).await.is_err());
    drop(emulator);
    // The client resumes the response a few times before it gives up.
    let limit = Duration::from_secs(60);
    let error = tokio::time::timeout(limit, counting).await.unwrap();
    assert!(error.unwrap_err().maybe_applied());
}

/// A server that starts a session, but gives no response to the call of a tool, in a body that does not end. With
/// `mute`, it does not start a session either.
async fn endless(mute: bool, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
    let body = request.into_body().bytes().unwrap_or_default();
    let call: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_call = mute || call["method"] == "tools/call";
    let (kind, body) = match call["method"].as_str() {
        Some("initialize" | "tools/call") if is_call => {
            let comments = futures_util::stream::unfold((), async |()| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let frame = http_body::Frame::data(bytes::Bytes::from_static(b": busy\n\n"));
                Some((Ok::<_, Error>(frame), ()))
            });
            let comments = http_body_util::StreamBody::new(comments);
            let body = Body::new(http_body_util::BodyExt::boxed_unsync(comments));
            ("text/event-stream", body)
        }
        _ => {
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {}});
            let message = json!({"jsonrpc": "2.0", "id": call["id"], "result": result});
            ("application/json", Body::from(message.to_string()))
        }
    };
    let response = http::Response::builder().header("content-type", kind);
    Ok(response.body(body).unwrap())
}

/// The limits of the client end a call and the start of a session, although their responses are streams.
#[tokio::test(start_paused = true)]
async fn the_clients_limits_end_every_wait() {
    let limit = Duration::from_secs(2);
    let mut limits = TimeLimits::default();
    limits.run = limit;
    for mute in [false, true] {
        let client = Client::builder()
            .api_key("bl_key")
            .workspace("demo")
            .time_limits(limits)
            .transport(tower::service_fn(move |request| endless(mute, request)))
            .build()
            .unwrap();
        // The options of a client are known to it alone.
        let longer = client
            .clone()
            .with_options(CallOptions::new().with_deadline(limit * 2));
        for (client, limit) in [(client, limit), (longer, limit * 2)] {
            let started = tokio::time::Instant::now();
            let server = Inference::new(client).function("search");
            let error = match server.connect().await {
                Ok(mcp) => mcp.tool("t").call(&()).await.unwrap_err(),
                Err(error) => error,
            };
            assert_eq!(started.elapsed(), limit, "{error}");
            assert!(error.is_timeout() && error.maybe_applied(), "{error}");
            assert_eq!(error.attempts(), 1);
        }
    }
}
