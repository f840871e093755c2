//! The schemas of the MCP tools, and the check of arguments by them.

use blaxel_guest::ServerVersion;
use serde_json::{Value, json};

use crate::support::Sandbox;

/// The types of the arguments and results of all tools, as a server of August lists them. `~` marks
/// a member that may be missing, `?` a value that may be `null`.
const TOOLS: &str = include_str!("mcp_tools.txt");

/// Writes the types of a schema in the form of [`TOOLS`].
fn types(schema: &Value) -> String {
    let (kind, mark) = match &schema["type"] {
        Value::Array(kinds) => (kinds[1].as_str().unwrap(), "?"),
        kind => (kind.as_str().unwrap(), ""),
    };
    match kind {
        "array" => format!("[{}]{mark}", types(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("{{*: {}}}{mark}", types(&schema["additionalProperties"]))
        }
        "object" => {
            assert_eq!(schema["additionalProperties"], false);
            let none = serde_json::Map::new();
            let properties = schema["properties"].as_object().unwrap_or(&none);
            let is_required = |name: &str| {
                let required = schema["required"].as_array();
                required.is_some_and(|required| required.iter().any(|r| r == name))
            };
            let members = properties.iter().map(|(name, schema)| {
                let missing = if is_required(name) { "" } else { "~" };
                format!("{name}{missing}: {}", types(schema))
            });
            format!("{{{}}}{mark}", members.collect::<Vec<_>>().join(", "))
        }
        kind => format!("{kind}{mark}"),
    }
}

async fn listed(sandbox: &Sandbox) -> Vec<String> {
    let answer = sandbox.rpc("tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap().clone();
    let line = |tool: &Value| {
        assert!(
            tool["description"]
                .as_str()
                .is_some_and(|text| text.ends_with('.'))
        );
        let arguments = tool["inputSchema"]["properties"].as_object();
        for (name, schema) in arguments.into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name} of {tool}");
        }
        let name = tool["name"].as_str().unwrap();
        let (takes, gives) = (types(&tool["inputSchema"]), types(&tool["outputSchema"]));
        format!("{name} {takes} -> {gives}")
    };
    tools.iter().map(line).collect()
}

#[tokio::test]
async fn the_tools_and_their_schemas_are_those_of_the_real_server() {
    let all: Vec<_> = TOOLS.lines().collect();
    let with_keys = Sandbox::with(|builder| {
        builder
            .version(ServerVersion::August)
            .env("RELACE_API_KEY", "k")
    });
    assert_eq!(listed(&with_keys).await, all);
    let needs_key = ["codegenEditFile ", "codegenRerank "];
    let is_always_there = |line: &&str| !needs_key.iter().any(|name| line.starts_with(name));
    let without: Vec<_> = all.into_iter().filter(is_always_there).collect();
    assert_eq!(listed(&Sandbox::august()).await, without);
    let current = listed(&Sandbox::new()).await;
    let newer = current
        .iter()
        .filter(|line| line.contains("stdin~: boolean"));
    assert_eq!((current.len(), newer.count()), (without.len(), 2));
}

#[tokio::test]
async fn arguments_are_checked_by_the_schema() {
    let sandbox = Sandbox::new();
    for (tool, arguments, problem) in [
        (
            "fsReadFile",
            json!({}),
            "validating root: required: missing properties: [\"path\"]",
        ),
        (
            "fsReadFile",
            json!({"path": "a", "x": 1, "y": 2}),
            "validating root: unexpected additional properties [\"x\" \"y\"]",
        ),
        (
            "fsReadFile",
            json!({"path": 5}),
            "validating root: validating /properties/path: type: 5 has type \"integer\", want \"string\"",
        ),
        (
            "fsWriteFile",
            json!({"path": "a", "isDirectory": "yes"}),
            "validating root: validating /properties/isDirectory: type: yes has type \"string\", want \
             one of \"null, boolean\"",
        ),
        (
            "codegenReadFileRange",
            json!({"targetFile": "a", "startLineOneIndexed": 1.5, "endLineOneIndexedInclusive": 2}),
            "validating root: validating /properties/startLineOneIndexed: type: 1.5 has type \"number\", \
             want \"integer\"",
        ),
        (
            "processExecute",
            json!({"command": "a", "env": {"A": 1}}),
            "validating root: validating /properties/env: validating \
             /properties/env/additionalProperties: type: 1 has type \"integer\", want \"string\"",
        ),
        (
            "codegenParallelApply",
            json!({"editPlan": "a", "editRegions": [{"startLine": 1}]}),
            "validating root: validating /properties/editRegions: validating \
             /properties/editRegions/items: required: missing properties: \
             [\"relativeWorkspacePath\"]",
        ),
    ] {
        let message = sandbox.failing(tool, arguments).await;
        assert_eq!(
            message,
            format!("validating \"arguments\": {problem}"),
            "{tool}"
        );
    }
    // A tool without arguments needs none, and `null` stands for a missing one.
    let answer = sandbox
        .rpc("tools/call", json!({"name": "fsGetWorkingDirectory"}))
        .await;
    assert_eq!(
        answer["result"]["structuredContent"],
        json!({"path": "/blaxel"})
    );
    let nulls = json!({"path": "a", "content": null, "permissions": null, "isDirectory": null});
    sandbox.tool("fsWriteFile", nulls).await;
    assert_eq!(sandbox.content("/blaxel/a"), "");
}
