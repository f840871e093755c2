//! Promise: an MCP client of ours works with the server of a sandbox, which keeps no sessions, and acts on the sandbox
//! that the other facades see.

#![allow(clippy::unwrap_used)]

use blaxel::sandbox::{SandboxRef, Sandboxes};
use blaxel::{Client, Inference, Management};
use blaxel_core::Error;
use blaxel_emulator::{Emulator, Fault};
use blaxel_inference::mcp::{JsonRpcError, McpClient};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::client;

async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.add("sandboxes", "dev").unwrap();
    emulator
}

async fn connect(client: Client) -> McpClient {
    let server = Inference::new(client).sandbox("dev");
    server.resolve().await.unwrap().connect().await.unwrap()
}

/// Calls a tool that succeeds, and returns its output as JSON.
async fn call(mcp: &McpClient, tool: &str, arguments: Value) -> Result<Value, Error> {
    let output = mcp.tool(tool).call(&arguments).await?;
    assert!(!output.is_error, "{tool}: {}", output.text());
    let structured = output.structured_content.clone().unwrap();
    let text: Value = serde_json::from_str(&output.text()).unwrap();
    assert_eq!(text, structured, "both forms of the output are the same");
    Ok(structured)
}

#[tokio::test]
async fn the_server_of_a_sandbox_has_the_tools_of_a_sandbox() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    assert_eq!(mcp.server_info().name, "Sandbox API Server");
    mcp.ping().await.unwrap();
    let tools = mcp.tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names.len(), 19, "{names:?}");
    for name in ["processExecute", "fsEditFile", "codegenGrepSearch"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for tool in &tools {
        assert!(
            tool.description.is_some() && tool.output_schema.is_some(),
            "{}",
            tool.name
        );
    }
    assert!(mcp.resources().await.unwrap().is_empty());
    assert!(mcp.prompts().await.unwrap().is_empty());
    // There is no session to end.
    mcp.close().await.unwrap();
    let calls = emulator.journal();
    let calls: Vec<_> = calls
        .iter()
        .filter(|entry| entry.path.ends_with("/mcp"))
        .collect();
    let named = calls
        .iter()
        .filter(|c| c.operation.as_deref() == Some("CallSandboxMcp"));
    assert!(named.count() >= 6, "{calls:?}");
}

#[tokio::test]
async fn tools_and_the_sandbox_facade_see_the_same_machine() {
    let emulator = emulator().await;
    let client = client(&emulator);
    let mcp = connect(client.clone()).await;
    let url = Management::new(client.clone()).sandboxes().get("dev").await;
    let url = url.unwrap().metadata.url.unwrap();
    let sandbox = Sandboxes::new(client).join(&SandboxRef::new("dev").url(url));
    let files = sandbox.fs();

    let write = json!({"path": "notes/a.txt", "content": "one two"});
    call(&mcp, "fsWriteFile", write).await.unwrap();
    assert_eq!(
        files.read_to_string("notes/a.txt").await.unwrap(),
        "one two"
    );
    files.write("notes/a.txt", "one three").await.unwrap();
    let edit = json!({"path": "notes/a.txt", "oldString": "three", "newString": "3"});
    let edited = call(&mcp, "fsEditFile", edit).await.unwrap();
    assert_eq!(edited["occurrencesReplaced"], 1);
    let run = json!({"command": "cat notes/a.txt", "workingDir": "/blaxel", "name": "cat", "waitForCompletion": true});
    let ran = call(&mcp, "processExecute", run).await.unwrap();
    assert_eq!(
        (&ran["exitCode"], &ran["logs"]),
        (&json!(0), &json!("one 3"))
    );
    let got = call(&mcp, "processGet", json!({"identifier": "cat"}))
        .await
        .unwrap();
    assert_eq!(got["pid"], ran["pid"]);
}

#[tokio::test]
async fn failures_of_tools_are_outputs_and_unknown_tools_are_errors() {
    let emulator = emulator().await;
    let mcp = connect(client(&emulator)).await;
    for (tool, arguments, message) in [
        (
            "fsReadFile",
            json!({"path": "/no"}),
            "no such file or directory",
        ),
        ("fsReadFile", json!({}), "missing properties"),
        (
            "processGet",
            json!({"identifier": "none"}),
            "process not found",
        ),
    ] {
        let output = mcp.tool(tool).call(&arguments).await.unwrap();
        assert!(
            output.is_error && output.text().contains(message),
            "{}",
            output.text()
        );
    }
    let error = mcp.tool("none").call(&json!({})).await.unwrap_err();
    assert_eq!(JsonRpcError::of(&error).unwrap().code, -32602, "{error}");

    // Faults of the platform meet the calls by their operation.
    let asleep = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    emulator.fault("CallSandboxMcp", asleep, 1).unwrap();
    let error = mcp
        .tool("fsGetWorkingDirectory")
        .call(&json!({}))
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let again = call(&mcp, "fsGetWorkingDirectory", json!({}))
        .await
        .unwrap();
    assert_eq!(again["path"], "/blaxel", "no session was lost");
}
