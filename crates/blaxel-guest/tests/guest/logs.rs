//! Streams of output: events, texts, keepalives, ends.

use std::time::Duration;

use axum::body::Body;
use blaxel_guest::ServerVersion::{self, August, Current};
use blaxel_guest::{Script, SimulatedGuest};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::Sandbox;

const SECOND: Duration = Duration::from_secs(1);

fn programs(guest: &SimulatedGuest) {
    let chunks = Script::stdout("a\nb")
        .then(SECOND)
        .then(Script::stderr("e\n"))
        .then(SECOND)
        .then(Script::stdout("c\n"));
    guest.on_command("chunks", chunks.exit(2));
    guest.on_command("forever", Script::forever());
    guest.on_command("quiet", Script::from(SECOND * 70));
    guest.on_command("binary", Script::stdout(&b"\xff\xfe"[..]));
    guest.on_command("flaky", Script::stdout("one\n").exit(2));
}

fn sandbox(version: ServerVersion) -> Sandbox {
    Sandbox::running(version, programs)
}

fn get(path: &str, accept: &str) -> Request<Body> {
    let request = Request::get(path).header("accept", accept);
    request.body(Body::empty()).unwrap()
}

fn run(process: &Value, accept: &str) -> Request<Body> {
    let request = Request::post("/process").header("accept", accept);
    request.body(Body::from(process.to_string())).unwrap()
}

/// Returns the events of a stream, and the result that the last one has.
fn events(body: &str) -> (Vec<Value>, Option<Value>) {
    let lines = body.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut events: Vec<Value> = lines.collect();
    let has_result = events.last().is_some_and(|event| event["type"] == "result");
    let result = has_result.then(|| events.pop().unwrap());
    let result = result.map(|event| serde_json::from_str(event["data"].as_str().unwrap()).unwrap());
    (events, result)
}

#[tokio::test(start_paused = true)]
async fn a_run_streams_events_and_its_result() {
    let asked = [
        (August, "text/event-stream"),
        (Current, "text/event-stream"),
        (Current, "application/x-ndjson"),
    ];
    for (version, accept) in asked {
        let sandbox = sandbox(version);
        let answer = sandbox
            .send(run(&json!({"command": "chunks"}), accept))
            .await;
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("x-accel-buffering"), "no");
        let (events, result) = events(answer.text());
        let expected = [
            json!({"type": "stdout", "data": "a\nb"}),
            json!({"type": "stderr", "data": "e\n"}),
            json!({"type": "stdout", "data": "c\n"}),
        ];
        assert_eq!(events, expected);
        let result = result.unwrap();
        assert_eq!(result["status"], "failed");
        assert_eq!(result["exitCode"], 2);
        assert_eq!(result["logs"], "a\nbc\ne\n");
    }
    // The server of August does not know the other type.
    let answer = sandbox(August);
    let answer = answer
        .send(run(&json!({"command": "forever"}), "application/x-ndjson"))
        .await;
    assert_eq!(answer.json()["status"], "running");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_start_streams_an_error() {
    let sandbox = sandbox(Current);
    let process = json!({"command": "chunks", "workingDir": "/nope"});
    let answer = sandbox.send(run(&process, "text/event-stream")).await;
    assert_eq!(answer.status, 200);
    let message = "failed to start process: could not execute command 'chunks' because folder \
                   '/nope' does not exist";
    assert_eq!(answer.json(), json!({"type": "error", "data": message}));
    let process = json!({"command": "forever", "waitForPorts": [3000], "timeout": 3});
    let answer = sandbox.send(run(&process, "text/event-stream")).await;
    let message = "process timed out waiting for ports after 3 seconds";
    assert_eq!(answer.json(), json!({"type": "error", "data": message}));
    let answer = sandbox.send(run(&json!({}), "text/event-stream")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_run_sends_keepalives() {
    for (version, texts) in [(August, 2), (Current, 0)] {
        let sandbox = sandbox(version);
        let answer = sandbox
            .send(run(&json!({"command": "quiet"}), "text/event-stream"))
            .await;
        let (events, result) = events(answer.text());
        let count = |event: Value| events.iter().filter(|other| **other == event).count();
        let keepalives = count(json!({"type": "keepalive"}));
        assert!((13..=14).contains(&keepalives), "{keepalives}");
        assert_eq!(
            count(json!({"type": "stdout", "data": "[keepalive]\n"})),
            texts
        );
        assert_eq!(result.unwrap()["status"], "completed");
    }
}

#[tokio::test(start_paused = true)]
async fn logs_are_streamed_as_text_until_the_process_ends() {
    let cases = [
        (
            August,
            "stdout:a\nbstderr:e\nstdout:c\n",
            "stdout:a\nstdout:bstderr:e\nstdout:c\n",
        ),
        (
            Current,
            "stdout:a\nstdout:bstderr:e\nc\n",
            "stdout:a\nstdout:bstderr:e\nc\n",
        ),
    ];
    for (version, live, replayed) in cases {
        let sandbox = sandbox(version);
        // The request is there before the first output, since the process is started by polling.
        sandbox
            .execute(&json!({"command": "chunks", "name": "c"}))
            .await;
        let answer = sandbox.send(get("/process/c/logs/stream", "*/*")).await;
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.text(), live, "{version:?}");
        let answer = sandbox.get("/process/c/logs/stream").await;
        assert_eq!(answer.text(), replayed, "{version:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn logs_are_streamed_as_events_today() {
    let sandbox = sandbox(Current);
    sandbox
        .execute(&json!({"command": "chunks", "name": "c"}))
        .await;
    sandbox
        .execute(&json!({"command": "binary", "name": "b", "waitForCompletion": true}))
        .await;
    let answer = sandbox
        .send(get("/process/c/logs/stream", "application/x-ndjson"))
        .await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let (events, result) = events(answer.text());
    let expected = [
        json!({"type": "stdout", "data": "a\nb"}),
        json!({"type": "stderr", "data": "e\n"}),
        json!({"type": "stdout", "data": "c\n"}),
    ];
    assert_eq!(events, expected);
    assert!(result.is_none());
    let answer = sandbox
        .send(get("/process/b/logs/stream", "application/x-ndjson"))
        .await;
    let expected = json!({"type": "stdout", "data": "//4=", "encoding": "base64"});
    assert_eq!(answer.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_process_sends_keepalives_in_its_logs() {
    let cases = [
        (August, "*/*", "[keepalive]\n[keepalive]\n"),
        (Current, "*/*", "[keepalive]\n[keepalive]\n"),
        (
            Current,
            "application/x-ndjson",
            "{\"type\":\"keepalive\"}\n{\"type\":\"keepalive\"}\n{\"type\":\"keepalive\"}\n",
        ),
    ];
    for (version, accept, expected) in cases {
        let sandbox = sandbox(version);
        sandbox
            .execute(&json!({"command": "quiet", "name": "q"}))
            .await;
        let answer = sandbox.send(get("/process/q/logs/stream", accept)).await;
        assert_eq!(answer.text(), expected, "{version:?} {accept}");
    }
}

#[tokio::test(start_paused = true)]
async fn signals_are_announced_to_those_who_follow() {
    let sandbox = sandbox(Current);
    sandbox
        .execute(&json!({"command": "forever", "name": "f"}))
        .await;
    let request = get("/process/f/logs/stream", "*/*");
    let body = sandbox.open(request).await.into_body();
    let follower = tokio::spawn(async { body.collect().await.unwrap().to_bytes() });
    tokio::task::yield_now().await;
    sandbox.call("DELETE /process/f", "").await;
    let text = follower.await.unwrap();
    assert_eq!(text, "\n[Process is being gracefully terminated]\n");
    assert_eq!(sandbox.get("/process/f/logs/stream").await.text(), "");
    assert_eq!(sandbox.get("/process/f/logs").await.json()["stdout"], "");
}

#[tokio::test(start_paused = true)]
async fn streams_end_at_the_first_failure_in_august_and_at_the_last_one_today() {
    let notice = "\n[Process failed with exit code 2. Attempting restart 1/1...]\n";
    let cases = [
        (August, format!("stdout:one\n{notice}stdout:{notice}")),
        (Current, format!("stdout:one\n{notice}stdout:one\n")),
    ];
    let process = json!({
        "command": "flaky", "name": "f", "restartOnFailure": true, "maxRestarts": 1,
    });
    for (version, expected) in cases {
        let sandbox = sandbox(version);
        sandbox.execute(&process).await;
        let answer = sandbox.get("/process/f/logs/stream").await;
        assert_eq!(answer.text(), expected);
    }
    let sandbox = sandbox(Current);
    sandbox.execute(&process).await;
    let answer = sandbox
        .send(get("/process/f/logs/stream", "application/x-ndjson"))
        .await;
    let expected = [
        json!({"type": "keepalive"}),
        json!({"type": "stdout", "data": "one\n"}),
        json!({"type": "restart", "data": notice.trim()}),
        json!({"type": "stdout", "data": "one\n"}),
    ];
    assert_eq!(events(answer.text()).0, expected);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_process_is_found_out_after_the_head_in_august() {
    let answer = sandbox(August).get("/process/zz/logs/stream").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        answer.json(),
        json!({"error": "process with Identifier zz not found"})
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_survives_the_client_that_followed_it() {
    let sandbox = sandbox(Current);
    let process = json!({"command": "chunks", "name": "c"});
    let request = run(&process, "text/event-stream");
    let mut body = sandbox.open(request).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let process = sandbox.get("/process/c/wait").await.json();
    assert_eq!(process["exitCode"], 2);
    assert_eq!(process["stdout"], "a\nbc\n");
}
