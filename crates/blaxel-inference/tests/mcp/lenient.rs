//! A member of an unexpected type does not hide the members beside it, and an item that cannot be read does not
//! hide the other items.

use blaxel_core::{Body, Error};
use blaxel_inference::Inference;
use blaxel_inference::mcp::{Content, JsonRpcError, McpClient, ToolOutput};
use serde_json::{Value, json};

use crate::support::{content, greeting, result, script, seen};

/// Connects to a server that gives this result to each request.
async fn serving(value: Value) -> McpClient {
    let (service, _) =
        script(move |seen| greeting(seen).unwrap_or_else(|| result(seen, value.clone())));
    Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap()
}

async fn output(value: Value) -> ToolOutput {
    serving(value).await.tool("t").call(&()).await.unwrap()
}

/// Connects to a server whose responses to calls of tools have this text; `ID` stands for the request's id.
async fn answering(text: &'static str) -> Result<ToolOutput, Error> {
    let (service, _) = script(move |seen| {
        greeting(seen).unwrap_or_else(|| {
            let text = text.replace("ID", &seen.body["id"].to_string());
            content("application/json", Body::from(text))
        })
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    mcp.tool("t").call(&()).await
}

#[tokio::test]
async fn lists_may_be_null_and_a_bad_item_hides_no_other() {
    for list in [
        json!({"tools": null}),
        json!({}),
        json!({"tools": [], "nextCursor": ""}),
        json!({"tools": [], "nextCursor": null}),
    ] {
        assert_eq!(serving(list).await.tools().await.unwrap(), []);
    }
    let items = json!([
        {"name": null},
        {"name": "a", "title": 7, "description": ["x"], "inputSchema": null, "annotations": null},
        "text",
        null,
        {"description": "nameless"},
        {"name": 12, "annotations": {"readOnlyHint": "true", "destructiveHint": [], "mood": 1}},
    ]);
    let tools = serving(json!({"tools": items}))
        .await
        .tools()
        .await
        .unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["a", "12"]);
    assert_eq!(tools[0].title.as_deref(), Some("7"));
    assert_eq!(
        (&tools[0].description, &tools[0].input_schema),
        (&None, &Value::Null)
    );
    assert_eq!(tools[1].annotations.read_only_hint, Some(true));
    assert_eq!(tools[1].annotations.destructive_hint, None);
    assert_eq!(tools[1].annotations.other["mood"], 1);
    // One item in place of a list, and the list in place of the page.
    for page in [json!({"tools": {"name": "a"}}), json!([{"name": "a"}])] {
        assert_eq!(serving(page).await.tools().await.unwrap()[0].name, "a");
    }
    for page in [json!("text"), json!(7), Value::Null] {
        let error = serving(page).await.tools().await.unwrap_err();
        assert!(error.is_decode(), "{error}");
    }
}

#[tokio::test]
async fn a_cursor_may_be_a_number() {
    let (service, log) = script(|seen| {
        greeting(seen).unwrap_or_else(|| match &seen.body["params"]["cursor"] {
            Value::Null => result(seen, json!({"tools": [{"name": "a"}], "nextCursor": 2})),
            _ => result(seen, json!({"tools": [{"name": "b"}], "nextCursor": null})),
        })
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    assert_eq!(mcp.tools().await.unwrap().len(), 2);
    assert_eq!(seen(&log).last().unwrap().body["params"]["cursor"], 2);
}

#[tokio::test]
async fn resources_and_prompts_are_read_like_tools() {
    let resources = json!([
        {"uri": null},
        {"uri": "a:1", "name": null, "size": "12", "mimeType": null},
        {"uri": "a:2", "name": 7, "size": 12.0},
        {"uri": "a:3", "size": -1},
    ]);
    let resources = serving(json!({"resources": resources}))
        .await
        .resources()
        .await
        .unwrap();
    let read: Vec<_> = resources
        .iter()
        .map(|it| (it.uri.as_str(), it.name.as_str(), it.size))
        .collect();
    assert_eq!(
        read,
        [
            ("a:1", "", Some(12)),
            ("a:2", "7", Some(12)),
            ("a:3", "", None)
        ]
    );

    let templates = json!({"resourceTemplates": [{"uriTemplate": null}, {"uriTemplate": "a:{b}"}]});
    let templates = serving(templates).await.resource_templates().await.unwrap();
    assert_eq!(templates[0].uri_template, "a:{b}");

    let prompts = json!([
        {"name": null},
        {"name": "a", "arguments": null},
        {"name": "b", "arguments": [{"name": null}, {"name": "x", "required": "true"}]},
    ]);
    let prompts = serving(json!({"prompts": prompts}))
        .await
        .prompts()
        .await
        .unwrap();
    assert_eq!((prompts.len(), prompts[0].arguments.len()), (2, 0));
    assert!(prompts[1].arguments[0].required);

    let contents =
        json!({"contents": [{"text": null, "blob": "YQ=="}, 7, {"uri": "a:1", "text": 12}]});
    let contents = serving(contents).await.read_resource("a:1").await.unwrap();
    assert_eq!((contents.len(), contents[0].text.as_ref()), (2, None));
    assert_eq!(contents[1].text.as_deref(), Some("12"));
    assert_eq!(
        serving(json!({"contents": null}))
            .await
            .read_resource("a:1")
            .await
            .unwrap(),
        []
    );

    let messages = json!([
        {"role": null, "content": "bare"},
        {"role": "assistant", "content": [{"type": "text", "text": "listed"}]},
        {"content": {"type": "text", "text": "plain"}},
    ]);
    let prompt = serving(json!({"description": 1, "messages": messages})).await;
    let prompt = prompt.prompt("p", &()).await.unwrap();
    let texts: Vec<_> = prompt.messages.iter().map(|it| it.content.text()).collect();
    assert_eq!(texts, [Some("bare"), Some("listed"), Some("plain")]);
}

#[tokio::test]
async fn the_output_of_a_tool_is_not_lost() {
    for nothing in [
        json!({}),
        json!({"content": null}),
        json!({"content": []}),
        Value::Null,
    ] {
        assert_eq!(output(nothing).await.content, []);
    }
    for done in [
        json!({"content": "done"}),
        json!({"content": ["done"]}),
        json!({"content": {"type": "text", "text": "done"}}),
        json!({"content": [{"text": "done"}], "isError": null}),
        json!({"content": [{"type": null, "text": "done"}], "structuredContent": null}),
        json!({"content": [{"type": "text", "text": "done", "annotations": null, "_meta": 1}]}),
        json!("done"),
        json!(["done"]),
    ] {
        let output = output(done).await;
        assert_eq!(output.text(), "done");
        assert!(!output.is_error && output.structured_content.is_none());
    }
    let parts = json!([
        {"type": "text", "text": null},
        {"type": "text", "text": 42},
        {"type": "text", "text": {"nested": 1}},
        {"type": "image", "data": "YQ==", "mimeType": null},
        {"type": "image", "data": null},
        {"type": "hologram"},
        {"type": "resource", "resource": {"text": "x"}},
        null,
    ]);
    let mixed = output(json!({"content": parts, "isError": "true"})).await;
    assert!(mixed.is_error);
    assert_eq!(mixed.text(), "\n42");
    assert_eq!(mixed.content.len(), 8, "no part is left out");
    assert_eq!(mixed.content[2], Content::Other(parts[2].clone()));
    assert!(matches!(&mixed.content[3], Content::Image(image) if image.data == "YQ=="));
    assert_eq!(mixed.content[4], Content::Other(parts[4].clone()));
    assert!(matches!(&mixed.content[6], Content::Resource(_)));
    for (flag, is_error) in [(json!(1), true), (json!(0), false), (json!("false"), false)] {
        assert_eq!(output(json!({"isError": flag})).await.is_error, is_error);
    }
}

#[tokio::test]
async fn json_with_a_mark_a_wrong_type_or_in_a_list_is_read() {
    for text in [
        "\u{feff}{\"jsonrpc\": \"2.0\", \"id\": ID, \"result\": {\"content\": \"done\"}}",
        r#"{"id": "ID", "result": {"content": "done"}, "error": null}"#,
        r#"{"jsonrpc": "1.0", "id": ID, "result": {"content": "done"}, "error": {}}"#,
        r#"[{"jsonrpc": "2.0", "method": "notifications/message"}, {"id": ID, "result": "done"}]"#,
    ] {
        assert_eq!(answering(text).await.unwrap().text(), "done");
    }
    for kind in [
        "text/event-stream",
        "text/plain",
        "application/json; charset=utf-8",
        "text/json",
    ] {
        let (service, _) = script(move |seen| {
            let body = json!({"id": seen.body["id"], "result": "done"});
            greeting(seen).unwrap_or_else(|| content(kind, format!("{body:#}")))
        });
        let mcp = Inference::new(service)
            .function("f")
            .connect()
            .await
            .unwrap();
        assert_eq!(mcp.tool("t").call(&()).await.unwrap().text(), "done");
    }
}

#[tokio::test]
async fn events_under_another_content_type_are_read() {
    let (service, _) = script(|seen| {
        let body = json!({"id": seen.body["id"], "result": "done"});
        greeting(seen).unwrap_or_else(|| content("text/plain", format!("data: {body}\n\n")))
    });
    let mcp = Inference::new(service)
        .function("f")
        .connect()
        .await
        .unwrap();
    assert_eq!(mcp.tool("t").call(&()).await.unwrap().text(), "done");
}

#[tokio::test]
async fn the_message_of_a_body_that_is_not_mcp_is_kept() {
    for (text, message) in [
        (r#"{"detail": "no such tool"}"#, "no such tool"),
        (r#"{"message": "upstream gone"}"#, "upstream gone"),
        ("<html><title>Sign in</title></html>", "Sign in"),
        ("plain words", "plain words"),
    ] {
        let error = answering(text).await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(
            error.maybe_applied() && error.status().is_some_and(|it| it == 200),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn errors_of_every_shape_keep_code_and_message() {
    for (text, code, message) in [
        (
            r#"{"id": ID, "error": {"code": "-32602", "message": "no"}}"#,
            -32602,
            "no",
        ),
        (
            r#"{"id": ID, "error": {"code": -32602.0, "message": 7}}"#,
            -32602,
            "7",
        ),
        (r#"{"id": ID, "error": {"code": -32000}}"#, -32000, ""),
        (r#"{"id": ID, "error": {"message": "no"}}"#, 0, "no"),
        (
            r#"{"id": ID, "error": {"code": "rate_limited", "message": "no"}}"#,
            0,
            "rate_limited: no",
        ),
        (r#"{"id": ID, "error": "no"}"#, 0, "no"),
        (r#"{"id": ID, "error": ["no"]}"#, 0, "[\"no\"]"),
        (
            r#"{"id": ID, "error": {"code": 99999999999, "message": "no"}}"#,
            99_999_999_999,
            "no",
        ),
        (
            r#"{"id": ID, "error": {"code": 5, "message": "no"}, "result": null}"#,
            5,
            "no",
        ),
    ] {
        let error = answering(text).await.unwrap_err();
        let refusal = JsonRpcError::of(&error).unwrap();
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (code, message),
            "{error}"
        );
    }
    // The server says that the call failed, so it has; the result is kept for people.
    let both =
        r#"{"id": ID, "error": {"code": 5, "message": "no"}, "result": {"content": "paid"}}"#;
    let error = answering(both).await.unwrap_err();
    let refusal = JsonRpcError::of(&error).unwrap();
    assert_eq!(refusal.data, json!({"result": {"content": "paid"}}));
}

#[tokio::test]
async fn a_session_starts_with_any_result_of_initialize() {
    for (initialized, version, name) in [
        (
            json!({"protocolVersion": "2025-06-18", "capabilities": null, "serverInfo": null}),
            "2025-06-18",
            "",
        ),
        (
            json!({"protocolVersion": "2030-01-01", "serverInfo": {"name": "a"}}),
            "2030-01-01",
            "a",
        ),
        (
            json!({"protocolVersion": "2026-07-28", "capabilities": {}}),
            "2026-07-28",
            "",
        ),
        (
            json!({"protocolVersion": "draft", "serverInfo": "a"}),
            "draft",
            "",
        ),
        (
            json!({"protocolVersion": null, "capabilities": {"tools": null}}),
            "2025-11-25",
            "",
        ),
        (
            json!({"capabilities": [], "serverInfo": {"name": 7, "version": 1.5, "title": []}}),
            "2025-11-25",
            "7",
        ),
        (
            json!({"serverInfo": {"name": "a"}, "instructions": null, "extra": 1}),
            "2025-11-25",
            "a",
        ),
    ] {
        let (service, _) = script(move |seen| match seen.message() {
            "initialize" => result(seen, initialized.clone()),
            _ => greeting(seen).unwrap_or_else(|| result(seen, json!("done"))),
        });
        let mcp = Inference::new(service)
            .function("f")
            .connect()
            .await
            .unwrap();
        assert_eq!(mcp.server_info().protocol_version, version);
        assert_eq!(mcp.server_info().name, name);
        assert_eq!(mcp.tool("t").call(&()).await.unwrap().text(), "done");
    }
}
