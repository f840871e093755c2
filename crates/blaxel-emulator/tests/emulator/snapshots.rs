//! Snapshots of the workspace, and restoring sandboxes.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Ask, ask, get, in_sandbox, post, run};

const SECOND: Duration = Duration::from_secs(1);

fn with_sandboxes(names: &[&str]) -> Emulator {
    let emulator = Emulator::offline();
    for name in names {
        emulator.add("sandboxes", name).unwrap();
    }
    emulator
}

/// Takes a snapshot and returns it.
async fn take(emulator: &Emulator, sandbox: &str, name: &str) -> Value {
    let sent = json!({"name": name, "source": {"name": sandbox}});
    let taken = post("/snapshots", &sent).on(emulator).await;
    taken.expect(200)
}

fn id(snapshot: &Value) -> &str {
    snapshot["id"].as_str().unwrap()
}

fn restore(sandbox: &str, snapshot: &str) -> Ask {
    let uri = format!("/sandboxes/{sandbox}/snapshots/{snapshot}/restore");
    ask(Method::POST, uri)
}

async fn delete(emulator: &Emulator, uri: &str) {
    let deleted = ask(Method::DELETE, uri).on(emulator).await;
    assert!(deleted.status.is_success(), "{deleted:?}");
}

async fn ids(emulator: &Emulator, uri: &str) -> Vec<String> {
    let page = get(uri).header("Blaxel-Version", "2026-04-28");
    let page = page.on(emulator).await.expect(200);
    let data = page["data"].as_array().unwrap();
    data.iter()
        .map(|snapshot| id(snapshot).to_owned())
        .collect()
}

#[tokio::test]
async fn a_snapshot_tells_its_source_and_its_machine() {
    let emulator = Emulator::offline();
    let sandbox = json!({"metadata": {"name": "sb"}, "spec": {"region": "eu-lon-1", "runtime": {
        "image": "blaxel/py-app:latest", "memory": 2048, "ports": [{"target": 3000}],
        "envs": [{"name": "KEY", "value": "k-1", "secret": true}],
    }}});
    post("/sandboxes", &sandbox).on(&emulator).await.expect(200);
    let taken = take(&emulator, "sb", "before").await;
    assert_eq!(taken["name"], "before");
    assert_eq!(taken["source"], json!({"name": "sb", "kind": "sandbox"}));
    let spec = json!({"generation": "mk3", "image": "blaxel/py-app:latest", "memory": 2048,
        "ports": [{"target": 3000}], "region": "eu-lon-1"});
    assert_eq!(taken["spec"], spec);
    let one = format!("/snapshots/{}", id(&taken));
    let got = get(&one).on(&emulator).await.expect(200);
    assert_eq!(got, taken);
    // Both routes show the same snapshots.
    let below = get("/sandboxes/sb/snapshots")
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(below, json!([taken]));
    delete(
        &emulator,
        &format!("/sandboxes/sb/snapshots/{}", id(&taken)),
    )
    .await;
    get(&one).on(&emulator).await.control_error(404);
}

#[tokio::test]
async fn a_snapshot_outlives_its_sandbox() {
    let emulator = with_sandboxes(&["sb"]);
    run(&emulator, "sb", "echo kept > /tmp/file").await;
    let taken = take(&emulator, "sb", "").await;
    assert_eq!(taken["name"], taken["id"], "the id is the default name");
    delete(&emulator, "/sandboxes/sb").await;
    let one = format!("/snapshots/{}", id(&taken));
    let got = get(&one).on(&emulator).await.expect(200);
    assert_eq!(got["source"]["deleted"], true);
    // It is not one of a later sandbox of that name.
    emulator.add("sandboxes", "sb").unwrap();
    let below = get("/sandboxes/sb/snapshots").on(&emulator).await;
    assert_eq!(below.expect(200), json!([]));
    restore("sb", id(&taken))
        .on(&emulator)
        .await
        .control_error(404);
    assert_eq!(ids(&emulator, "/snapshots").await, [id(&taken)]);

    let fork = json!({"targetType": "sandbox", "targetName": "copy"});
    let forked = post(format!("{one}/fork"), &fork).on(&emulator).await;
    let expected = json!({"name": "copy", "type": "sandbox", "snapshotId": taken["id"]});
    assert_eq!(forked.expect(200), expected);
    assert_eq!(run(&emulator, "copy", "cat /tmp/file").await, "kept\n");
    let again = post(format!("{one}/fork"), &fork).on(&emulator).await;
    assert_eq!(again.control_error(409), "Sandbox already exists");
    delete(&emulator, &one).await;
    let gone = post(format!("{one}/fork"), &fork).on(&emulator).await;
    assert_eq!(gone.control_error(404), "Snapshot not found");
}

#[tokio::test]
async fn a_fork_of_a_snapshot_takes_the_settings_of_a_source_that_exists() {
    let emulator = Emulator::offline();
    let network = json!({"allowedDomains": ["example.com"]});
    let sandbox = json!({"metadata": {"name": "sb"}, "spec": {"network": network, "runtime": {
        "memory": 2048, "envs": [{"name": "A", "value": "1"}],
    }}});
    post("/sandboxes", &sandbox).on(&emulator).await.expect(200);
    let taken = take(&emulator, "sb", "").await;
    let forked = async |name: &str| {
        let fork = json!({"targetType": "sandbox", "targetName": name});
        let uri = format!("/snapshots/{}/fork", id(&taken));
        post(uri, &fork).on(&emulator).await.expect(200);
        let copy = get(format!("/sandboxes/{name}")).on(&emulator).await;
        copy.expect(200)["spec"].clone()
    };
    let spec = forked("first").await;
    assert_eq!(spec["network"], network);
    assert_eq!(
        spec["runtime"]["envs"],
        json!([{"name": "A", "value": "1"}])
    );
    delete(&emulator, "/sandboxes/sb").await;
    let spec = forked("second").await;
    assert_eq!(spec["runtime"]["memory"], 2048);
    assert!(spec.get("network").is_none() && spec["runtime"].get("envs").is_none());
}

#[tokio::test]
async fn a_list_is_paged_sorted_and_searched() {
    let emulator = with_sandboxes(&["dev", "prod"]);
    let mut taken = Vec::new();
    // Equal names of two sandboxes must not hide each other.
    for (sandbox, name) in [("dev", "b"), ("prod", "b"), ("dev", "a"), ("prod", "c")] {
        taken.push(take(&emulator, sandbox, name).await);
    }
    let [dev_b, prod_b, dev_a, prod_c] = [0, 1, 2, 3].map(|index: usize| id(&taken[index]));
    assert_eq!(
        ids(&emulator, "/snapshots").await,
        [prod_c, dev_a, prod_b, dev_b]
    );
    let oldest = ids(&emulator, "/snapshots?sort=createdAt:asc").await;
    assert_eq!(oldest, [dev_b, prod_b, dev_a, prod_c]);
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let uri = format!("/snapshots?sort=name:asc&limit=1&cursor={cursor}");
        let page = get(uri).header("Blaxel-Version", "2026-04-28");
        let page = page.on(&emulator).await.expect(200);
        walked.push(page["data"][0]["name"].as_str().unwrap().to_owned());
        cursor = page["meta"]["nextCursor"].as_str().unwrap().to_owned();
        cursor = cursor.replace('+', "%2B").replace('=', "%3D");
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(walked, ["a", "b", "b", "c"]);
    let end = ids(&emulator, "/snapshots?limit=3&anchor=end").await;
    assert_eq!(end, [dev_b]);
    assert_eq!(ids(&emulator, "/snapshots?q=prod").await, [prod_c, prod_b]);
    assert_eq!(ids(&emulator, "/snapshots?q=ready").await.len(), 4);
    let old = get("/snapshots").header("Blaxel-Version", "2026-04-16");
    let old = old.on(&emulator).await.expect(200);
    assert_eq!(old.as_array().map(Vec::len), Some(4), "a bare array");
}

#[tokio::test]
async fn a_snapshot_can_take_its_time_and_fail() {
    let emulator = Emulator::builder().snapshot_time(10 * SECOND).build();
    emulator.add("sandboxes", "sb").unwrap();
    let status = async |id: &str| {
        let got = get(format!("/snapshots/{id}")).on(&emulator).await;
        got.expect(200)["status"].clone()
    };
    let taken = take(&emulator, "sb", "good").await;
    emulator.fail_next(Failure::snapshot("sb")).unwrap();
    let failed = take(&emulator, "sb", "bad").await;
    assert_eq!(
        (&taken["status"], &failed["status"]),
        (&json!("pending"), &json!("pending"))
    );
    let early = restore("sb", "good").on(&emulator).await;
    assert_eq!(early.control_error(409), "Conflict");
    emulator.clock().advance(10 * SECOND);
    assert_eq!(status(id(&taken)).await, "ready");
    assert_eq!(status(id(&failed)).await, "failed");
    restore("sb", "good").on(&emulator).await.expect(200);
    restore("sb", "bad").on(&emulator).await.control_error(409);
    let fork = json!({"targetType": "sandbox", "targetName": "copy"});
    let uri = format!("/snapshots/{}/fork", id(&failed));
    post(uri, &fork).on(&emulator).await.control_error(409);
}

#[tokio::test]
async fn a_name_is_unique_among_the_snapshots_of_a_sandbox() {
    let emulator = with_sandboxes(&["dev", "prod"]);
    let first = take(&emulator, "dev", "before").await;
    take(&emulator, "prod", "before").await;
    let sent = json!({"name": "before"});
    let again = post("/sandboxes/dev/snapshots", &sent).on(&emulator).await;
    assert_eq!(again.control_error(409), "Snapshot already exists");
    delete(&emulator, "/sandboxes/dev/snapshots/before").await;
    get(format!("/snapshots/{}", id(&first)))
        .on(&emulator)
        .await
        .control_error(404);
    let left = get("/sandboxes/prod/snapshots").on(&emulator).await;
    assert_eq!(left.expect(200)[0]["name"], "before");
    for (bad, status) in [
        (json!({}), 400),
        (json!({"source": {}}), 400),
        (json!({"source": {"name": "dev", "kind": "volume"}}), 400),
        (json!({"source": {"name": "none"}}), 404),
    ] {
        let refused = post("/snapshots", &bad).on(&emulator).await;
        refused.control_error(status);
    }
}

#[tokio::test]
async fn a_restored_sandbox_has_the_files_of_the_snapshot_and_keeps_everything_else() {
    let emulator = with_sandboxes(&["sb"]);
    let preview = json!({"metadata": {"name": "web"}, "spec": {"port": 3000, "public": true}});
    post("/sandboxes/sb/previews", &preview)
        .on(&emulator)
        .await
        .expect(200);
    run(&emulator, "sb", "echo one > /tmp/file").await;
    let taken = take(&emulator, "sb", "before").await;
    let before = get("/sandboxes/sb").on(&emulator).await.expect(200);
    run(&emulator, "sb", "echo two > /tmp/file; touch /tmp/new").await;
    for _ in 0..2 {
        let restored = restore("sb", "before").on(&emulator).await.expect(200);
        assert_eq!(restored, json!({"name": "sb", "snapshotId": taken["id"]}));
        assert_eq!(run(&emulator, "sb", "cat /tmp/*").await, "one\n");
        run(&emulator, "sb", "echo three > /tmp/file").await;
    }
    let after = get("/sandboxes/sb").on(&emulator).await.expect(200);
    for member in ["metadata", "spec", "status"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    let previews = get("/sandboxes/sb/previews").on(&emulator).await;
    assert_eq!(previews.expect(200)[0]["metadata"]["name"], "web");
    for (sandbox, snapshot) in [("none", "before"), ("sb", "none")] {
        let refused = restore(sandbox, snapshot).on(&emulator).await;
        refused.control_error(404);
    }
}

#[tokio::test]
async fn a_restored_sandbox_has_the_machine_and_the_processes_of_the_snapshot() {
    let emulator = with_sandboxes(&["sb"]);
    let start = async |name: &str| {
        let process = json!({"command": "echo $WHO; sleep 600", "name": name, "keepAlive": true,
            "timeout": 0, "env": {"WHO": name}});
        let started = post(in_sandbox(&emulator, "sb", "/process"), &process);
        started.bare(&emulator.service()).await.expect(200);
    };
    let running = async || {
        let all = get(in_sandbox(&emulator, "sb", "/process"));
        let all = all.bare(&emulator.service()).await.expect(200);
        let all = all.as_array().unwrap().iter();
        let running = all.filter(|process| process["status"] == "running");
        running
            .map(|process| process["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    start("server").await;
    take(&emulator, "sb", "before").await;
    let stop = ask(
        Method::DELETE,
        in_sandbox(&emulator, "sb", "/process/server/kill"),
    );
    stop.bare(&emulator.service()).await.expect(200);
    start("later").await;
    let bigger = json!({"metadata": {"name": "sb"}, "spec": {"runtime": {"memory": 8192}}});
    restore("sb", "before").on(&emulator).await.expect(200);
    assert_eq!(running().await, ["server"]);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let logs = get(in_sandbox(&emulator, "sb", "/process/server/logs"));
    let logs = logs.bare(&emulator.service()).await.expect(200);
    assert_eq!(logs["stdout"], "server\n", "it has its environment");

    let put = ask(Method::PUT, "/sandboxes/sb").json(&bigger);
    put.on(&emulator).await.expect(200);
    assert_eq!(running().await, Vec::<String>::new());
    restore("sb", "before").on(&emulator).await.expect(200);
    let sandbox = get("/sandboxes/sb").on(&emulator).await.expect(200);
    assert_eq!(sandbox["spec"]["runtime"]["memory"], 4096);
    assert_eq!(running().await, ["server"]);
}

#[tokio::test]
async fn a_restore_cuts_calls_and_can_take_its_time() {
    let emulator = Emulator::builder().deploy_time(10 * SECOND).build();
    emulator.add("sandboxes", "sb").unwrap();
    emulator.clock().advance(10 * SECOND);
    take(&emulator, "sb", "before").await;
    let watched = crate::support::watch(&emulator, "sb").await;
    restore("sb", "before").on(&emulator).await.expect(200);
    assert!(crate::support::is_cut(watched).await);
    let early = get(in_sandbox(&emulator, "sb", "/health"));
    let early = early.bare(&emulator.service()).await;
    early.gateway(404, "WORKLOAD_UNAVAILABLE");
    emulator.clock().advance(10 * SECOND);
    assert_eq!(run(&emulator, "sb", "echo back").await, "back\n");
}
