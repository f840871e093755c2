//! Sandboxes: creation with or without a name, reuse of existing ones, and their end.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_emulator::{Builder, Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, post};

const STEP: Duration = Duration::from_secs(10);

fn slow() -> Builder {
    Emulator::builder().deploy_time(STEP).delete_time(STEP)
}

fn document(spec: Value) -> Value {
    json!({"metadata": {"name": "s"}, "spec": spec})
}

async fn create(emulator: &Emulator, query: &str) -> Reply {
    let uri = format!("/sandboxes{query}");
    post(uri, &document(json!({"region": "eu"})))
        .on(emulator)
        .await
}

/// Asserts an error in the format of sandbox creation and returns its code.
#[track_caller]
fn code(reply: &Reply, status: u16) -> String {
    let body = reply.expect(status);
    assert_eq!(body["status_code"], status, "{body}");
    assert!(body["message"].is_string(), "{body}");
    body["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn missing_members_get_defaults() {
    let emulator = Emulator::offline();
    let sent = json!({"metadata": {"name": "s"}, "spec": {}, "state": "STANDBY", "expiresIn": 1});
    let made = post("/sandboxes", &sent).on(&emulator).await.expect(200);
    let runtime = json!({"image": "blaxel/base-image:latest", "memory": 4096});
    assert_eq!(
        made["spec"],
        json!({"runtime": runtime, "region": "us-pdx-1"})
    );
    assert_eq!(made["state"], "RUNNING");
    assert_eq!(made["lastUsedAt"], emulator.clock().now().as_str());
    assert_eq!(made.get("expiresIn"), None);
    assert_eq!(made["status"], "DEPLOYED");
}

#[tokio::test]
async fn a_missing_name_is_generated() {
    let emulator = Emulator::offline();
    let mut seen = Vec::new();
    for metadata in [json!({}), json!({"name": null})] {
        let sent = json!({"metadata": metadata, "spec": {}});
        let made = post("/sandboxes", &sent).on(&emulator).await.expect(200);
        let name = made["metadata"]["name"].as_str().unwrap().to_owned();
        assert!(name.starts_with("sandbox-"), "{name}");
        get(format!("/sandboxes/{name}"))
            .on(&emulator)
            .await
            .expect(200);
        assert!(!seen.contains(&name));
        seen.push(name);
    }
    // Other errors have no such member.
    let agent = json!({"metadata": {}, "spec": {}});
    post("/agents", &agent)
        .on(&emulator)
        .await
        .control_error(400);
}

#[tokio::test]
async fn an_existing_sandbox_can_be_returned_instead() {
    let emulator = Emulator::offline();
    let made = create(&emulator, "").await.expect(200);
    let other = json!({"metadata": {"name": "s"}, "spec": {"region": "us"}});
    let taken = post("/sandboxes?createIfNotExist=true", &other)
        .on(&emulator)
        .await;
    assert_eq!(taken.expect(200), made);
    for query in ["", "?createIfNotExist=false"] {
        let refused = create(&emulator, query).await;
        assert_eq!(code(&refused, 409), "SANDBOX_ALREADY_EXISTS");
        assert_eq!(refused.json()["sandbox_name"], "s");
        assert_eq!(refused.json().get("reason"), None);
    }
}

#[tokio::test]
async fn a_sandbox_in_creation_is_distinguished_from_an_existing_one() {
    let emulator = slow().build();
    create(&emulator, "").await.expect(200);
    let refused = create(&emulator, "").await;
    assert_eq!(code(&refused, 409), "SANDBOX_ALREADY_EXISTS");
    assert_eq!(refused.json()["reason"], "CREATION_IN_PROGRESS");
    let taken = create(&emulator, "?createIfNotExist=true").await;
    assert_eq!(taken.expect(200)["status"], "DEPLOYING");
    emulator.clock().advance(STEP);
    assert_eq!(create(&emulator, "").await.json().get("reason"), None);
}

/// A failed or terminated sandbox is replaced; one that is being deleted is not.
#[tokio::test]
async fn a_terminated_sandbox_is_replaced() {
    for query in ["", "?createIfNotExist=true"] {
        let emulator = slow().build();
        emulator
            .fail_next(Failure::deployment("sandboxes", "s"))
            .unwrap();
        create(&emulator, query).await.expect(200);
        emulator.clock().advance(STEP);
        let failed = get("/sandboxes/s").on(&emulator).await.expect(200);
        assert_eq!(failed["status"], "FAILED");
        assert_eq!(failed["errors"][0]["fatal"], true);

        let anew = create(&emulator, query).await.expect(200);
        assert_eq!(anew["status"], "DEPLOYING");
        assert_eq!(
            anew["metadata"]["createdAt"],
            emulator.clock().now().as_str()
        );
        assert_eq!(anew.get("errors"), None);

        ask(Method::DELETE, "/sandboxes/s")
            .on(&emulator)
            .await
            .expect(200);
        let refused = create(&emulator, query).await;
        assert_eq!(code(&refused, 409), "SANDBOX_ALREADY_EXISTS");
        emulator.clock().advance(STEP);
        let over = get("/sandboxes/s").on(&emulator).await.expect(200);
        assert_eq!(over["status"], "TERMINATED");
        let put = ask(Method::PUT, "/sandboxes/s").json(&document(json!({})));
        put.on(&emulator).await.control_error(404);
        assert_eq!(
            create(&emulator, query).await.expect(200)["status"],
            "DEPLOYING"
        );
    }
}

#[tokio::test]
async fn errors_of_a_creation_have_their_own_format() {
    let emulator = Emulator::builder().workspace("team").build();
    let bad = json!({"metadata": {"name": "Bad Name"}, "spec": {}});
    let refused = post("/sandboxes", &bad).on(&emulator).await;
    assert_eq!(code(&refused, 400), "BAD_REQUEST");
    assert_eq!(refused.json()["workspace"], "team");
    assert_eq!(refused.json()["timestamp"], emulator.clock().now().as_str());
    let verbatim = emulator.service().verbatim();
    let nobody = post("/sandboxes", &bad).to(&verbatim).await;
    assert_eq!(code(&nobody, 401), "UNAUTHORIZED");
    let other = post("/sandboxes", &bad).header("x-blaxel-workspace", "other");
    assert_eq!(code(&other.on(&emulator).await, 403), "FORBIDDEN");
    // Errors about the version have the usual format, and so have those of other operations.
    let version = post("/sandboxes", &bad).header("blaxel-version", "1");
    assert_eq!(
        version.on(&emulator).await.expect(400)["error"],
        "invalid_api_version"
    );
    let put = ask(Method::PUT, "/sandboxes/s").json(&bad);
    assert_eq!(put.on(&emulator).await.control_error(400), "Bad Request");
    get("/sandboxes/s").on(&emulator).await.control_error(404);
}

#[tokio::test]
async fn null_removes_a_member_that_omission_keeps() {
    let emulator = Emulator::offline();
    let lifecycle = json!({"terminatedRetention": "1h"});
    let image = "blaxel/node:latest";
    let runtime = json!({"image": image, "memory": 1, "ttl": "30m"});
    let sent = document(json!({"region": "eu-dub-1", "runtime": runtime, "lifecycle": lifecycle}));
    post("/sandboxes", &sent).on(&emulator).await.expect(200);
    let put = async |spec: Value| {
        let put = ask(Method::PUT, "/sandboxes/s").json(&document(spec));
        put.on(&emulator).await.expect(200)
    };
    let kept = put(json!({"runtime": {"image": image, "memory": 1}})).await;
    assert_eq!(kept["spec"], sent["spec"]);
    let gone =
        put(json!({"runtime": {"image": image, "memory": 1, "ttl": null}, "lifecycle": null}))
            .await;
    assert_eq!(
        gone["spec"],
        json!({"region": "eu-dub-1", "runtime": {"image": image, "memory": 1}})
    );
    assert_eq!(gone.get("expiresIn"), None);
}

#[tokio::test]
async fn a_sandbox_terminates_at_its_end() {
    let start = "2026-05-01T00:00:00Z";
    let policy = |kind: &str, value: &str| json!({"lifecycle": {"expirationPolicies": [{"type": kind, "value": value}]}});
    let mut both = policy("ttl-max-age", "2h");
    both["runtime"] = json!({"ttl": "1h"});
    for spec in [
        json!({"runtime": {"ttl": "1h"}}),
        json!({"runtime": {"expires": "2026-05-01T01:00:00Z"}}),
        policy("ttl-max-age", "60m"),
        policy("ttl-idle", "3600s"),
        policy("date", "2026-05-01T01:00:00Z"),
        both,
    ] {
        let emulator = Emulator::builder()
            .start_time(start.parse().unwrap())
            .build();
        let made = post("/sandboxes", &document(spec.clone()))
            .on(&emulator)
            .await;
        assert_eq!(made.expect(200)["expiresIn"], 3600, "{spec}");
        emulator.clock().advance(Duration::from_secs(3599));
        let near = get("/sandboxes/s").on(&emulator).await.expect(200);
        assert_eq!(
            (&near["expiresIn"], &near["status"]),
            (&json!(1), &json!("DEPLOYED"))
        );
        emulator.clock().advance(Duration::from_secs(1));
        let over = get("/sandboxes/s").on(&emulator).await.expect(200);
        assert_eq!(
            (&over["expiresIn"], &over["status"]),
            (&json!(0), &json!("TERMINATED"))
        );
        emulator.clock().advance(Duration::from_secs(300));
        get("/sandboxes/s").on(&emulator).await.control_error(404);
    }
}

/// A time to live that is set later still counts from the creation.
#[tokio::test]
async fn a_time_to_live_can_be_changed() {
    let emulator = Emulator::offline();
    post("/sandboxes", &document(json!({})))
        .on(&emulator)
        .await
        .expect(200);
    emulator.clock().advance(Duration::from_secs(60));
    let put = async |ttl: Value| {
        let put =
            ask(Method::PUT, "/sandboxes/s").json(&document(json!({"runtime": {"ttl": ttl}})));
        put.on(&emulator).await.expect(200)["expiresIn"].clone()
    };
    assert_eq!(put(json!("5m")).await, 240);
    assert_eq!(put(json!("6m")).await, 300);
    assert_eq!(put(Value::Null).await, Value::Null);
    emulator.clock().advance(Duration::from_secs(1_000_000));
    get("/sandboxes/s").on(&emulator).await.expect(200);
}

#[tokio::test]
async fn the_machine_of_a_deleted_sandbox_ends_without_another_call() {
    let machines: Arc<Mutex<Vec<Weak<()>>>> = Arc::default();
    let made = Arc::clone(&machines);
    let emulator = Emulator::builder()
        .machines(move |_, clock| {
            let (guest, mark) = (SimulatedGuest::new(clock.clone()), Arc::new(()));
            made.lock().unwrap().push(Arc::downgrade(&mark));
            let program = move || std::future::ready(format!("{mark:?}"));
            guest.on_port(3000, Router::new().fallback(any(program)));
            guest
        })
        .build();
    let is_running = |index: usize| machines.lock().unwrap()[index].strong_count() > 0;
    let call = async |name: &str| {
        let (base, workspace) = (emulator.run_url(), emulator.workspace());
        let health = get(format!("{base}/{workspace}/sandboxes/{name}/health"));
        let reply = health.bare(&emulator.service()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    };
    for name in ["a", "b", "c"] {
        emulator.add("sandboxes", name).unwrap();
        call(name).await;
    }
    assert!(is_running(0));
    let deleted = ask(Method::DELETE, "/sandboxes/a").on(&emulator).await;
    deleted.expect(200);
    let ended = async {
        while is_running(0) {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    ended.expect("the machine ends");
    assert_eq!([is_running(1), is_running(2)], [true, true]);
}
