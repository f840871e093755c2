//! The MCP server: its transport, its tools and what they do.

use std::time::Duration;

use blaxel_guest::{Clock, Guest as _, Script, Server, ServerVersion, SimulatedGuest};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Sandbox};

const JSON: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

impl Sandbox {
    async fn message(&self, message: &Value) -> Answer {
        self.call_with("POST /mcp", &JSON, message.to_string())
            .await
    }

    /// Sends a request and returns the result.
    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let answer = self.message(&request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-cache, no-transform");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(!answer.headers.contains_key("mcp-session-id"), "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["id"], 7);
        answer
    }

    /// Calls a tool that succeeds, and returns its result.
    pub(crate) async fn tool(&self, name: &str, arguments: Value) -> Value {
        let call = json!({"name": name, "arguments": arguments});
        let mut answer = self.rpc("tools/call", call).await;
        let result = answer["result"].take();
        assert_eq!(result.get("isError"), None, "{name}: {result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        let text: Value = serde_json::from_str(text).unwrap();
        assert_eq!(text, result["structuredContent"], "{name}");
        assert_eq!(result["content"][0]["type"], "text");
        text
    }

    /// Calls a tool that fails, and returns the message.
    pub(crate) async fn failing(&self, name: &str, arguments: Value) -> String {
        let call = json!({"name": name, "arguments": arguments});
        let answer = self.rpc("tools/call", call).await;
        let result = &answer["result"];
        assert_eq!(result["isError"], true, "{name}: {answer}");
        assert_eq!(result.get("structuredContent"), None);
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }
}

fn running() -> Sandbox {
    Sandbox::running(ServerVersion::August, |_| {})
}

#[tokio::test]
async fn each_request_is_served_without_a_session() {
    let sandbox = Sandbox::new();
    let hello = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let answer = sandbox.rpc("initialize", hello).await;
    assert_eq!(
        answer["result"],
        json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "Sandbox API Server", "version": "1.0.0"},
        })
    );
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let answer = sandbox.message(&note).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::ACCEPTED, ""));
    assert_eq!(sandbox.rpc("ping", json!({})).await["result"], json!({}));
    for (list, name) in [
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("prompts/list", "prompts"),
    ] {
        let answer = sandbox.rpc(list, json!({})).await;
        assert_eq!(answer["result"][name], json!([]), "{answer}");
    }
    let unknown = sandbox.rpc("none", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601);
    let unknown = sandbox.rpc("tools/call", json!({"name": "none"})).await;
    assert_eq!(
        unknown["error"],
        json!({"code": -32602, "message": "unknown tool \"none\""})
    );
}

#[tokio::test]
async fn requests_that_break_the_transport_are_refused() {
    let sandbox = Sandbox::new();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (content_type, accept, status) in [
        ("application/json", "*/*", 200),
        ("application/json", "text/*;q=0.5, application/*", 200),
        ("application/json", "application/json", 400),
        ("application/json", "", 400),
        ("text/plain", "*/*", 415),
    ] {
        let headers = [("content-type", content_type), ("accept", accept)];
        let answer = sandbox.call_with("POST /mcp", &headers, ping).await;
        assert_eq!(answer.status, status, "{content_type} {accept}: {answer:?}");
    }
    let [content_type, accept] = JSON;
    for (name, value, status) in [
        // There are no sessions, so none is unknown.
        ("mcp-session-id", "gone", 200),
        ("mcp-protocol-version", "2025-11-25", 200),
        ("mcp-protocol-version", "1999-01-01", 400),
    ] {
        let headers = [content_type, accept, (name, value)];
        let answer = sandbox.call_with("POST /mcp", &headers, ping).await;
        assert_eq!(answer.status, status, "{name}: {value}: {answer:?}");
    }
    let answer = sandbox.call_with("POST /mcp", &JSON, "{").await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    for (call, status) in [
        ("GET /mcp", StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE /mcp", StatusCode::NOT_FOUND),
        ("HEAD /mcp", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(sandbox.call(call, "").await.status, status, "{call}");
    }
}

#[tokio::test]
async fn file_tools_act_on_the_files_of_the_sandbox() {
    let sandbox = Sandbox::new();
    let written = sandbox
        .tool(
            "fsWriteFile",
            json!({"path": "d/a.txt", "content": "one two one", "permissions": "600"}),
        )
        .await;
    assert_eq!(
        written,
        json!({"path": "d/a.txt", "message": "File created/updated successfully"})
    );
    assert_eq!(sandbox.content("/blaxel/d/a.txt"), "one two one");
    let odd = json!({"path": "/tmp/b", "permissions": "9x"});
    sandbox.tool("fsWriteFile", odd).await;
    assert_eq!(sandbox.files().metadata("/tmp/b").unwrap().mode, 0o644);
    let directory = json!({"path": "e", "isDirectory": true, "permissions": "700"});
    sandbox.tool("fsWriteFile", directory).await;
    assert_eq!(sandbox.files().metadata("/blaxel/e").unwrap().mode, 0o700);

    let edit = |old: &str, new: &str, all: bool| json!({"path": "d/a.txt", "oldString": old, "newString": new, "replaceAll": all});
    let edited = sandbox.tool("fsEditFile", edit("one", "1", true)).await;
    assert_eq!(edited, json!({"path": "d/a.txt", "occurrencesReplaced": 2}));
    sandbox.tool("fsEditFile", edit(" two", "", false)).await;
    assert_eq!(sandbox.content("/blaxel/d/a.txt"), "1 1");
    assert_eq!(
        sandbox.files().metadata("/blaxel/d/a.txt").unwrap().mode,
        0o600
    );
    for (edit, problem) in [
        (
            edit("1", "2", false),
            "oldString matches 2 locations in d/a.txt",
        ),
        (edit("3", "2", false), "oldString not found in d/a.txt"),
        (edit("", "2", false), "oldString must be non-empty"),
        (
            edit("1", "1", false),
            "oldString and newString are identical",
        ),
        (
            json!({"path": "no", "oldString": "1", "newString": "2"}),
            "failed to read no: stat /blaxel/no: no such file or directory",
        ),
    ] {
        let message = sandbox.failing("fsEditFile", edit).await;
        assert!(message.starts_with(problem), "{message}");
    }

    let read = sandbox.tool("fsReadFile", json!({"path": "d/a.txt"})).await;
    let time = read["lastModified"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    assert_eq!(
        read,
        json!({
            "path": "d/a.txt", "name": "d/a.txt", "permissions": "600", "size": 3,
            "lastModified": time, "owner": "root", "group": "root", "content": "1 1",
        })
    );
    let message = sandbox.failing("fsReadFile", json!({"path": "d"})).await;
    assert_eq!(
        message,
        "failed to read file: path points to a directory, not a file"
    );
    let listed = sandbox.tool("fsListDirectory", json!({"path": "."})).await;
    assert_eq!(
        listed["directory"]["subdirectories"],
        json!([{"path": "/blaxel/d", "name": "d"}, {"path": "/blaxel/e", "name": "e"}])
    );
    let message = sandbox
        .failing("fsListDirectory", json!({"path": "x"}))
        .await;
    assert_eq!(
        message,
        "failed to list directory: open /blaxel/x: no such file or directory"
    );
}

#[tokio::test]
async fn deletions_take_the_type_from_the_file_or_from_the_caller() {
    let sandbox = Sandbox::new();
    sandbox.put_files(&[("/blaxel/a", ""), ("/blaxel/d/b", "")]);
    let delete = |path: &str, member: &str, value: bool| json!({"path": path, member: value});
    for (arguments, problem) in [
        (
            delete("d", "recursive", false),
            "failed to delete directory: remove /blaxel/d: directory not empty",
        ),
        (
            delete("d", "isDirectory", false),
            "failed to delete file: path points to a directory, not a file",
        ),
        (
            delete("a", "isDirectory", true),
            "failed to delete directory: path points to a file, not a directory",
        ),
        (
            delete("x", "recursive", true),
            "failed to delete file: stat /blaxel/x: no such file or directory",
        ),
    ] {
        let message = sandbox.failing("fsDeleteFileOrDirectory", arguments).await;
        assert_eq!(message, problem);
    }
    let deleted = sandbox
        .tool("fsDeleteFileOrDirectory", delete("d", "recursive", true))
        .await;
    assert_eq!(deleted["message"], "Directory deleted successfully");
    let deleted = sandbox
        .tool("fsDeleteFileOrDirectory", json!({"path": "a"}))
        .await;
    assert_eq!(
        deleted,
        json!({"path": "a", "message": "File deleted successfully"})
    );
    assert!(sandbox.files().read_dir("/blaxel").unwrap().is_empty());
}

#[tokio::test]
async fn code_tools_search_and_read_the_working_directory() {
    let sandbox = Sandbox::running(ServerVersion::August, |guest| {
        let found = Script::stdout("{\"type\":\"match\"}\n").then(Script::stderr("warning\n"));
        guest.on_command("rg --json -i -g *.rs -g !a b it's", found);
        guest.on_command("rg --json none", Script::default().exit(1));
    });
    sandbox.put_files(&[
        ("/blaxel/src/main.rs", "1\n2\n3\n"),
        ("/blaxel/.hidden/mr.txt", ""),
    ]);
    let found = sandbox
        .tool("codegenFileSearch", json!({"query": "MR"}))
        .await;
    assert_eq!(
        found,
        json!({
            "success": true, "query": "MR",
            "matches": ["/blaxel/.hidden/mr.txt", "/blaxel/src/main.rs"],
        })
    );
    let within = json!({"query": "m", "directory": "src"});
    let found = sandbox.tool("codegenFileSearch", within).await;
    assert_eq!(found["matches"], json!(["/blaxel/src/main.rs"]));
    let found = sandbox
        .tool("codegenFileSearch", json!({"query": "zz"}))
        .await;
    assert_eq!(found["matches"], Value::Null);
    for (directory, problem) in [
        ("..", "directory must be within workspace"),
        ("no", "directory not found: no"),
    ] {
        let search = json!({"query": "m", "directory": directory});
        assert_eq!(sandbox.failing("codegenFileSearch", search).await, problem);
    }

    let lines = |first: f64, last: f64| json!({"targetFile": "src/main.rs", "startLineOneIndexed": first, "endLineOneIndexedInclusive": last});
    let read = sandbox.tool("codegenReadFileRange", lines(2.0, 4.0)).await;
    assert_eq!(
        read,
        json!({"success": true, "content": "2\n3\n", "file": "src/main.rs"})
    );
    for (first, last) in [(0.0, 1.0), (1.0, 5.0), (3.0, 1.0)] {
        let message = sandbox
            .failing("codegenReadFileRange", lines(first, last))
            .await;
        assert_eq!(message, "invalid line range");
    }
    let list = json!({"relativeWorkspacePath": ""});
    let listed = sandbox.tool("codegenListDir", list).await;
    assert_eq!(listed["directory"]["subdirectories"][1]["path"], "src");

    let search = json!({"query": "it's", "includePattern": "*.rs", "excludePattern": "a b"});
    let found = sandbox.tool("codegenGrepSearch", search).await;
    assert_eq!(
        found,
        json!({"success": true, "results": "{\"type\":\"match\"}\n"})
    );
    for (query, problem) in [
        ("none", "exit status 1"),
        ("other", "exec: \"rg\": executable file not found in $PATH"),
    ] {
        let search = json!({"query": query, "caseSensitive": true});
        let message = sandbox.failing("codegenGrepSearch", search).await;
        assert_eq!(message, format!("grep search failed: {problem}"));
    }
    let found = sandbox
        .tool("codegenCodebaseSearch", json!({"query": "q"}))
        .await;
    assert_eq!(found, json!({"success": true, "results": [], "query": "q"}));
    for (tool, arguments) in [
        ("codegenReapply", json!({"targetFile": "a"})),
        (
            "codegenParallelApply",
            json!({"editPlan": "a", "editRegions": null}),
        ),
    ] {
        assert_eq!(sandbox.tool(tool, arguments).await["success"], false);
    }
}

#[tokio::test]
async fn provider_tools_end_where_the_provider_would_be_called() {
    let with_key = |name: &str| {
        let name = name.to_owned();
        Sandbox::with(|builder| builder.env(name, "k"))
    };
    let relace = with_key("RELACE_API_KEY");
    relace.put_files(&[("/blaxel/src/a.rs", ""), ("/blaxel/target/b.rs", "")]);
    let edit = json!({"targetFile": "a", "instructions": "", "codeEdit": ""});
    let message = relace.failing("codegenEditFile", edit).await;
    assert!(message.starts_with("failed to apply edit: "), "{message}");
    let rank =
        |path: &str, pattern: &str| json!({"path": path, "query": "q", "filePattern": pattern});
    for (arguments, problem) in [
        (rank("src/a.rs", ""), "path is not a directory: src/a.rs"),
        (
            rank("", "("),
            "failed to collect documents: invalid file pattern regex: ",
        ),
        (rank("", ""), "failed to rerank documents: "),
    ] {
        let message = relace.failing("codegenRerank", arguments).await;
        assert!(message.starts_with(problem), "{message}");
    }
    let ranked = relace.tool("codegenRerank", rank("target", "rs$")).await;
    assert_eq!(ranked["files"], json!([]));
    let morph = with_key("MORPH_API_KEY");
    assert_eq!(
        morph.failing("codegenRerank", rank("", "")).await,
        "current provider (morph) does not support reranking"
    );
}

#[tokio::test(start_paused = true)]
async fn process_tools_run_and_end_processes() {
    let sandbox = running();
    let ran = sandbox
        .tool(
            "processExecute",
            json!({"command": "pwd; echo $A >&2", "name": "p", "env": {"A": "b"}, "waitForCompletion": true}),
        )
        .await;
    assert_eq!(
        ran,
        json!({"pid": ran["pid"], "name": "p", "status": "completed", "exitCode": 0, "logs": "/\nb\n"})
    );
    let named = json!({"identifier": "p"});
    let got = sandbox.tool("processGet", named.clone()).await;
    assert_eq!(
        (&got["stdout"], &got["stderr"], &got["workingDir"]),
        (&json!("/\n"), &json!("b\n"), &json!("/"))
    );
    assert_eq!(sandbox.get("/process/p").await.json(), got);
    let logs = sandbox.tool("processGetLogs", named.clone()).await;
    assert_eq!(logs, json!({"logs": "/\nb\n"}));
    assert_eq!(
        sandbox.failing("processStop", named).await,
        "failed to stop process: process with Identifier p is not running"
    );

    let long = |name: &str| json!({"command": "sleep 1000", "name": name});
    let started = sandbox.tool("processExecute", long("a")).await;
    assert_eq!(
        (&started["status"], started.get("logs")),
        (&json!("running"), None)
    );
    sandbox.tool("processExecute", long("b")).await;
    let stopped = sandbox
        .tool("processStop", json!({"identifier": "a"}))
        .await;
    assert_eq!(stopped, json!({"status": "stopped"}));
    let killed = sandbox
        .tool("processKill", json!({"identifier": "b"}))
        .await;
    assert_eq!(killed, json!({"status": "killed"}));
    let listed = sandbox.tool("processesList", json!({})).await;
    assert_eq!(listed["processes"], sandbox.get("/process").await.json());
    for (tool, problem) in [
        ("processGet", "failed to get process: process not found"),
        (
            "processGetLogs",
            "failed to get process logs: process with PID x not found",
        ),
        (
            "processStop",
            "failed to stop process: process with Identifier x not found",
        ),
        (
            "processKill",
            "failed to kill process: process with Identifier x not found",
        ),
    ] {
        let message = sandbox.failing(tool, json!({"identifier": "x"})).await;
        assert_eq!(message, problem);
    }
    let elsewhere = json!({"command": "pwd", "workingDir": "no"});
    let message = sandbox.failing("processExecute", elsewhere).await;
    assert!(
        message.starts_with("failed to start process: "),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_ends_in_time_and_asks_to_poll() {
    let sandbox = running();
    let run = |timeout: Value| json!({"command": "echo so far; sleep 1000", "name": "p", "waitForCompletion": true, "timeout": timeout});
    for (timeout, problem) in [
        (Value::Null, "process timed out after 30 seconds"),
        (json!(5), "process timed out after 5 seconds"),
    ] {
        assert_eq!(
            sandbox.failing("processExecute", run(timeout)).await,
            problem
        );
    }
    let before = sandbox.clock().since_epoch();
    let polled = sandbox.tool("processExecute", run(json!(600))).await;
    assert_eq!(
        sandbox.clock().since_epoch() - before,
        Duration::from_secs(58)
    );
    assert_eq!(polled["pollRequired"], true);
    assert_eq!(
        (&polled["status"], &polled["logs"]),
        (&json!("running"), &json!("so far\n"))
    );
    assert!(
        polled["message"].as_str().unwrap().contains("'p'"),
        "{polled}"
    );
}

/// Waits until a port of a machine is open, or closed.
async fn until(guest: &SimulatedGuest, is_open: bool) {
    let changed = async {
        while guest.listeners().is_empty() == is_open {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, changed).await.unwrap();
}

#[tokio::test]
async fn a_call_whose_client_has_gone_does_not_keep_the_sandbox() {
    let guest = SimulatedGuest::new(Clock::standing());
    let sandbox = Sandbox(Server::builder(guest.clone()).build());
    let run = json!({"command": "python3 -m http.server", "waitForCompletion": true, "timeout": 0});
    let call = json!({"name": "processExecute", "arguments": run});
    let call = tokio::spawn(async move { sandbox.rpc("tools/call", call).await });
    until(&guest, true).await;
    call.abort();
    until(&guest, false).await;
}
