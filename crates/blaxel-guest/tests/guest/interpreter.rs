//! The code interpreter on port 8888, with scripted code.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use blaxel_guest::{Clock, CodeScript, CommandPattern, Server, SimulatedGuest};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{Answer, Sandbox, each, request};

fn scripted() -> SimulatedGuest {
    let guest = SimulatedGuest::new(Clock::real());
    guest.on_code("print(1)", CodeScript::new().stdout("1\n"));
    guest.on_code("6 * 7", CodeScript::new().result_text("42"));
    guest.on_code(
        "while True: pass",
        CodeScript::new().stdout("on\n").forever(),
    );
    guest.on_code("os._exit(1)", CodeScript::new().stdout("off\n").crash());
    guest
}

fn sandbox_of(guest: &SimulatedGuest) -> Sandbox {
    Sandbox(Server::builder(guest.clone()).interpreter(true).build())
}

fn sandbox() -> Sandbox {
    sandbox_of(&scripted())
}

impl Sandbox {
    async fn code(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.call(&format!("{method} /port/8888{path}"), body).await
    }

    /// Runs code and returns its records without their times.
    async fn run(&self, request: &Value) -> Vec<Value> {
        let answer = self.code("POST", "/execute", request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.header("content-type"), "");
        records(answer.text())
    }

    async fn context(&self, new: Value) -> Value {
        let answer = self.code("POST", "/contexts", &new).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }
}

/// Reads records, and removes their times after a check.
fn records(text: &str) -> Vec<Value> {
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let is_printed = record["type"] == "stdout" || record["type"] == "stderr";
        let time = record.as_object_mut().unwrap().remove("timestamp");
        let has_time = time.is_some_and(|time| time.as_str().unwrap().ends_with('Z'));
        assert_eq!(has_time, is_printed, "{line}");
        record
    };
    text.lines().map(record).collect()
}

fn count(count: u64) -> Value {
    json!({"type": "number_of_executions", "execution_count": count})
}

fn end() -> Value {
    json!({"type": "end_of_execution"})
}

#[tokio::test(start_paused = true)]
async fn scripted_code_prints_displays_and_ends_with_a_value() {
    let guest = scripted();
    let everything = CodeScript::new()
        .stdout("a\n")
        .pause(Duration::from_secs(5))
        .stderr("b\n")
        .display([
            ("text/plain", "'plot'"),
            ("image/png", "iVBO"),
            ("application/json", "[1]"),
        ])
        .result([("text/plain", "7"), ("x/y", "z")]);
    guest.on_code(CommandPattern::prefix("import"), everything);
    let sandbox = sandbox_of(&guest);
    let before = sandbox.clock().since_epoch();
    let records = sandbox.run(&json!({"code": "import numpy"})).await;
    assert_eq!(
        sandbox.clock().since_epoch() - before,
        Duration::from_secs(5)
    );
    assert_eq!(
        records,
        [
            count(1),
            json!({"type": "stdout", "text": "a\n"}),
            json!({"type": "stderr", "text": "b\n"}),
            json!({
                "type": "result", "is_main_result": false, "text": "plot", "png": "iVBO",
                "json": [1], "extra": {},
            }),
            json!({"type": "result", "is_main_result": true, "text": "7", "extra": {"x/y": "z"}}),
            end(),
        ]
    );
    assert_eq!(
        sandbox.run(&json!({"code": " \n"})).await,
        [count(1), end()]
    );
    assert_eq!(
        sandbox
            .run(&json!({"code": "6 * 7", "env_vars": null}))
            .await[0],
        count(2)
    );
}

#[tokio::test]
async fn failures_are_records_and_code_without_a_script_says_so() {
    let guest = scripted();
    let failure = CodeScript::new().error("ZeroDivisionError", "division by zero", "Traceback");
    guest.on_code("1/0", failure);
    let sandbox = sandbox_of(&guest);
    let failed = sandbox.run(&json!({"code": "1/0"})).await;
    let error = json!({
        "type": "error", "name": "ZeroDivisionError", "value": "division by zero",
        "traceback": "Traceback",
    });
    assert_eq!(failed, [count(1), error, end()]);
    let unknown = sandbox.run(&json!({"code": "x = 1\nx"})).await;
    assert_eq!(
        (unknown.len(), &unknown[1]["name"]),
        (3, &json!("NoScriptError"))
    );
    let hint = unknown[1]["value"].as_str().unwrap();
    assert!(
        hint.contains("\"x = 1\"") && hint.contains("on_code"),
        "{hint}"
    );
}

#[tokio::test]
async fn contexts_are_created_listed_restarted_and_deleted() {
    let sandbox = sandbox();
    let first = sandbox.context(json!({})).await;
    let second = sandbox
        .context(json!({"language": " TS", "cwd": "/tmp"}))
        .await;
    assert_eq!(
        (&first["language"], &first["cwd"]),
        (&json!("python"), &json!("/app"))
    );
    assert_eq!(
        (&second["language"], &second["cwd"]),
        (&json!("typescript"), &json!("/tmp"))
    );
    assert_ne!(first["id"], second["id"]);
    let run = |context: &Value| json!({"code": "print(1)", "context_id": context["id"]});
    for expected in [1, 2] {
        assert_eq!(sandbox.run(&run(&first)).await[0], count(expected));
    }
    assert_eq!(sandbox.run(&run(&second)).await[0], count(1));

    let id = first["id"].as_str().unwrap();
    let restart = format!("/contexts/{id}/restart");
    let answer = sandbox.code("POST", &restart, &Value::Null).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "null"));
    assert_eq!(sandbox.run(&run(&first)).await[0], count(1));

    let delete = format!("/contexts/{id}");
    let answer = sandbox.code("DELETE", &delete, &Value::Null).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "null"));
    let listed = sandbox.code("GET", "/contexts", &Value::Null).await.json();
    assert_eq!(listed, json!([second]));
    for (method, path, body) in [
        ("DELETE", delete.as_str(), Value::Null),
        ("POST", restart.as_str(), Value::Null),
        ("POST", "/execute", run(&first)),
    ] {
        let answer = sandbox.code(method, path, &body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.text(), format!("Context {id} not found"));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
}

#[tokio::test]
async fn code_without_a_context_shares_one_per_language() {
    let sandbox = sandbox();
    let run = |language: Option<&str>| json!({"code": "6 * 7", "language": language});
    for (language, expected) in [
        (None, 1),
        (Some("python"), 2),
        (Some(""), 3),
        (Some("js"), 1),
        (Some("javascript"), 2),
    ] {
        let records = sandbox.run(&run(language)).await;
        assert_eq!(records[0], count(expected), "{language:?}");
    }
    let listed = sandbox.code("GET", "/contexts", &Value::Null).await.json();
    assert_eq!(each(&listed, "language"), ["python", "javascript"]);
    // The name of the last one.
    let named = sandbox
        .run(&json!({"code": "6 * 7", "context_id": "default"}))
        .await;
    assert_eq!(named[0], count(3));
    // A deleted one is created again.
    let id = listed[0]["id"].as_str().unwrap();
    sandbox
        .code("DELETE", &format!("/contexts/{id}"), &Value::Null)
        .await;
    assert_eq!(sandbox.run(&run(None)).await[0], count(1));
}

#[tokio::test]
async fn requests_that_do_not_fit_are_refused() {
    let sandbox = sandbox();
    let both = json!({"code": "", "context_id": "a", "language": "python"});
    for (method, path, body, status) in [
        ("POST", "/execute", both, 400),
        (
            "POST",
            "/execute",
            json!({"code": "", "language": "cobol"}),
            400,
        ),
        ("POST", "/contexts", json!({"language": "cobol"}), 400),
        ("POST", "/execute", json!({}), 422),
        ("POST", "/execute", json!({"code": 1}), 422),
        ("POST", "/contexts", Value::Null, 422),
        ("GET", "/execute", Value::Null, 405),
        ("PUT", "/contexts", Value::Null, 405),
        ("GET", "/contexts/a/restart", Value::Null, 405),
        ("GET", "/contexts/a", Value::Null, 405),
        ("GET", "/nothing", Value::Null, 404),
        ("GET", "", Value::Null, 404),
    ] {
        let answer = sandbox.code(method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        if status == 422 {
            assert_eq!(answer.json()["detail"][0]["loc"], json!(["body"]), "{path}");
        }
    }
    let unknown = json!({"language": "cobol"});
    let answer = sandbox.code("POST", "/contexts", &unknown).await;
    assert!(
        answer.text().starts_with("Failed to create context: "),
        "{answer:?}"
    );
    let health = sandbox.code("GET", "/health", &Value::Null).await;
    assert_eq!((health.status, health.text()), (StatusCode::OK, "\"OK\""));
}

/// Reads the next line of a stream.
async fn line(body: &mut Body) -> Value {
    let frame = body.frame().await.unwrap().unwrap();
    serde_json::from_slice(&frame.into_data().unwrap()).unwrap()
}

async fn start(sandbox: &Sandbox, context: &Value) -> Body {
    let run = json!({"code": "while True: pass", "context_id": context["id"]});
    let request = request("POST /port/8888/execute", &[], run.to_string());
    let mut body = sandbox.open(request).await.into_body();
    line(&mut body).await;
    assert_eq!(line(&mut body).await["text"], "on\n");
    body
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_with_its_context() {
    let sandbox = sandbox();
    for (method, action) in [("POST", "/restart"), ("DELETE", "")] {
        let context = sandbox.context(json!({})).await;
        let body = start(&sandbox, &context).await;
        let id = context["id"].as_str().unwrap();
        sandbox
            .code(method, &format!("/contexts/{id}{action}"), &Value::Null)
            .await;
        let rest = body.collect().await.unwrap().to_bytes();
        let rest = records(std::str::from_utf8(&rest).unwrap());
        let names: Vec<_> = rest.iter().map(|record| record["name"].clone()).collect();
        let expected = json!(["WebSocketError", "UnexpectedEndOfExecution", null]);
        assert_eq!(json!(names), expected, "{method}");
        assert_eq!(rest.last(), Some(&end()));
    }
}

#[tokio::test(start_paused = true)]
async fn runs_in_a_context_wait_for_each_other_also_if_nobody_reads_the_first() {
    let guest = scripted();
    let slow = CodeScript::new()
        .stdout("slow\n")
        .pause(Duration::from_secs(10))
        .stdout("lost\n");
    guest.on_code("slow", slow);
    let sandbox = sandbox_of(&guest);
    let context = sandbox.context(json!({})).await;
    let other = sandbox.context(json!({})).await;
    let run = |context: &Value, code: &str| json!({"code": code, "context_id": context["id"]});
    let request = request(
        "POST /port/8888/execute",
        &[],
        run(&context, "slow").to_string(),
    );
    let mut body = sandbox.open(request).await.into_body();
    assert_eq!(line(&mut body).await, count(1));
    let before = sandbox.clock().since_epoch();
    sandbox.run(&run(&other, "print(1)")).await;
    assert_eq!(
        sandbox.clock().since_epoch(),
        before,
        "contexts are independent"
    );
    drop(body);
    let records = sandbox.run(&run(&context, "print(1)")).await;
    assert_eq!(
        sandbox.clock().since_epoch() - before,
        Duration::from_secs(10)
    );
    let printed = json!({"type": "stdout", "text": "1\n"});
    assert_eq!(records, [count(2), printed, end()]);
}

#[tokio::test]
async fn a_crash_is_an_error_and_the_context_goes_on() {
    let sandbox = sandbox();
    let context = sandbox.context(json!({})).await;
    let run = |code: &str| json!({"code": code, "context_id": context["id"]});
    sandbox.run(&run("print(1)")).await;
    let crashed = sandbox.run(&run("os._exit(1)")).await;
    assert_eq!(crashed[0], count(2));
    assert_eq!(crashed[1]["text"], "off\n");
    assert_eq!(crashed[2]["name"], "ContextRestarting");
    assert_eq!(crashed[3..], [end()]);
    assert_eq!(sandbox.run(&run("print(1)")).await[0], count(1));
}

#[tokio::test]
async fn without_the_interpreter_the_port_belongs_to_whoever_listens() {
    let guest = scripted();
    let sandbox = Sandbox(Server::builder(guest.clone()).build());
    let answer = sandbox.code("GET", "/health", &Value::Null).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    guest.on_port(
        8888,
        Router::new().route("/health", get(|| async { "mine" })),
    );
    let answer = sandbox.code("GET", "/health", &Value::Null).await;
    assert_eq!(answer.text(), "mine");
    let with_both = sandbox_of(&guest);
    let answer = with_both.code("GET", "/health", &Value::Null).await;
    assert_eq!(answer.text(), "\"OK\"");
}
