//! The files of snapshots and forks.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::json;

use crate::support::{ask, get, post, run};

async fn fork(emulator: &Emulator, from: &str, sent: serde_json::Value) {
    let uri = format!("/sandboxes/{from}/fork");
    post(uri, &sent).on(emulator).await.expect(200);
}

#[tokio::test]
async fn a_fork_has_the_files_of_its_source_and_goes_its_own_way() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "sb").unwrap();
    run(&emulator, "sb", "mkdir -p /app && echo one > /app/file").await;
    fork(
        &emulator,
        "sb",
        json!({"targetType": "sandbox", "targetName": "copy"}),
    )
    .await;
    run(&emulator, "sb", "echo two > /app/file").await;
    assert_eq!(run(&emulator, "copy", "cat /app/file").await, "one\n");
    run(&emulator, "copy", "echo three > /app/file").await;
    assert_eq!(run(&emulator, "sb", "cat /app/file").await, "two\n");
    // A fork that was never called has files too.
    fork(
        &emulator,
        "copy",
        json!({"targetType": "sandbox", "targetName": "idle"}),
    )
    .await;
    fork(
        &emulator,
        "idle",
        json!({"targetType": "sandbox", "targetName": "last"}),
    )
    .await;
    assert_eq!(run(&emulator, "last", "cat /app/file").await, "three\n");
}

#[tokio::test]
async fn a_fork_of_a_snapshot_has_the_files_of_its_time() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "sb").unwrap();
    run(&emulator, "sb", "echo one > /tmp/file").await;
    let taken = post("/sandboxes/sb/snapshots", &json!({"name": "first"}));
    let taken = taken.on(&emulator).await.expect(200);
    run(&emulator, "sb", "echo two > /tmp/file").await;
    for name in ["a", "b"] {
        let sent = json!({"targetType": "sandbox", "targetName": name, "snapshotId": taken["id"]});
        fork(&emulator, "sb", sent).await;
        assert_eq!(run(&emulator, name, "cat /tmp/file").await, "one\n");
        run(&emulator, name, "echo changed > /tmp/file").await;
    }
    // A restarted machine begins with its image.
    let put = json!({"metadata": {"name": "a"}, "spec": {"runtime": {"memory": 8192}}});
    ask(Method::PUT, "/sandboxes/a")
        .json(&put)
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(run(&emulator, "a", "ls /tmp").await, "");
}

#[tokio::test]
async fn a_fork_may_have_other_variables_and_another_lifecycle() {
    let emulator = Emulator::offline();
    let envs = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
    let source =
        json!({"metadata": {"name": "sb"}, "spec": {"runtime": {"envs": envs, "ttl": "2h"}}});
    post("/sandboxes", &source).on(&emulator).await.expect(200);
    run(&emulator, "sb", "echo kept > /tmp/file").await;
    let lifecycle = json!({"expirationPolicies": [{"type": "ttl-max-age", "value": "1h"}]});
    let sent = json!({"targetType": "sandbox", "targetName": "copy", "lifecycle": lifecycle,
        "envs": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]});
    fork(&emulator, "sb", sent).await;
    assert_eq!(
        run(&emulator, "copy", "echo $A$B$C; cat /tmp/file").await,
        "134\nkept\n"
    );
    let copy = get("/sandboxes/copy").on(&emulator).await.expect(200);
    assert_eq!(
        (&copy["spec"]["lifecycle"], &copy["expiresIn"]),
        (&lifecycle, &json!(3600))
    );
    assert!(
        copy["spec"]["runtime"].get("ttl").is_none(),
        "it is replaced too"
    );
    let sent = json!({"targetType": "sandbox", "targetName": "plain"});
    fork(&emulator, "sb", sent).await;
    let plain = get("/sandboxes/plain").on(&emulator).await.expect(200);
    assert_eq!(plain["spec"]["runtime"]["ttl"], "2h");
    let sent = json!({"targetType": "application", "targetName": "shop",
        "envs": [{"name": "B", "value": "3"}]});
    fork(&emulator, "sb", sent).await;
    let shop = get("/applications/shop").on(&emulator).await.expect(200);
    let envs = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]);
    assert_eq!(shop["spec"]["envs"], envs);
}
