//! Tests our MCP client against the reference server of the protocol, which the stage `interop`
//! starts.
//!
//! The tests run if `BLAXEL_TEST_MCP_SERVER` holds that server's address, and pass without doing
//! anything otherwise. Each test that ran prints a line `judged: NAME`, by which the stage checks
//! that it ran.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blaxel::{Client, Credentials, Inference};
use blaxel_inference::mcp::{Content, JsonRpcError, McpServer};
use serde_json::json;

/// Returns the server, if there is one, as a function of the platform.
fn server() -> Option<McpServer<Client>> {
    let url = std::env::var("BLAXEL_TEST_MCP_SERVER").ok()?;
    let client = Client::builder()
        .credentials(Credentials::api_key("bl_key").unwrap())
        .workspace("demo")
        .api_url(&url)
        .run_url(&url)
        .build()
        .unwrap();
    Some(Inference::new(client).function("everything").url(url))
}

fn judged(name: &str) {
    println!("judged: {name}");
}

#[tokio::test]
async fn a_session_opens_and_closes() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let info = mcp.server_info();
    assert!(info.name.contains("everything"), "{info:?}");
    assert!(info.instructions.is_some() && !info.version.is_empty());
    for capability in ["tools", "resources", "prompts", "logging"] {
        assert!(info.capabilities.contains_key(capability), "{info:?}");
    }
    mcp.ping().await.unwrap();
    mcp.close().await.unwrap();
    judged("session");
}

#[tokio::test]
async fn tools_are_listed_and_called() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let tools = mcp.tools().await.unwrap();
    assert!(tools.len() >= 10, "{}", tools.len());
    let weather = tools
        .iter()
        .find(|tool| tool.name == "get-structured-content");
    assert!(weather.unwrap().output_schema.is_some());
    let echo = tools.iter().find(|tool| tool.name == "echo").unwrap();
    assert_eq!(echo.input_schema["required"], json!(["message"]));

    let said = mcp.tool("echo").call(&json!({"message": "Grüße 🦀"})).await;
    assert!(said.unwrap().text().contains("Grüße 🦀"));
    let sum = mcp.tool("get-sum").call(&json!({"a": 2, "b": 40})).await;
    assert!(sum.unwrap().text().contains("42"));
    let arguments = json!({"location": "Chicago"});
    let weather = mcp.tool("get-structured-content").call(&arguments).await;
    assert!(weather.unwrap().structured_content.unwrap()["humidity"].is_number());
    mcp.close().await.unwrap();
    judged("tools");
}

#[tokio::test]
async fn every_kind_of_content_is_decoded() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let image = mcp.tool("get-tiny-image").call(&()).await.unwrap();
    let is_image = |it: &Content| matches!(it, Content::Image(it) if it.mime_type == "image/png");
    assert!(image.content.iter().any(is_image), "{image:?}");
    let links = mcp
        .tool("get-resource-links")
        .call(&json!({"count": 3}))
        .await
        .unwrap();
    let links = links
        .content
        .iter()
        .filter(|it| matches!(it, Content::ResourceLink(_)));
    assert_eq!(links.count(), 3);
    let arguments = json!({"resourceType": "Text", "resourceId": 1});
    let reference = mcp
        .tool("get-resource-reference")
        .call(&arguments)
        .await
        .unwrap();
    let is_resource = |it: &Content| matches!(it, Content::Resource(_));
    assert!(reference.content.iter().any(is_resource), "{reference:?}");
    mcp.close().await.unwrap();
    judged("content");
}

#[tokio::test]
async fn progress_notifications_arrive_in_order() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&steps);
    let operation = mcp
        .tool("trigger-long-running-operation")
        .on_progress(move |step| heard.lock().unwrap().push(step.progress));
    let output = operation.call(&json!({"duration": 0.4, "steps": 4})).await;
    assert!(output.unwrap().text().contains("completed"));
    assert_eq!(*steps.lock().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    mcp.close().await.unwrap();
    judged("progress");
}

#[tokio::test]
async fn resources_are_listed_and_read() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let resources = mcp.resources().await.unwrap();
    assert!(!resources.is_empty());
    for resource in &resources {
        let contents = mcp.read_resource(&resource.uri).await.unwrap();
        assert_eq!(contents[0].uri, resource.uri);
        assert!(contents[0].text.is_some() || contents[0].blob.is_some());
    }
    let templates = mcp.resource_templates().await.unwrap();
    let template = |kind: &str| templates.iter().find(|it| it.uri_template.contains(kind));
    let text = template("text")
        .unwrap()
        .uri_template
        .replace("{resourceId}", "1");
    assert!(mcp.read_resource(&text).await.unwrap()[0].text.is_some());
    let blob = template("blob")
        .unwrap()
        .uri_template
        .replace("{resourceId}", "2");
    assert!(mcp.read_resource(&blob).await.unwrap()[0].blob.is_some());
    mcp.close().await.unwrap();
    judged("resources");
}

#[tokio::test]
async fn prompts_are_listed_and_rendered() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let prompts = mcp.prompts().await.unwrap();
    let prompt = prompts
        .iter()
        .find(|prompt| prompt.name == "args-prompt")
        .unwrap();
    assert!(
        prompt
            .arguments
            .iter()
            .any(|it| it.name == "city" && it.required)
    );
    let filled = mcp
        .prompt("args-prompt", &json!({"city": "Ghent"}))
        .await
        .unwrap();
    let text = filled.messages[0].content.text();
    assert_eq!(text, Some("What's weather in Ghent?"));
    assert!(
        !mcp.prompt("simple-prompt", &())
            .await
            .unwrap()
            .messages
            .is_empty()
    );

    let reference = json!({"type": "ref/prompt", "name": "completable-prompt"});
    let argument = json!({"name": "department", "value": "E"});
    let params = json!({"ref": reference, "argument": argument});
    let completed = mcp.request("completion/complete", &params).await.unwrap();
    assert!(completed["completion"]["values"].is_array(), "{completed}");
    mcp.close().await.unwrap();
    judged("prompts");
}

#[tokio::test]
async fn protocol_errors_and_tool_errors_are_distinguished() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let error = mcp.read_resource("demo://nothing/here").await.unwrap_err();
    let refusal = JsonRpcError::of(&error).unwrap();
    assert!([-32002, -32602].contains(&refusal.code), "{refusal}");
    let error = mcp.request("made/up", &json!({})).await.unwrap_err();
    let refusal = JsonRpcError::of(&error).unwrap();
    assert_eq!(refusal.code, JsonRpcError::METHOD_NOT_FOUND);
    // This server reports wrong arguments as a tool result for the model.
    let failed = mcp
        .tool("get-sum")
        .call(&json!({"a": "two"}))
        .await
        .unwrap();
    assert!(failed.is_error, "{failed:?}");
    mcp.close().await.unwrap();
    judged("refusals");
}

#[tokio::test]
async fn server_notifications_are_received() {
    let Some(server) = server() else { return };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&heard);
    let server = server.on_notification(move |it| list.lock().unwrap().push(it));
    let mcp = server.connect().await.unwrap();
    let toggle = mcp.tool("toggle-simulated-logging");
    toggle.call(&()).await.unwrap();
    let is_message = || {
        let heard = heard.lock().unwrap();
        heard
            .iter()
            .any(|it| it.method == "notifications/message" && it.params["level"].is_string())
    };
    for _ in 0..1000 {
        if is_message() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(is_message(), "{heard:?}");
    toggle.call(&()).await.unwrap();
    mcp.close().await.unwrap();
    judged("notifications");
}

#[tokio::test]
async fn a_cancelled_call_does_not_affect_others() {
    let Some(server) = server() else { return };
    let mcp = server.connect().await.unwrap();
    let operation = mcp.tool("trigger-long-running-operation");
    let arguments = json!({"duration": 30, "steps": 3});
    let limit = Duration::from_millis(300);
    let outcome = tokio::time::timeout(limit, operation.call(&arguments)).await;
    assert!(outcome.is_err());
    for number in 0..20 {
        let message = number.to_string();
        let said = mcp.tool("echo").call(&json!({"message": message})).await;
        assert!(said.unwrap().text().ends_with(&message));
    }
    mcp.close().await.unwrap();
    judged("given up");
}
