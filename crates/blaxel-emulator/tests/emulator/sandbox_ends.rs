//! The ends of sandboxes: their machines end with them.

use std::time::Duration;

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, in_sandbox, is_cut, post, run, watch};

const MINUTE: Duration = Duration::from_secs(60);

fn policy(kind: &str, value: &str) -> Value {
    json!({"lifecycle": {"expirationPolicies": [{"type": kind, "value": value, "action": "delete"}]}})
}

async fn create(emulator: &Emulator, spec: Value) {
    let sent = json!({"metadata": {"name": "sb"}, "spec": spec});
    post("/sandboxes", &sent).on(emulator).await.expect(200);
}

async fn status(emulator: &Emulator) -> Value {
    get("/sandboxes/sb").on(emulator).await.expect(200)["status"].clone()
}

#[tokio::test]
async fn each_policy_ends_the_machine_and_its_open_streams() {
    let start = "2026-05-01T00:00:00Z";
    for spec in [
        json!({"runtime": {"ttl": "5m"}}),
        json!({"runtime": {"expires": "2026-05-01T00:05:00Z"}}),
        policy("ttl-max-age", "5m"),
        policy("date", "2026-05-01T00:05:00Z"),
    ] {
        let emulator = Emulator::builder()
            .start_time(start.parse().unwrap())
            .build();
        create(&emulator, spec.clone()).await;
        run(&emulator, "sb", "echo old > /tmp/file").await;
        let watch = watch(&emulator, "sb").await;
        emulator.clock().advance(5 * MINUTE);
        // Nothing else is called: the machine ends by itself.
        assert!(is_cut(watch).await, "{spec}");
        assert_eq!(status(&emulator).await, "TERMINATED");
        get(in_sandbox(&emulator, "sb", "/health"))
            .bare(&emulator.service())
            .await
            .gateway(404, "WORKLOAD_NOT_FOUND");

        // A new sandbox of the name starts anew.
        create(&emulator, json!({})).await;
        assert_eq!(
            run(&emulator, "sb", "cat /tmp/file 2>/dev/null || echo none")
                .await
                .lines()
                .last(),
            Some("none")
        );
    }
}

#[tokio::test]
async fn a_call_that_is_waiting_when_its_sandbox_ends_is_refused() {
    let emulator = Emulator::offline();
    create(&emulator, policy("ttl-max-age", "5m")).await;
    let sent = json!({"command": "sleep 600", "waitForCompletion": true, "timeout": 0});
    let call = post(in_sandbox(&emulator, "sb", "/process"), &sent);
    let service = emulator.service();
    let advance = async {
        tokio::task::yield_now().await;
        emulator.clock().advance(5 * MINUTE);
    };
    let (reply, ()) = tokio::join!(call.bare(&service), advance);
    reply.gateway(404, "WORKLOAD_UNAVAILABLE");
}

#[tokio::test]
async fn an_idle_sandbox_ends_after_its_last_call_or_connection() {
    let emulator = Emulator::offline();
    create(&emulator, policy("ttl-idle", "10m")).await;
    emulator.clock().advance(9 * MINUTE);
    run(&emulator, "sb", "true").await;
    emulator.clock().advance(9 * MINUTE);
    assert_eq!(status(&emulator).await, "DEPLOYED", "it was called");
    let watch = watch(&emulator, "sb").await;
    emulator.clock().advance(60 * MINUTE);
    assert_eq!(status(&emulator).await, "DEPLOYED", "a connection is open");
    drop(watch);
    emulator.clock().advance(9 * MINUTE);
    let left = get("/sandboxes/sb").on(&emulator).await.expect(200);
    assert_eq!(left["expiresIn"], 60);
    emulator.clock().advance(MINUTE);
    assert_eq!(status(&emulator).await, "TERMINATED");
}

#[tokio::test]
async fn reading_a_sandbox_is_not_a_use_of_it() {
    let emulator = Emulator::offline();
    create(&emulator, policy("ttl-idle", "10m")).await;
    emulator.clock().advance(9 * MINUTE);
    assert_eq!(status(&emulator).await, "DEPLOYED");
    emulator.clock().advance(MINUTE);
    assert_eq!(status(&emulator).await, "TERMINATED");
}

#[tokio::test]
async fn a_deleted_sandbox_ends_its_processes() {
    let emulator = Emulator::builder().delete_time(MINUTE).build();
    create(&emulator, json!({})).await;
    let watch = watch(&emulator, "sb").await;
    ask(Method::DELETE, "/sandboxes/sb")
        .on(&emulator)
        .await
        .expect(200);
    assert!(is_cut(watch).await);
    get(in_sandbox(&emulator, "sb", "/health"))
        .bare(&emulator.service())
        .await
        .gateway(404, "WORKLOAD_UNAVAILABLE");
}

#[tokio::test]
async fn a_change_of_the_environment_restarts_a_machine_and_other_changes_do_not() {
    let emulator = Emulator::offline();
    let document = |env: &str, label: &str, ttl: &str| {
        json!({
            "metadata": {"name": "sb", "labels": {"team": label}},
            "spec": {
                "network": {"allowedDomains": [label]},
                "runtime": {"envs": [{"name": "KEY", "value": env}], "ttl": ttl},
            },
        })
    };
    post("/sandboxes", &document("one", "a", "1h"))
        .on(&emulator)
        .await
        .expect(200);
    run(&emulator, "sb", "echo kept > /tmp/file").await;
    let put = async |document: Value| {
        let put = ask(Method::PUT, "/sandboxes/sb").json(&document);
        put.on(&emulator).await.expect(200)
    };
    let events = async || {
        let sandbox = get("/sandboxes/sb").on(&emulator).await.expect(200);
        sandbox["events"].as_array().unwrap().len()
    };
    let before = events().await;
    let mut labels = document("one", "a", "1h");
    labels["metadata"]["labels"] = json!({"team": "b"});
    put(labels).await;
    assert_eq!(events().await, before, "it is not deployed again");
    // The Python SDK adds empty lists to what it sends back.
    let mut with_lists = document("one", "c", "2h");
    with_lists["spec"]["volumes"] = json!([]);
    with_lists["spec"]["runtime"]["ports"] = json!([]);
    with_lists["spec"]["runtime"]["extraArgs"] = json!({});
    put(with_lists).await;
    assert_eq!(
        run(&emulator, "sb", "cat /tmp/file; echo $KEY").await,
        "kept\none\n"
    );
    put(document("two", "c", "2h")).await;
    let after = run(&emulator, "sb", "cat /tmp/file 2>/dev/null; echo $KEY").await;
    assert_eq!(after, "two\n", "the files are gone");
}

#[tokio::test]
async fn a_sandbox_can_read_its_environment_again() {
    let emulator = Emulator::offline();
    let envs = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
    create(&emulator, json!({"runtime": {"envs": envs}})).await;
    let reload = post(
        in_sandbox(&emulator, "sb", "/environment/reload"),
        &json!({}),
    );
    let reloaded = reload.bare(&emulator.service()).await.expect(200);
    assert_eq!(
        reloaded,
        json!({"generation": 1, "applied": 2, "removed": 0})
    );
    assert_eq!(run(&emulator, "sb", "echo $A$B").await, "12\n");
}
