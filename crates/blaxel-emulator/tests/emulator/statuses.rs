//! The states of a resource as the clock moves.

use std::time::Duration;

use blaxel_emulator::{Builder, Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, names, post};

const STEP: Duration = Duration::from_secs(10);

fn slow() -> Builder {
    Emulator::builder().deploy_time(STEP).delete_time(STEP)
}

fn agent(spec: Value) -> Value {
    json!({"metadata": {"name": "a"}, "spec": spec})
}

async fn status(emulator: &Emulator, path: &str) -> String {
    let document = get(path).on(emulator).await.expect(200);
    document["status"].as_str().unwrap().to_owned()
}

/// Returns the states of the events, in order.
async fn walked(emulator: &Emulator, path: &str) -> Vec<String> {
    let document = get(path).on(emulator).await.expect(200);
    let events = document["events"].as_array().unwrap();
    let states = events.iter().map(|event| event["status"].as_str().unwrap());
    states.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_deployment_takes_its_time() {
    let emulator = slow().build();
    let begun = emulator.clock().now();
    let made = post("/agents", &agent(json!({}))).on(&emulator).await;
    assert_eq!(made.expect(200)["status"], "DEPLOYING");
    emulator.clock().advance(STEP - Duration::from_secs(1));
    assert_eq!(status(&emulator, "/agents/a").await, "DEPLOYING");
    emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(status(&emulator, "/agents/a").await, "DEPLOYED");

    let document = get("/agents/a").on(&emulator).await.expect(200);
    let events = document["events"].as_array().unwrap();
    let [first, second] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(first["status"], "DEPLOYING");
    assert_eq!(first["time"], begun.as_str());
    assert_eq!(second["status"], "DEPLOYED");
    assert_eq!(second["time"], emulator.clock().now().as_str());
    for event in events {
        assert_eq!(event["type"], "deployment");
        assert!(event["message"].is_string());
        assert!(event["revision"].is_string());
    }
}

/// The states of applications, drives and volumes are open strings, with the same values.
#[tokio::test]
async fn every_kind_with_a_status_is_deployed_step_by_step() {
    let emulator = slow().build();
    for collection in [
        "agents",
        "functions",
        "jobs",
        "models",
        "applications",
        "sandboxes",
        "volumes",
        "drives",
        "vpcs",
    ] {
        emulator.add(collection, "one").unwrap();
        let path = format!("/{collection}/one");
        assert_eq!(status(&emulator, &path).await, "DEPLOYING", "{path}");
        emulator.clock().advance(STEP);
        assert_eq!(status(&emulator, &path).await, "DEPLOYED", "{path}");
    }
}

#[tokio::test]
async fn only_a_new_spec_starts_a_deployment() {
    let emulator = slow().build();
    post("/agents", &agent(json!({"x": 1})))
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(STEP);
    let put = async |body: &Value| {
        let reply = ask(Method::PUT, "/agents/a").json(body).on(&emulator).await;
        reply.expect(200)["status"].clone()
    };
    let mut labelled = agent(json!({"x": 1}));
    labelled["metadata"]["labels"] = json!({"team": "red"});
    assert_eq!(put(&labelled).await, "DEPLOYED");
    assert_eq!(put(&agent(json!({"x": 2}))).await, "DEPLOYING");
    // Another deployment cancels it and starts from the beginning.
    emulator.clock().advance(STEP / 2);
    assert_eq!(put(&agent(json!({"x": 3}))).await, "DEPLOYING");
    emulator.clock().advance(STEP / 2);
    assert_eq!(status(&emulator, "/agents/a").await, "DEPLOYING");
    emulator.clock().advance(STEP / 2);
    assert_eq!(status(&emulator, "/agents/a").await, "DEPLOYED");
    assert_eq!(
        walked(&emulator, "/agents/a").await,
        [
            "DEPLOYING",
            "DEPLOYED",
            "DEPLOYING",
            "DEPLOYING",
            "DEPLOYED"
        ]
    );
}

#[tokio::test]
async fn a_deployment_fails_once_on_request() {
    for emulator in [slow().build(), Emulator::offline()] {
        emulator
            .fail_next(Failure::deployment("agents", "a"))
            .unwrap();
        emulator.add_agent("b");
        post("/agents", &agent(json!({})))
            .on(&emulator)
            .await
            .expect(200);
        emulator.clock().advance(STEP);
        assert_eq!(status(&emulator, "/agents/a").await, "FAILED");
        assert_eq!(status(&emulator, "/agents/b").await, "DEPLOYED");
        // The same spec is deployed again, since it failed.
        let again = ask(Method::PUT, "/agents/a").json(&agent(json!({})));
        again.on(&emulator).await.expect(200);
        emulator.clock().advance(STEP);
        assert_eq!(status(&emulator, "/agents/a").await, "DEPLOYED");
    }
}

#[tokio::test]
async fn a_disabled_resource_is_deactivated() {
    let emulator = slow().build();
    emulator.add_agent("a");
    emulator.clock().advance(STEP);
    for (enabled, during, after) in [
        (false, "DEACTIVATING", "DEACTIVATED"),
        (true, "DEPLOYING", "DEPLOYED"),
    ] {
        let put = ask(Method::PUT, "/agents/a").json(&agent(json!({"enabled": enabled})));
        assert_eq!(put.on(&emulator).await.expect(200)["status"], during);
        emulator.clock().advance(STEP);
        assert_eq!(status(&emulator, "/agents/a").await, after);
    }
}

#[tokio::test]
async fn a_deletion_takes_its_time() {
    let emulator = slow().build();
    emulator.add_agent("a");
    emulator.clock().advance(STEP);
    let delete = || ask(Method::DELETE, "/agents/a");
    assert_eq!(
        delete().on(&emulator).await.expect(200)["status"],
        "DELETING"
    );
    // A second deletion reports the first one, and does not prolong it.
    emulator.clock().advance(STEP / 2);
    assert_eq!(
        delete().on(&emulator).await.expect(200)["status"],
        "DELETING"
    );
    let put = ask(Method::PUT, "/agents/a").json(&agent(json!({"x": 1})));
    put.on(&emulator).await.control_error(409);
    post("/agents", &agent(json!({})))
        .on(&emulator)
        .await
        .control_error(409);
    emulator.clock().advance(STEP / 2);
    get("/agents/a").on(&emulator).await.control_error(404);
    delete().on(&emulator).await.control_error(404);
    post("/agents", &agent(json!({})))
        .on(&emulator)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_removed_resource_takes_its_nested_resources_along() {
    let emulator = slow().build();
    emulator.add("vpcs", "v").unwrap();
    let gateway = json!({"metadata": {"name": "g"}, "spec": {"region": "eu"}});
    let all = "/vpcs/v/egressgateways";
    post(all, &gateway).on(&emulator).await.expect(200);
    ask(Method::DELETE, "/vpcs/v")
        .on(&emulator)
        .await
        .expect(200);
    get(format!("{all}/g")).on(&emulator).await.expect(200);
    emulator.clock().advance(STEP);
    emulator.add("vpcs", "v").unwrap();
    let left = get(all).on(&emulator).await.expect(200);
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn lists_filter_by_the_current_state() {
    let emulator = slow().build();
    emulator.add_agent("old");
    emulator.clock().advance(STEP);
    emulator.add_agent("new");
    let found = async |status: &str| {
        let page = get(format!("/agents?sort=name:asc&status={status}"))
            .on(&emulator)
            .await;
        names(&page.expect(200)["data"])
    };
    assert_eq!(found("DEPLOYED").await, ["old"]);
    assert_eq!(found("deploying").await, ["new"]);
    emulator.clock().advance(STEP);
    assert_eq!(found("DEPLOYED").await, ["new", "old"]);
    assert!(found("DEPLOYING").await.is_empty());
}

#[tokio::test]
async fn a_terminated_sandbox_is_retained_for_a_while() {
    let emulator = slow().build();
    for (name, retention) in [("short", None), ("long", Some("1h"))] {
        let mut sent = json!({"metadata": {"name": name}, "spec": {}});
        if let Some(retention) = retention {
            sent["spec"]["lifecycle"] = json!({"terminatedRetention": retention});
        }
        post("/sandboxes", &sent).on(&emulator).await.expect(200);
        let one = format!("/sandboxes/{name}");
        let deleted = ask(Method::DELETE, one).on(&emulator).await;
        assert_eq!(deleted.expect(200)["status"], "DELETING");
    }
    emulator.add("sandboxes", "alive").unwrap();
    emulator.clock().advance(STEP);
    assert_eq!(status(&emulator, "/sandboxes/short").await, "TERMINATED");
    let steps = walked(&emulator, "/sandboxes/short").await;
    assert_eq!(steps, ["DEPLOYING", "DELETING", "TERMINATED"]);

    let listed = async |version: &str, query: &str| {
        let list = get(format!("/sandboxes?{query}")).header("blaxel-version", version);
        let list = list.on(&emulator).await.expect(200);
        let mut found = names(list.get("data").unwrap_or(&list));
        found.sort();
        found
    };
    for version in ["2026-04-16", "2026-04-28"] {
        for (query, found) in [
            ("", vec!["alive"]),
            ("showTerminated=false", vec!["alive"]),
            ("showTerminated=true", vec!["alive", "long", "short"]),
            ("status=TERMINATED", vec!["long", "short"]),
            ("status=terminated,deployed", vec!["alive", "long", "short"]),
            ("status=DEPLOYED&showTerminated=true", vec!["alive"]),
        ] {
            assert_eq!(listed(version, query).await, found, "{query} in {version}");
        }
    }
    let page = get("/sandboxes?showTerminated=true").on(&emulator).await;
    assert_eq!(page.expect(200)["meta"]["total"], 1);

    // Five minutes is the default.
    emulator.clock().advance(Duration::from_secs(299));
    get("/sandboxes/short").on(&emulator).await.expect(200);
    emulator.clock().advance(Duration::from_secs(1));
    get("/sandboxes/short")
        .on(&emulator)
        .await
        .control_error(404);
    emulator.clock().advance(Duration::from_secs(3299));
    get("/sandboxes/long").on(&emulator).await.expect(200);
    emulator.clock().advance(Duration::from_secs(1));
    get("/sandboxes/long")
        .on(&emulator)
        .await
        .control_error(404);
}

#[tokio::test]
async fn without_durations_everything_happens_at_once() {
    let emulator = Emulator::offline();
    let made = post("/agents", &agent(json!({}))).on(&emulator).await;
    assert_eq!(made.expect(200)["status"], "DEPLOYED");
    let off = ask(Method::PUT, "/agents/a").json(&agent(json!({"enabled": false})));
    assert_eq!(off.on(&emulator).await.expect(200)["status"], "DEACTIVATED");
    ask(Method::DELETE, "/agents/a")
        .on(&emulator)
        .await
        .expect(200);
    get("/agents/a").on(&emulator).await.control_error(404);
}

/// With a real clock every response has a state.
#[tokio::test]
async fn a_real_clock_leaves_no_gap_between_states() {
    let emulator = Emulator::builder().real_clock().build();
    for n in 0..200 {
        let sent = json!({"metadata": {"name": format!("a-{n}")}, "spec": {}});
        let made = post("/agents", &sent).on(&emulator).await.expect(200);
        assert_eq!(made["status"], "DEPLOYED");
        assert_eq!(made["events"].as_array().unwrap().len(), 2);
    }
}
