//! Standby: sandboxes that nobody uses, and waking them up.

use std::time::Duration;

use blaxel_emulator::{Emulator, Fault};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{get, in_sandbox, post, run, watch};

const SECOND: Duration = Duration::from_secs(1);
const STANDBY: Duration = Duration::from_secs(15);

fn with_sandbox() -> Emulator {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "sb").unwrap();
    emulator
}

async fn state(emulator: &Emulator) -> Value {
    get("/sandboxes/sb").on(emulator).await.expect(200)["state"].clone()
}

async fn start(emulator: &Emulator, process: &Value) {
    let started = post(in_sandbox(emulator, "sb", "/process"), process);
    started.bare(&emulator.service()).await.expect(200);
    others_run().await;
}

/// Lets the processes of sandboxes run.
async fn others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn health(emulator: &Emulator) -> StatusCode {
    let health = get(in_sandbox(emulator, "sb", "/health"));
    health.bare(&emulator.service()).await.status
}

#[tokio::test]
async fn a_sandbox_goes_on_standby_after_fifteen_seconds_and_wakes_up_for_a_call() {
    let emulator = with_sandbox();
    emulator.clock().advance(STANDBY - SECOND);
    assert_eq!(state(&emulator).await, "RUNNING");
    emulator.clock().advance(SECOND);
    assert_eq!(state(&emulator).await, "STANDBY", "it was never called");
    assert_eq!(health(&emulator).await, 200);
    assert_eq!(state(&emulator).await, "RUNNING");
    emulator.clock().advance(STANDBY - SECOND);
    assert_eq!(health(&emulator).await, 200);
    emulator.clock().advance(STANDBY - SECOND);
    assert_eq!(state(&emulator).await, "RUNNING", "each call counts");
    emulator.clock().advance(SECOND);
    let asleep = get("/sandboxes/sb").on(&emulator).await.expect(200);
    assert_eq!(
        (&asleep["state"], &asleep["status"]),
        (&json!("STANDBY"), &json!("DEPLOYED"))
    );
}

#[tokio::test]
async fn processes_stand_still_on_standby_and_go_on_after_it() {
    let emulator = with_sandbox();
    let command = "sleep 60; date +%s > /tmp/ended";
    start(&emulator, &json!({"command": command, "name": "job"})).await;
    emulator.clock().advance(Duration::from_secs(3600));
    let status = async || {
        let job = get(in_sandbox(&emulator, "sb", "/process/job"));
        job.bare(&emulator.service()).await.expect(200)["status"].clone()
    };
    assert_eq!(status().await, "running");
    // It slept for 15 seconds before the standby.
    for _ in 0..44 {
        emulator.clock().advance(SECOND);
        assert_eq!(status().await, "running");
    }
    emulator.clock().advance(SECOND);
    others_run().await;
    assert_eq!(status().await, "completed");
    let ended = run(&emulator, "sb", "cat /tmp/ended").await;
    let now = emulator.clock().now().unix().unwrap().0;
    assert_eq!(ended.trim(), now.to_string(), "the time of the day went on");
}

#[tokio::test]
async fn an_open_stream_and_a_process_that_is_kept_alive_keep_a_sandbox_awake() {
    let emulator = with_sandbox();
    let kept = json!({"command": "sleep 100", "name": "kept", "keepAlive": true, "timeout": 60});
    start(&emulator, &kept).await;
    emulator.clock().advance(Duration::from_secs(59));
    assert_eq!(state(&emulator).await, "RUNNING");
    let logs = get(in_sandbox(&emulator, "sb", "/process/kept/logs/stream"));
    let mut stream = logs.begin(&emulator.service()).await.unwrap().into_body();
    // The time limit ends the process, and the end of the process the stream.
    emulator.clock().advance(SECOND);
    while stream.frame().await.is_some() {}
    drop(stream);
    emulator.clock().advance(STANDBY - SECOND);
    assert_eq!(state(&emulator).await, "RUNNING");
    emulator.clock().advance(SECOND);
    assert_eq!(state(&emulator).await, "STANDBY");

    let watch = watch(&emulator, "sb").await;
    emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(state(&emulator).await, "RUNNING", "the stream is open");
    drop(watch);
    emulator.clock().advance(STANDBY);
    assert_eq!(state(&emulator).await, "STANDBY");
}

#[tokio::test]
async fn the_first_calls_after_standby_meet_their_faults() {
    let emulator = with_sandbox();
    let cold = Fault::gateway(StatusCode::NOT_FOUND, "WORKLOAD_UNAVAILABLE", true);
    emulator.fault("WakeSandbox", cold, 2).unwrap();
    emulator
        .fault("WakeSandbox", Fault::html(StatusCode::BAD_GATEWAY), 1)
        .unwrap();
    assert_eq!(health(&emulator).await, 200, "it is awake");
    emulator.clock().advance(STANDBY);
    for expected in [404, 404, 502] {
        assert_eq!(health(&emulator).await, expected);
        assert_eq!(state(&emulator).await, "STANDBY");
    }
    assert_eq!(health(&emulator).await, 200);
    assert_eq!(emulator.waiting_faults(), 0);
}

#[tokio::test]
async fn the_first_call_waits_until_the_sandbox_is_awake() {
    let emulator = Emulator::builder().wake_time(SECOND).build();
    emulator.add("sandboxes", "sb").unwrap();
    assert_eq!(health(&emulator).await, 200);
    emulator.clock().advance(STANDBY);
    let waiting = health(&emulator);
    tokio::pin!(waiting);
    for _ in 0..10 {
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("it did not wait"),
            () = tokio::task::yield_now() => {}
        }
    }
    emulator.clock().advance(SECOND);
    assert_eq!(waiting.await, 200);
    assert_eq!(
        health(&emulator).await,
        200,
        "the second call does not wait"
    );
}

#[tokio::test]
async fn the_time_until_standby_can_be_set() {
    let emulator = Emulator::builder().standby_after(Duration::MAX).build();
    emulator.add("sandboxes", "sb").unwrap();
    assert_eq!(health(&emulator).await, 200);
    emulator.clock().advance(Duration::from_secs(1 << 30));
    assert_eq!(state(&emulator).await, "RUNNING");
}
