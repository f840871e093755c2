//! Snapshots below a sandbox, and forks.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, post};

const SNAPSHOTS: &str = "/sandboxes/sb/snapshots";

async fn with_sandbox() -> Emulator {
    let emulator = Emulator::offline();
    sandbox(&emulator, Method::POST, "/sandboxes", 2048).await;
    emulator
}

async fn sandbox(emulator: &Emulator, method: Method, uri: &str, memory: u64) {
    let runtime = json!({"image": "blaxel/py-app:latest", "memory": memory});
    let sent =
        json!({"metadata": {"name": "sb"}, "spec": {"region": "eu-lon-1", "runtime": runtime}});
    ask(method, uri).json(&sent).on(emulator).await.expect(200);
}

async fn fork(emulator: &Emulator, sent: &Value) -> Value {
    post("/sandboxes/sb/fork", sent)
        .on(emulator)
        .await
        .expect(200)
}

#[tokio::test]
async fn snapshots_are_taken_listed_and_deleted() {
    let emulator = with_sandbox().await;
    let named = post(SNAPSHOTS, &json!({"name": "before"}))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(named["name"], "before");
    assert_eq!(
        (&named["sandboxName"], &named["workspace"]),
        (&json!("sb"), &json!("demo"))
    );
    assert_eq!(named["status"], "ready");
    assert_eq!(named["createdAt"], emulator.clock().now().as_str());
    assert!(named["createdBy"].is_string());
    let unnamed = post(SNAPSHOTS, &json!({})).on(&emulator).await.expect(200);
    assert!(
        unnamed["name"]
            .as_str()
            .is_some_and(|name| !name.is_empty())
    );
    let list = get(SNAPSHOTS).on(&emulator).await.expect(200);
    assert_eq!(list, json!([unnamed, named]));
    let one = format!("{SNAPSHOTS}/{}", named["id"].as_str().unwrap());
    let deleted = ask(Method::DELETE, &one).on(&emulator).await;
    assert_eq!((deleted.status.as_u16(), deleted.bytes.len()), (204, 0));
    let again = ask(Method::DELETE, &one)
        .on(&emulator)
        .await
        .control_error(404);
    assert_eq!(again, "Snapshot not found");
    let none = post("/sandboxes/none/snapshots", &json!({}))
        .on(&emulator)
        .await;
    assert_eq!(none.control_error(404), "Sandbox not found");
}

#[tokio::test]
async fn a_fork_is_a_sandbox_with_the_current_spec_or_that_of_a_snapshot() {
    let emulator = with_sandbox().await;
    let snapshot = post(SNAPSHOTS, &json!({})).on(&emulator).await.expect(200);
    sandbox(&emulator, Method::PUT, "/sandboxes/sb", 8192).await;
    let live = json!({"targetType": "sandbox", "targetName": "live"});
    let told = fork(&emulator, &live).await;
    assert_eq!(told, json!({"name": "live", "type": "sandbox"}));
    let old = json!({"targetType": "sandbox", "targetName": "old", "snapshotId": snapshot["id"]});
    let told = fork(&emulator, &old).await;
    assert_eq!(told["snapshotId"], snapshot["id"]);
    for (name, memory) in [("live", 8192), ("old", 2048)] {
        let copy = get(format!("/sandboxes/{name}"))
            .on(&emulator)
            .await
            .expect(200);
        assert_eq!(copy["spec"]["runtime"]["memory"], memory, "{name}");
        assert_eq!(copy["spec"]["region"], "eu-lon-1");
        assert_eq!(copy["status"], "DEPLOYED");
    }
    let again = post("/sandboxes/sb/fork", &live)
        .on(&emulator)
        .await
        .control_error(409);
    assert_eq!(again, "Sandbox already exists");
}

#[tokio::test]
async fn a_fork_into_an_application_adds_a_revision() {
    let emulator = with_sandbox().await;
    let sent = json!({"targetType": "application", "targetName": "shop", "port": 3000,
        "customDomain": "example.com", "prefix": "www"});
    let told = fork(&emulator, &sent).await;
    assert_eq!(
        (&told["name"], &told["type"]),
        (&json!("shop"), &json!("application"))
    );
    let snapshots = get(SNAPSHOTS).on(&emulator).await.expect(200);
    assert_eq!(
        snapshots[0]["id"], told["snapshotId"],
        "it is made from a snapshot in any case"
    );
    let shop = get("/applications/shop").on(&emulator).await.expect(200);
    assert_eq!(shop["spec"]["image"], "blaxel/py-app:latest");
    assert_eq!(shop["spec"]["port"], 3000);
    assert_eq!(
        shop["spec"]["urls"],
        json!([{"domain": "example.com", "subdomain": "www"}])
    );

    let sent = json!({"targetType": "application", "targetName": "shop", "traffic": 10});
    let told = fork(&emulator, &sent).await;
    let revisions = get("/applications/shop/revisions")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(revisions.as_array().unwrap().len(), 2);
    assert_eq!(revisions[0]["snapshot"], told["snapshotId"]);
    let shop = get("/applications/shop").on(&emulator).await.expect(200);
    assert_eq!(
        shop["spec"]["port"], 3000,
        "what the fork does not say stays"
    );
    let revision = json!({"active": revisions[1]["id"], "canary": revisions[0]["id"],
        "canaryPercent": 10});
    assert_eq!(shop["spec"]["revision"], revision);
}

#[tokio::test]
async fn an_invalid_fork_is_rejected() {
    let emulator = with_sandbox().await;
    for bad in [
        json!({}),
        json!({"targetType": "agent", "targetName": "a"}),
        json!({"targetType": "sandbox"}),
        json!({"targetType": "sandbox", "targetName": "A B"}),
        json!({"targetType": "application", "targetName": "a", "traffic": 101}),
        json!({"targetType": "application", "targetName": "a", "lifecycle": {}}),
        json!({"targetType": "sandbox", "targetName": "a", "envs": ["A"]}),
        json!({"targetType": "sandbox", "targetName": "a", "lifecycle": {
            "expirationPolicies": [{"type": "ttl-idle", "value": "soon"}]}}),
    ] {
        post("/sandboxes/sb/fork", &bad)
            .on(&emulator)
            .await
            .control_error(400);
    }
    let good = json!({"targetType": "sandbox", "targetName": "a"});
    let missing = post("/sandboxes/none/fork", &good)
        .on(&emulator)
        .await
        .control_error(404);
    assert_eq!(missing, "Sandbox not found");
    let from = json!({"targetType": "sandbox", "targetName": "a", "snapshotId": "snap-0"});
    let missing = post("/sandboxes/sb/fork", &from)
        .on(&emulator)
        .await
        .control_error(404);
    assert_eq!(missing, "Snapshot not found");
}
