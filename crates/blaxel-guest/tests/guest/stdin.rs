//! The standard input of processes.

use std::time::Duration;

use blaxel_guest::ServerVersion::Current;
use blaxel_guest::{Script, SimulatedGuest};
use http::StatusCode;
use serde_json::json;

use crate::support::Sandbox;

fn programs(guest: &SimulatedGuest) {
    guest.on_command("cat", Script::copy());
    guest.on_command("forever", Script::forever());
    guest.on_command("line", Script::read_line().then(Script::stdout("read\n")));
    guest.on_command("flaky", Script::read_to_end().exit(1));
}

#[tokio::test(start_paused = true)]
async fn bodies_are_written_in_order_until_the_end() {
    let sandbox = Sandbox::running(Current, programs);
    let process = sandbox
        .execute(&json!({"command": "cat", "name": "c", "stdin": true}))
        .await;
    assert_eq!(process.json()["stdin"], true);
    let large = "x".repeat(200_000);
    for body in ["one\n", "", large.as_str(), "\u{e9}\n"] {
        let answer = sandbox.call("POST /process/c/stdin", body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.json()["message"].is_string());
    }
    for _ in 0..2 {
        let answer = sandbox.call("DELETE /process/c/stdin", "").await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let process = sandbox.get("/process/c/wait").await.json();
    assert_eq!(process["status"], "completed");
    let logs = sandbox.get("/process/c/logs").await.json();
    assert_eq!(logs["stdout"], format!("one\n{large}\u{e9}\n"));
}

#[tokio::test(start_paused = true)]
async fn input_is_refused_without_an_open_pipe() {
    let sandbox = Sandbox::running(Current, programs);
    sandbox
        .execute(&json!({"command": "forever", "name": "none"}))
        .await;
    sandbox
        .execute(&json!({"command": "forever", "name": "full", "stdin": true}))
        .await;
    sandbox
        .execute(&json!({"command": "forever", "name": "closed", "stdin": true}))
        .await;
    sandbox
        .execute(&json!({"command": "line", "name": "over", "stdin": true}))
        .await;
    assert_eq!(
        sandbox.call("POST /process/over/stdin", "x\n").await.status,
        200
    );
    sandbox.get("/process/over/wait").await;
    sandbox.call("DELETE /process/closed/stdin", "").await;
    let huge = "x".repeat((8 << 20) + 1);
    let calls = [
        ("POST /process/zz/stdin", "x", 404),
        ("DELETE /process/zz/stdin", "", 404),
        ("POST /process/none/stdin", "x", 409),
        ("DELETE /process/none/stdin", "", 409),
        ("POST /process/closed/stdin", "x", 409),
        ("DELETE /process/closed/stdin", "", 200),
        ("POST /process/over/stdin", "x", 409),
        ("DELETE /process/over/stdin", "", 409),
        ("POST /process/full/stdin", huge.as_str(), 413),
    ];
    for (call, body, status) in calls {
        let answer = sandbox.call(call, body.to_owned()).await;
        assert_eq!(answer.status, status, "{call}");
    }
    let started = tokio::time::Instant::now();
    let answer = sandbox
        .call("POST /process/full/stdin", "x".repeat(1 << 20))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(started.elapsed() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_restart_has_a_pipe_of_its_own() {
    let sandbox = Sandbox::running(Current, programs);
    let process = json!({
        "command": "flaky", "name": "f", "stdin": true, "restartOnFailure": true, "maxRestarts": 1,
    });
    sandbox.execute(&process).await;
    sandbox.call("DELETE /process/f/stdin", "").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sandbox.call("POST /process/f/stdin", "x").await.status, 409);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sandbox.call("POST /process/f/stdin", "x").await.status, 200);
}
