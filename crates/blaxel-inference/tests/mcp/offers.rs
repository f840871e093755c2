//! Tools, resources and prompts of a server are returned completely and unchanged.

use std::sync::{Arc, Mutex};

use blaxel_inference::mcp::{Content, JsonRpcError};
use serde_json::json;

use crate::support::{emulator, function};

#[tokio::test]
async fn lists_are_read_over_all_pages() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    emulator.clear_journal();
    let tools = mcp.tools().await.unwrap();
    assert_eq!(tools.len(), 7);
    assert_eq!(emulator.journal().len(), 3, "pages of three");
    let names: std::collections::BTreeSet<_> = tools.iter().map(|tool| &tool.name).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(tools[0].annotations.read_only_hint, Some(true));
    assert_eq!(
        tools[1].output_schema.as_ref().unwrap()["required"],
        json!(["sum"])
    );

    assert_eq!(mcp.resources().await.unwrap().len(), 7);
    assert_eq!(mcp.resource_templates().await.unwrap().len(), 1);
    let prompts = mcp.prompts().await.unwrap();
    assert_eq!(prompts.len(), 4);
    assert!(prompts[1].arguments[0].required && !prompts[1].arguments[1].required);
}

#[tokio::test]
async fn each_function_is_a_separate_server() {
    let emulator = emulator();
    for (name, tool) in [
        ("search", "about_search"),
        ("deep-thought", "about_deep_thought"),
    ] {
        let mcp = function(&emulator, name).connect().await.unwrap();
        assert_eq!(mcp.server_info().name, name);
        assert_eq!(mcp.server_info().protocol_version, "2025-11-25");
        assert!(
            mcp.server_info()
                .instructions
                .as_ref()
                .unwrap()
                .contains(name)
        );
        assert!(mcp.server_info().capabilities.contains_key("prompts"));
        let said = mcp.tool(tool).call(&()).await.unwrap();
        assert_eq!(said.text(), format!("This is the function {name}."));
        mcp.ping().await.unwrap();
        mcp.close().await.unwrap();
    }
}

#[tokio::test]
async fn tools_return_text_json_resources_and_images() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    let sum = mcp
        .tool("add")
        .call(&json!({"a": 1.5, "b": 2}))
        .await
        .unwrap();
    assert_eq!(sum.structured_content, Some(json!({"sum": 3.5})));
    assert!(!sum.is_error);

    let shown = mcp
        .tool("show_note")
        .call(&json!({"number": 3}))
        .await
        .unwrap();
    let [
        Content::Resource(note),
        Content::ResourceLink(link),
        Content::Image(picture),
    ] = shown.content.as_slice()
    else {
        panic!("{shown:?}");
    };
    assert_eq!(note.resource.text.as_deref(), Some("Note 3 of search."));
    assert_eq!(link.uri, "emulator://search/notes/3");
    assert_eq!(picture.mime_type, "image/gif");
}

#[tokio::test]
async fn a_failed_tool_reports_it_in_its_output() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    let failed = mcp
        .tool("fail")
        .call(&json!({"reason": "no luck"}))
        .await
        .unwrap();
    assert!(failed.is_error);
    assert_eq!(failed.text(), "no luck");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_reported_in_order_and_before_the_output() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&steps);
    let count = mcp
        .tool("count")
        .on_progress(move |step| listener.lock().unwrap().push(step));
    let output = count.call(&json!({"to": 50})).await.unwrap();
    let steps = std::mem::take(&mut *steps.lock().unwrap());
    assert_eq!(output.text(), "counted to 50");
    let order: Vec<f64> = steps.iter().map(|step| step.progress).collect();
    let expected: Vec<f64> = (1..=50).map(f64::from).collect();
    assert_eq!(order, expected);
    assert_eq!(steps[4].total, Some(50.0));
    assert_eq!(steps[4].message.as_deref(), Some("5 of 50"));
}

#[tokio::test]
async fn resources_are_read_as_text_and_as_bytes() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    let text = mcp
        .read_resource("emulator://search/notes/1")
        .await
        .unwrap();
    assert_eq!(text[0].text.as_deref(), Some("Note 1 of search."));
    let bytes = mcp
        .read_resource("emulator://search/notes/2")
        .await
        .unwrap();
    assert_eq!(bytes[0].blob.as_deref(), Some("Tm90ZSAyIG9mIHNlYXJjaC4="));
    assert_eq!(
        bytes[0].mime_type.as_deref(),
        Some("application/octet-stream")
    );

    let error = mcp
        .read_resource("emulator://search/notes/99")
        .await
        .unwrap_err();
    let refusal = JsonRpcError::of(&error).unwrap();
    assert_eq!(refusal.code, JsonRpcError::RESOURCE_NOT_FOUND);
    assert_eq!(refusal.data["uri"], "emulator://search/notes/99");
}

#[tokio::test]
async fn prompts_are_rendered_with_their_arguments() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    let arguments = json!({"text": "Guten Tag", "language": "Welsh"});
    let prompt = mcp.prompt("translate", &arguments).await.unwrap();
    let text = prompt.messages[0].content.text();
    assert_eq!(text, Some("Translate into Welsh: Guten Tag"));
    assert_eq!(prompt.messages[0].role, blaxel_inference::Role::User);
    assert_eq!(
        mcp.prompt("review_note", &()).await.unwrap().messages.len(),
        2
    );
}

#[tokio::test]
async fn errors_of_a_server_have_their_codes() {
    let emulator = emulator();
    let mcp = function(&emulator, "search").connect().await.unwrap();
    for (error, code) in [
        (
            mcp.tool("none").call(&()).await.unwrap_err(),
            JsonRpcError::INVALID_PARAMS,
        ),
        (
            mcp.tool("echo")
                .call(&json!({"text": 1}))
                .await
                .unwrap_err(),
            JsonRpcError::INVALID_PARAMS,
        ),
        (
            mcp.request("made/up", &()).await.unwrap_err(),
            JsonRpcError::METHOD_NOT_FOUND,
        ),
    ] {
        let refusal = JsonRpcError::of(&error).unwrap();
        assert_eq!(refusal.code, code, "{error}");
        assert!(error.to_string().contains(&refusal.message), "{error}");
        assert!(!error.maybe_applied(), "{error:?}");
        assert_eq!(error.operation().unwrap().name(), "CallMcpServer");
    }
    let error = mcp.tool("echo").call(&json!(["text"])).await.unwrap_err();
    assert!(error.is_input(), "{error}");
}
