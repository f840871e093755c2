//! Processes: starting, listing, waiting for and ending them.

use std::time::Duration;

use blaxel_guest::ServerVersion::{self, August, Current};
use blaxel_guest::{Script, SimulatedGuest, Stream};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::Sandbox;

const SECOND: Duration = Duration::from_secs(1);

fn programs(guest: &SimulatedGuest) {
    let both = Script::stdout("hi\n").then(Script::stderr("err\n"));
    guest.on_command("both", both.clone());
    guest.on_command("fail", both.exit(3));
    guest.on_command(
        "slow",
        Script::from(SECOND * 5).then(Script::stdout("done\n")),
    );
    guest.on_command("forever", Script::forever());
    guest.on_command("flaky", Script::stdout("start\n").exit(7));
}

fn sandbox(version: ServerVersion) -> Sandbox {
    Sandbox::running(version, programs)
}

async fn execute(sandbox: &Sandbox, process: Value) -> Value {
    let answer = sandbox.execute(&process).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_waited_for_is_returned_with_its_output() {
    let sandbox = sandbox(August);
    for (command, status, code) in [("both", "completed", 0), ("fail", "failed", 3)] {
        let process = json!({"command": command, "name": command, "waitForCompletion": true});
        let mut process = execute(&sandbox, process).await;
        let pid = process["pid"].as_str().unwrap().to_owned();
        for field in ["startedAt", "completedAt"] {
            let date = process[field].take();
            let date = date.as_str().unwrap();
            assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
            assert!(date.ends_with(" GMT"), "{date}");
        }
        let expected = json!({
            "pid": pid, "name": command, "command": command, "status": status,
            "startedAt": null, "completedAt": null, "exitCode": code, "workingDir": "",
            "logs": "hi\nerr\n", "stdout": "hi\n", "stderr": "err\n",
            "restartOnFailure": false, "maxRestarts": 0, "restartCount": 0, "keepAlive": false,
        });
        assert_eq!(process, expected);
        for identifier in [command, &pid] {
            let found = sandbox.get(&format!("/process/{identifier}")).await.json();
            assert_eq!(found["logs"], "hi\nerr\n");
        }
    }
    let logs = sandbox.get("/process/fail/logs").await.json();
    let expected = json!({"stdout": "hi\n", "stderr": "err\n", "logs": "hi\nerr\n"});
    assert_eq!(logs, expected);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_waited_for_is_running() {
    let sandbox = sandbox(Current);
    let process = execute(&sandbox, json!({"command": "forever", "name": "f"})).await;
    assert_eq!(process["status"], "running");
    assert_eq!(process["completedAt"], "");
    assert_eq!(process["logs"], Value::Null);
    assert_eq!(process["stdout"], "");
    assert_eq!(process["stdin"], false);
    let list = sandbox.get("/process").await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["completedAt"], Value::Null);
    assert_eq!(list[0]["logs"], "");
    let single = sandbox.get("/process/f").await.json();
    assert_eq!(single["completedAt"], "");
    assert_eq!(single["logs"], "");
}

#[tokio::test(start_paused = true)]
async fn requests_are_refused_as_the_server_refuses_them() {
    let sandbox = sandbox(Current);
    execute(&sandbox, json!({"command": "forever", "name": "taken"})).await;
    execute(
        &sandbox,
        json!({"command": "both", "name": "over", "waitForCompletion": true}),
    )
    .await;
    let required = "invalid request body: Key: 'ProcessRequest.Command' Error:Field validation \
                    for 'Command' failed on the 'required' tag";
    let bodies = [
        ("{}", 400, required),
        ("{\"command\":\"\"}", 400, required),
        ("", 400, "invalid request body: EOF"),
        ("nope", 400, "invalid request body: "),
        ("{\"command\":5}", 400, "invalid request body: "),
        (
            "{\"command\":\"echo \\u0000\"}",
            422,
            "failed to start process: fork/exec sh: invalid argument",
        ),
        (
            "{\"command\":\"both\",\"env\":{\"A\":\"\\u0000\"}}",
            422,
            "failed to start process: fork/exec sh: invalid argument",
        ),
        (
            "{\"command\":\"both\",\"name\":\"taken\"}",
            400,
            "process with name 'taken' already exists and is running",
        ),
        (
            "{\"command\":\"pwd\",\"workingDir\":\"//nope\"}",
            422,
            "failed to start process: could not execute command 'pwd' because folder '/nope' \
             does not exist",
        ),
        (
            "{\"command\":\"pwd\",\"workingDir\":\"/etc/passwd\"}",
            422,
            "failed to start process: fork/exec sh: not a directory",
        ),
        (
            "{\"command\":\"slow\",\"waitForCompletion\":true,\"timeout\":2}",
            422,
            "process timed out after 2 seconds",
        ),
        (
            "{\"command\":\"slow\",\"waitForPorts\":[3000],\"timeout\":2}",
            422,
            "process timed out waiting for ports after 2 seconds",
        ),
    ];
    for (body, status, message) in bodies {
        let answer = sandbox.call("POST /process", body).await;
        assert_eq!(answer.status, status, "{body}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(message), "{body}: {error}");
    }
    let calls = [
        ("GET /process/zz", 404, "process not found"),
        ("GET /process/zz/wait", 404, "process not found"),
        (
            "GET /process/taken/wait?timeout=x",
            400,
            "invalid timeout: x",
        ),
        ("GET /process/zz/logs", 404, "process with PID zz not found"),
        (
            "GET /process/zz/logs/stream",
            404,
            "process with Identifier zz not found",
        ),
        (
            "DELETE /process/zz",
            404,
            "process with Identifier zz not found",
        ),
        (
            "DELETE /process/zz/kill",
            404,
            "process with Identifier zz not found",
        ),
        (
            "DELETE /process/over",
            404,
            "process with Identifier over is not running",
        ),
        (
            "DELETE /process/over/kill",
            404,
            "failed to kill process with Identifier over: no such process",
        ),
    ];
    for (call, status, message) in calls {
        let answer = sandbox.call(call, "").await;
        assert_eq!(answer.status, status, "{call}");
        assert_eq!(answer.json()["error"], message, "{call}");
    }
    for path in [
        "/process",
        "/process/zz",
        "/process/zz/logs",
        "/process/zz/logs/stream",
    ] {
        let answer = sandbox.call(&format!("HEAD {path}"), "").await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::OK, ""),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn today_s_routes_are_missing_in_august() {
    let sandbox = sandbox(August);
    execute(
        &sandbox,
        json!({"command": "forever", "name": "f", "stdin": true}),
    )
    .await;
    for call in [
        "GET /process/f/wait",
        "POST /process/f/stdin",
        "DELETE /process/f/stdin",
    ] {
        let answer = sandbox.call(call, "").await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::NOT_FOUND, "404 page not found")
        );
    }
    assert!(
        sandbox
            .get("/process/f")
            .await
            .json()
            .get("stdin")
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn stopped_and_killed_processes_say_so() {
    let sandbox = sandbox(Current);
    for (call, status, message) in [
        (
            "DELETE /process/p",
            "stopped",
            "Process stopped successfully",
        ),
        (
            "DELETE /process/p/kill",
            "killed",
            "Process killed successfully",
        ),
    ] {
        execute(&sandbox, json!({"command": "forever", "name": "p"})).await;
        let answer = sandbox.call(call, "").await;
        assert_eq!(answer.json(), json!({"message": message}));
        let process = sandbox.get("/process/p/wait").await.json();
        assert_eq!(process["status"], status);
        assert_eq!(process["exitCode"], -1);
        assert_ne!(process["completedAt"], "");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_stands_for_the_last_process_and_a_number_for_a_process_id() {
    let sandbox = sandbox(August);
    for command in ["both", "fail"] {
        let process = json!({"command": command, "name": "same", "waitForCompletion": true});
        execute(&sandbox, process).await;
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(sandbox.get("/process/same").await.json()["command"], "fail");
    execute(&sandbox, json!({"command": "both", "name": "123"})).await;
    assert_eq!(
        sandbox.get("/process/123").await.status,
        StatusCode::NOT_FOUND
    );
    let unnamed = execute(&sandbox, json!({"command": "both"})).await;
    let name = unnamed["name"].as_str().unwrap();
    assert!(name.starts_with("proc-") && name.len() == 13, "{name}");
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_process_or_with_its_time() {
    let sandbox = sandbox(Current);
    execute(&sandbox, json!({"command": "slow", "name": "s"})).await;
    let process = sandbox.get("/process/s/wait?timeout=2").await.json();
    assert_eq!(process["status"], "running");
    let started = tokio::time::Instant::now();
    let process = sandbox.get("/process/s/wait?timeout=100").await.json();
    assert_eq!(process["status"], "completed");
    assert_eq!(process["stdout"], "done\n");
    assert!(started.elapsed() < SECOND * 4);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_kept_alive_is_killed_after_its_time() {
    let sandbox = sandbox(Current);
    for (timeout, seconds) in [(Some(30), 30), (None, 600), (Some(-1), 600)] {
        let process =
            json!({"command": "forever", "name": "k", "keepAlive": true, "timeout": timeout});
        assert_eq!(execute(&sandbox, process).await["keepAlive"], true);
        tokio::time::sleep(SECOND * (seconds - 1)).await;
        assert_eq!(sandbox.get("/process/k").await.json()["status"], "running");
        tokio::time::sleep(SECOND * 2).await;
        let process = sandbox.get("/process/k").await.json();
        assert_eq!(process["status"], "killed", "{timeout:?}");
        assert_eq!(process["keepAlive"], false);
    }
    let process = json!({"command": "forever", "name": "k", "keepAlive": true, "timeout": 0});
    execute(&sandbox, process).await;
    tokio::time::sleep(SECOND * 100_000).await;
    assert_eq!(sandbox.get("/process/k").await.json()["status"], "running");
}

#[tokio::test(start_paused = true)]
async fn keeping_processes_alive_can_be_disabled() {
    let sandbox = Sandbox::with(|builder| builder.env("BL_DISABLE_KEEPALIVE", "true"));
    let answer = sandbox
        .execute(&json!({"command": "true", "keepAlive": true}))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_failing_process_is_restarted() {
    for (limit, restarts) in [(2, 2), (0, 0)] {
        let sandbox = sandbox(August);
        let process = json!({
            "command": "flaky", "name": "f", "restartOnFailure": true, "maxRestarts": limit,
            "waitForCompletion": true,
        });
        let process = execute(&sandbox, process).await;
        assert_eq!(process["restartCount"], restarts);
        assert_eq!(process["exitCode"], 7);
        let notices: String = (1..=restarts)
            .map(|n| {
                format!("\n[Process failed with exit code 7. Attempting restart {n}/{limit}...]\nstart\n")
            })
            .collect();
        assert_eq!(process["stdout"], format!("start\n{notices}"));
    }
    let sandbox = sandbox(Current);
    let process =
        json!({"command": "flaky", "name": "f", "restartOnFailure": true, "maxRestarts": -1});
    execute(&sandbox, process).await;
    tokio::time::sleep(SECOND * 10).await;
    let process = sandbox.get("/process/f").await.json();
    assert!(process["restartCount"].as_i64().unwrap() >= 9, "{process}");
    assert!(
        process["stdout"]
            .as_str()
            .unwrap()
            .contains("Attempting restart 3/unlimited...")
    );
}

#[tokio::test(start_paused = true)]
async fn long_output_is_cut_in_views_and_whole_in_logs() {
    let sandbox = Sandbox::running(Current, |guest| {
        guest.on_command("long", Script::stdout("x".repeat(100_000)));
    });
    let process = json!({"command": "long", "name": "l", "waitForCompletion": true});
    let process = execute(&sandbox, process).await;
    assert_eq!(process["stdout"].as_str().unwrap().len(), 100_000);
    let view = sandbox.get("/process/l").await.json();
    let marker = "[... truncated, see the process log file for the full output ...]\n";
    let expected = format!("{marker}{}", "x".repeat(64 << 10));
    assert_eq!(view["stdout"], expected);
    let logs = sandbox.get("/process/l/logs").await.json();
    assert_eq!(logs["stdout"].as_str().unwrap().len(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn processes_end_with_the_server() {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let sandbox = sandbox(Current);
    execute(&sandbox, json!({"command": "forever"})).await;
    // The task holds the guest, and the guest holds the pattern.
    let guest = SimulatedGuest::new(blaxel_guest::Clock::real());
    guest.on_command(
        blaxel_guest::CommandPattern::matching(move |_| {
            let _ = &sender;
            false
        }),
        Script::forever(),
    );
    guest.on_command("forever", Script::forever());
    let server = blaxel_guest::Server::builder(guest).build();
    let other = Sandbox(server);
    execute(&other, json!({"command": "forever"})).await;
    drop(other);
    tokio::time::sleep(SECOND).await;
    let closed = receiver.try_recv();
    assert_eq!(closed, Err(std::sync::mpsc::TryRecvError::Disconnected));
}

/// The owner of a server looks at its processes without being a client: nothing is used by it.
#[tokio::test(start_paused = true)]
async fn processes_and_their_output_are_seen_from_outside() {
    let sandbox = sandbox(Current);
    let server = &sandbox.0;
    assert!(server.processes().is_empty() && server.process_output(1).is_none());
    let both = json!({"command": "fail", "name": "a", "waitForCompletion": true});
    execute(&sandbox, both).await;
    execute(&sandbox, json!({"command": "slow", "name": "b"})).await;
    let processes = server.processes();
    let seen: Vec<_> = processes
        .iter()
        .map(|process| (process.name.as_str(), process.status, process.exit_code))
        .collect();
    assert_eq!(seen, [("a", "failed", Some(3)), ("b", "running", None)]);
    assert!(processes[0].completed >= Some(processes[0].started));
    assert_eq!(processes[1].completed, None);

    let mut ended = server.process_output(processes[0].pid).unwrap();
    let mut text = Vec::new();
    while let Some(output) = ended.wait().await {
        text.push((output.stream, output.bytes));
    }
    let expected = [(Stream::Stdout, "hi\n"), (Stream::Stderr, "err\n")];
    assert_eq!(text, expected.map(|(stream, text)| (stream, text.into())));

    let mut running = server.process_output(processes[1].pid).unwrap();
    assert_eq!(running.read(), None);
    let started = tokio::time::Instant::now();
    assert_eq!(running.wait().await.unwrap().bytes, "done\n");
    assert!(started.elapsed() >= SECOND * 4);
    assert_eq!(running.wait().await, None);
}
