//! Failures of the platform by name.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure, Incident};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

fn sandbox(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"runtime": {"image": "blaxel/base-image:latest"}}})
}

fn begun(name: &str) -> Emulator {
    let emulator = Emulator::offline();
    emulator.incident(name.parse().unwrap());
    emulator
}

#[tokio::test]
async fn a_vanished_sandbox_is_found_neither_as_new_nor_as_old() {
    let emulator = begun("vanished-create");
    let service = emulator.service();
    let refused = post("/sandboxes", &sandbox("dev")).bare(&service).await;
    assert_eq!(refused.expect(409)["code"], "SANDBOX_ALREADY_EXISTS");
    for _ in 0..2 {
        assert_eq!(get("/sandboxes/dev").bare(&service).await.status, 404);
    }
    post("/sandboxes", &sandbox("dev"))
        .on(&emulator)
        .await
        .expect(200);
    get("/sandboxes/dev").on(&emulator).await.expect(200);
}

#[tokio::test]
async fn a_creation_that_the_edge_gave_up_takes_place() {
    let emulator = begun("edge-504-create");
    let lost = post("/sandboxes", &sandbox("dev"))
        .bare(&emulator.service())
        .await;
    assert_eq!(lost.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(lost.header("content-type"), Some("text/html"));
    get("/sandboxes/dev").on(&emulator).await.expect(200);
}

#[tokio::test]
async fn the_first_call_after_standby_fails() {
    let emulator = begun("first-call-after-standby");
    emulator.add("sandboxes", "dev").unwrap();
    let service = emulator.service();
    let url = format!("{}/demo/sandboxes/dev/health", emulator.run_url());
    get(&url).bare(&service).await.expect(200);
    emulator.clock().advance(Duration::from_secs(20));
    get(&url)
        .bare(&service)
        .await
        .gateway(502, "UPSTREAM_CONNECT_FAILED");
    get(&url).bare(&service).await.expect(200);
}

/// Starts a process that prints two lines, and returns the address of its stream.
async fn printed(emulator: &Emulator) -> String {
    emulator.add("sandboxes", "dev").unwrap();
    let url = format!("{}/demo/sandboxes/dev/process", emulator.run_url());
    let line =
        "a line that is longer than ten bytes and goes on for a while, so that it has 64 of them";
    let process = json!({
        "command": format!("echo '{line}'; echo 'and é'"), "name": "p", "waitForCompletion": true,
    });
    let service = emulator.service();
    // The incident is the stream's, and not that of this request.
    post(&url, &process).bare(&service).await.expect(200);
    format!("{url}/p/logs/stream")
}

#[tokio::test]
async fn streams_are_cut_split_and_disturbed() {
    let emulator = Emulator::offline();
    let url = printed(&emulator).await;
    let service = emulator.service();
    let whole = get(&url).bare(&service).await.bytes;
    assert!(whole.len() > 80, "{whole:?}");

    emulator.incident(Incident::CutLogStream);
    let mut cut = get(&url).begin(&service).await.unwrap().into_body();
    let (mut received, mut is_cut) = (Vec::new(), false);
    while let Some(frame) = cut.frame().await {
        match frame {
            Ok(frame) => received.extend_from_slice(&frame.into_data().unwrap()),
            Err(_) => {
                is_cut = true;
                break;
            }
        }
    }
    assert!(is_cut);
    assert_eq!(received, whole[..64]);

    emulator.incident(Incident::SplitRecord);
    let mut split = get(&url).begin(&service).await.unwrap().into_body();
    let mut received = Vec::new();
    while let Some(frame) = split.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert_eq!(data.len(), 1);
        received.extend_from_slice(&data);
    }
    assert_eq!(received, whole);

    emulator.incident(Incident::KeepaliveInsideALine);
    let disturbed = get(&url).bare(&service).await.bytes;
    let expected = [&whole[..10], b"[keepalive]\n", &whole[10..]].concat();
    assert_eq!(disturbed, expected);
    assert_eq!(get(&url).bare(&service).await.bytes, whole);
}

#[tokio::test]
async fn an_outdated_failure_has_the_events_of_its_time() {
    let emulator = Emulator::offline();
    emulator
        .fail_next(Failure::deployment("agents", "a"))
        .unwrap();
    emulator.add_agent("a");
    let read = async || get("/agents/a").on(&emulator).await.expect(200);
    let failed = read().await;
    assert_eq!(failed["status"], "FAILED");
    let put = json!({"metadata": {"name": "a"}, "spec": {"runtime": {"image": "b:1"}}});
    let put = ask(Method::PUT, "/agents/a").json(&put);
    put.on(&emulator).await.expect(200);
    emulator.incident(Incident::StaleFailure);
    let outdated = read().await;
    assert_eq!(outdated["status"], "FAILED");
    assert_eq!(outdated["events"], failed["events"]);
    let current = read().await;
    assert_eq!(current["status"], "DEPLOYED");
    assert!(current["events"].as_array().unwrap().len() > 2, "{current}");
}

#[tokio::test]
async fn an_outdated_status_is_shown_once() {
    let emulator = begun("stale-failed");
    emulator.add_agent("a");
    assert_eq!(
        get("/agents/a").on(&emulator).await.expect(200)["status"],
        "FAILED"
    );
    assert_eq!(
        get("/agents/a").on(&emulator).await.expect(200)["status"],
        "DEPLOYED"
    );
}

#[tokio::test]
async fn a_list_is_in_another_order_once() {
    let emulator = begun("shuffled-list");
    let names = async || {
        let models = get("/models").on(&emulator).await.expect(200);
        let models = models["data"].as_array().unwrap().clone();
        models
            .into_iter()
            .map(|model| model["metadata"]["name"].clone())
            .collect::<Vec<_>>()
    };
    let (mut one, other) = (names().await, names().await);
    assert_ne!(one, other);
    one.reverse();
    assert_eq!(one, other);
}

#[tokio::test]
async fn a_valid_credential_is_refused_once() {
    let emulator = begun("token-401-once");
    let service = emulator.service();
    let statuses = async || get("/agents").bare(&service).await.status.as_u16();
    assert_eq!([statuses().await, statuses().await], [401, 200]);
}

#[tokio::test]
async fn a_request_is_delivered_twice() {
    let emulator = begun("duplicate-delivery");
    emulator.add("sandboxes", "dev").unwrap();
    let service = emulator.service();
    let reply = post("/sandboxes", &sandbox("new")).bare(&service).await;
    assert_eq!(
        reply.status, 409,
        "the second one finds the first one's sandbox"
    );
    let url = format!("{}/demo/sandboxes/dev/process", emulator.run_url());
    let process = json!({"command": "echo x >> /tmp/count", "waitForCompletion": true});
    post(&url, &process).bare(&service).await.expect(200);
    let count = json!({"command": "cat /tmp/count", "waitForCompletion": true});
    let counted = post(&url, &count).bare(&service).await.expect(200);
    assert_eq!(counted["stdout"], "x\nx\n");
}

#[tokio::test]
async fn the_clock_is_ahead() {
    let standing = Emulator::offline();
    let before = standing.clock().since_epoch();
    standing.incident(Incident::ClockSkew);
    let ahead = standing.clock().since_epoch() - before;
    assert_eq!(ahead, Duration::from_secs(600));
}

#[tokio::test]
async fn incidents_are_listed_and_begun_by_name() {
    let emulator = Emulator::builder().incident(Incident::ShuffledList).build();
    assert_eq!(emulator.waiting_faults(), 1);
    let service = emulator.service();
    let control = |method, path: &str| {
        ask(
            method,
            format!("https://emulator.invalid/_emulator/incidents{path}"),
        )
        .bare(&service)
    };
    let listed = control(Method::GET, "").await.expect(200);
    assert_eq!(
        listed["incidents"].as_array().unwrap().len(),
        Incident::all().len()
    );
    let begun = control(Method::POST, "/edge-504-create").await;
    assert_eq!(begun.status, 204);
    assert_eq!(emulator.waiting_faults(), 2);
    let unknown = control(Method::POST, "/no-such").await.expect(404);
    assert!(
        unknown["error"]
            .as_str()
            .unwrap()
            .contains("cut-log-stream")
    );
}
