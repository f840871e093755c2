//! Responses of MCP servers.

use std::time::Duration;

use blaxel_core::{Body, BoxService, Error, HttpService};
use blaxel_inference::Inference;
use blaxel_inference::mcp::McpClient;
use blaxel_transport::{Client, TimeLimits};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::case::{Case, cases};
use crate::check::{Cut, check};
use crate::outcome;

/// Creates a server that greets the client, and lets `service` respond to everything else. In its responses
/// `{{id}}` stands for the id of the request.
fn server(service: BoxService) -> impl HttpService {
    tower::service_fn(move |request: Request<Body>| {
        let service = service.clone();
        async move {
            let is_post = request.method() == Method::POST;
            let message = request.body().bytes().unwrap_or_default();
            let message: Value = serde_json::from_slice(&message).unwrap_or_default();
            match message["method"].as_str() {
                _ if !is_post => Ok(empty(405)),
                Some("initialize") => Ok(greeting(&message["id"])),
                Some(other) if other.starts_with("notifications/") => Ok(empty(202)),
                _ => {
                    let (head, body) = service.send(request).await?.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let id = message["id"].to_string();
                    let body = replaced(&body, b"{{id}}", id.as_bytes());
                    Ok::<_, Error>(Response::from_parts(head, Body::from(body)))
                }
            }
        }
    })
}

fn replaced(text: &[u8], placeholder: &[u8], value: &[u8]) -> Bytes {
    match text
        .windows(placeholder.len())
        .position(|window| window == placeholder)
    {
        Some(at) => [&text[..at], value, &text[at + placeholder.len()..]]
            .concat()
            .into(),
        None => text.to_vec().into(),
    }
}

fn empty(status: u16) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status.try_into().unwrap();
    response
}

fn greeting(id: &Value) -> Response<Body> {
    let result = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
        "serverInfo": {"name": "corpus", "version": "1"},
    });
    let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
    let response = Response::builder().header("content-type", "application/json");
    response.body(Body::from(message.to_string())).unwrap()
}

/// Creates a client whose calls end within seconds.
fn client(service: BoxService) -> Client {
    let mut limits = TimeLimits::default();
    (limits.run, limits.idle) = (Duration::from_secs(2), Duration::from_secs(2));
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .time_limits(limits);
    client.transport(server(service)).build().unwrap()
}

async fn call(mcp: &McpClient, case: &Case) -> Result<Value, Error> {
    let names = |names: Vec<String>| json!({"names": names});
    Ok(match case.expected["call"].as_str() {
        Some("tools/list") => names(mcp.tools().await?.into_iter().map(|it| it.name).collect()),
        Some("resources/list") => names(
            mcp.resources()
                .await?
                .into_iter()
                .map(|it| it.name)
                .collect(),
        ),
        Some("resources/templates/list") => names(
            mcp.resource_templates()
                .await?
                .into_iter()
                .map(|it| it.name)
                .collect(),
        ),
        Some("prompts/list") => names(mcp.prompts().await?.into_iter().map(|it| it.name).collect()),
        Some("tools/call") => {
            let output = mcp.tool("wind").call(&json!({})).await?;
            json!({
                "text": output.text(),
                "is_error": output.is_error,
                "structured": output.structured_content,
            })
        }
        other => panic!("{}: unknown call {other:?}", case.name),
    })
}

#[test]
fn responses_of_mcp_servers_are_read_whole_or_not_at_all() {
    check(
        &cases("mcp"),
        Cut::Complete,
        async |service, case: &Case| {
            let mcp = Inference::new(client(service))
                .function("f")
                .connect()
                .await
                .unwrap();
            match call(&mcp, case).await {
                Ok(outcome) => outcome,
                Err(error) => json!({"error": outcome::error(&error)}),
            }
        },
    );
}
