//! Archiving sandboxes, and restoring them.

use std::time::Duration;

use blaxel_emulator::{Emulator, Failure};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, get, in_sandbox, post, run};

const SECOND: Duration = Duration::from_secs(1);
const LASTS: Duration = Duration::from_secs(10);

/// Starts an emulator with a sandbox, in which archiving takes ten seconds of its clock.
fn slow() -> Emulator {
    let emulator = Emulator::builder().archive_time(LASTS).build();
    emulator.add("sandboxes", "sb").unwrap();
    emulator
}

async fn act(emulator: &Emulator, action: &str) -> Reply {
    ask(Method::POST, format!("/sandboxes/sb/{action}"))
        .on(emulator)
        .await
}

async fn sandbox(emulator: &Emulator) -> Value {
    get("/sandboxes/sb").on(emulator).await.expect(200)
}

async fn health(emulator: &Emulator) -> Reply {
    let health = get(in_sandbox(emulator, "sb", "/health"));
    health.bare(&emulator.service()).await
}

async fn start(emulator: &Emulator, process: &Value) -> Value {
    let started = post(in_sandbox(emulator, "sb", "/process"), process);
    started.bare(&emulator.service()).await.expect(200)
}

#[tokio::test]
async fn archiving_takes_its_time_and_keeps_the_files() {
    let emulator = slow();
    run(&emulator, "sb", "echo kept > /tmp/file").await;
    let begun = emulator.clock().now();
    let told = act(&emulator, "archive").await.expect(200);
    assert_eq!(told["status"], "ARCHIVING");
    assert_eq!(told["archive"], json!({"startedAt": begun.as_str()}));
    emulator.clock().advance(LASTS);
    let archived = sandbox(&emulator).await;
    assert_eq!(archived["status"], "ARCHIVED");
    let archive = &archived["archive"];
    assert_eq!(archive["createdAt"], emulator.clock().now().as_str());
    assert!(archive["size"].as_u64() > Some(0) && archive["key"].is_string());
    assert!(archive.get("startedAt").is_none() && archive.get("restore").is_none());
    assert!(archived.get("state").is_none(), "nothing runs");

    let told = act(&emulator, "unarchive").await.expect(200);
    assert_eq!(told["status"], "UNARCHIVING");
    let started = emulator.clock().now();
    assert_eq!(told["archive"]["restoreStartedAt"], started.as_str());
    let mut states = Vec::new();
    let mut last = 0;
    for _ in 0..10 {
        let now = sandbox(&emulator).await;
        let restore = &now["archive"]["restore"];
        let bytes = restore["restoredBytes"].as_u64().unwrap();
        assert!(last <= bytes && bytes < restore["totalBytes"].as_u64().unwrap());
        last = bytes;
        states.push(restore["state"].as_str().unwrap().to_owned());
        emulator.clock().advance(SECOND);
    }
    states.dedup();
    assert_eq!(states, ["downloading", "extracting", "relaunching"]);
    let restored = sandbox(&emulator).await;
    assert_eq!(restored["status"], "DEPLOYED");
    let restore = &restored["archive"]["restore"];
    assert_eq!(restore["state"], "succeeded");
    assert_eq!(restore["restoredBytes"], restore["totalBytes"]);
    assert!(restored["archive"].get("restoreStartedAt").is_none());
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "kept\n");
}

#[tokio::test]
async fn an_archived_sandbox_cannot_be_called_and_keeps_its_previews() {
    let emulator = slow();
    let preview = json!({"metadata": {"name": "web"}, "spec": {"port": 80, "public": true}});
    let made = post("/sandboxes/sb/previews", &preview).on(&emulator).await;
    let url = made.expect(200)["spec"]["url"].as_str().unwrap().to_owned();
    let watched = crate::support::watch(&emulator, "sb").await;
    act(&emulator, "archive").await.expect(200);
    assert!(crate::support::is_cut(watched).await);
    let unavailable = async || {
        let reply = health(&emulator).await;
        reply.gateway(404, "WORKLOAD_UNAVAILABLE");
        let shown = get(&url).bare(&emulator.service()).await;
        shown.gateway(404, "WORKLOAD_UNAVAILABLE");
    };
    unavailable().await;
    emulator.clock().advance(LASTS);
    unavailable().await;
    assert!(emulator.guest("sb").is_none());
    let previews = get("/sandboxes/sb/previews").on(&emulator).await;
    assert_eq!(previews.expect(200)[0]["spec"]["url"], url.as_str());
}

#[tokio::test]
async fn a_sandbox_answers_while_it_is_restored_and_refuses_writes_until_the_end() {
    let emulator = slow();
    run(&emulator, "sb", "echo kept > /tmp/file").await;
    act(&emulator, "archive").await.expect(200);
    emulator.clock().advance(LASTS);
    act(&emulator, "unarchive").await.expect(200);
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "kept\n");
    let write = "{ echo more > /tmp/file; } 2>/dev/null || echo refused";
    assert_eq!(run(&emulator, "sb", write).await, "refused\n");
    emulator.clock().advance(LASTS);
    assert_eq!(run(&emulator, "sb", write).await, "");
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "more\n");
}

#[tokio::test]
async fn the_processes_that_ran_start_again_with_other_ids() {
    let emulator = slow();
    run(&emulator, "sb", "echo done").await;
    let command = "echo $WHO in $PWD; sleep 600";
    let process = json!({"command": command, "name": "server", "workingDir": "/tmp",
        "keepAlive": true, "timeout": 0, "env": {"WHO": "me"}});
    let before = start(&emulator, &process).await;
    act(&emulator, "archive").await.expect(200);
    emulator.clock().advance(LASTS);
    act(&emulator, "unarchive").await.expect(200);
    emulator.clock().advance(LASTS);
    let all = get(in_sandbox(&emulator, "sb", "/process"));
    let all = all.bare(&emulator.service()).await.expect(200);
    let [after] = all.as_array().unwrap().as_slice() else {
        panic!("only those that ran: {all}")
    };
    assert_eq!(after["name"], "server");
    assert_eq!(after["status"], "running");
    assert_eq!(after["keepAlive"], true);
    assert_ne!(after["pid"], before["pid"]);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let logs = get(in_sandbox(&emulator, "sb", "/process/server/logs"));
    let logs = logs.bare(&emulator.service()).await.expect(200);
    assert_eq!(logs["stdout"], "me in /tmp\n");
}

#[tokio::test]
async fn a_failed_archiving_or_restoring_leads_back() {
    let emulator = slow();
    run(&emulator, "sb", "echo kept > /tmp/file").await;
    emulator.fail_next(Failure::archive("sb")).unwrap();
    act(&emulator, "archive").await.expect(200);
    emulator.clock().advance(LASTS);
    let failed = sandbox(&emulator).await;
    assert_eq!(failed["status"], "DEPLOYED");
    assert!(failed.get("archive").is_none());
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "kept\n");

    act(&emulator, "archive").await.expect(200);
    emulator.clock().advance(LASTS);
    emulator.fail_next(Failure::archive("sb")).unwrap();
    act(&emulator, "unarchive").await.expect(200);
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "kept\n");
    emulator.clock().advance(LASTS);
    let failed = sandbox(&emulator).await;
    assert_eq!(failed["status"], "ARCHIVED");
    assert_eq!(failed["archive"]["restore"]["state"], "failed");
    act(&emulator, "unarchive").await.expect(200);
    emulator.clock().advance(LASTS);
    assert_eq!(run(&emulator, "sb", "cat /tmp/file").await, "kept\n");
}

#[tokio::test]
async fn only_a_deployed_sandbox_is_archived_and_only_an_archived_one_restored() {
    let emulator = slow();
    assert_eq!(
        act(&emulator, "unarchive").await.control_error(409),
        "Conflict"
    );
    act(&emulator, "archive").await.expect(200);
    for action in ["archive", "unarchive", "snapshots/none/restore"] {
        act(&emulator, action).await.control_error(409);
    }
    let taken = post("/sandboxes/sb/snapshots", &json!({})).on(&emulator);
    taken.await.control_error(409);
    let changed = json!({"metadata": {"name": "sb", "labels": {"a": "b"}}, "spec": {}});
    let changed = ask(Method::PUT, "/sandboxes/sb").json(&changed);
    changed.on(&emulator).await.control_error(409);
    emulator.clock().advance(LASTS);
    let filtered = get("/sandboxes?status=ARCHIVED").header("Blaxel-Version", "2026-04-28");
    let filtered = filtered.on(&emulator).await.expect(200);
    assert_eq!(filtered["data"][0]["metadata"]["name"], "sb");
    let gone = ask(Method::DELETE, "/sandboxes/sb").on(&emulator).await;
    gone.expect(200);
    for action in ["archive", "unarchive"] {
        let missing = act(&emulator, action).await.control_error(404);
        assert_eq!(missing, "Sandbox not found");
    }
}

#[tokio::test]
async fn a_call_of_an_archived_sandbox_is_advised_to_restore_it() {
    let emulator = slow();
    for elapsed in [Duration::ZERO, LASTS] {
        if elapsed.is_zero() {
            act(&emulator, "archive").await.expect(200);
        }
        emulator.clock().advance(elapsed);
        let refused = health(&emulator).await;
        refused.gateway(404, "WORKLOAD_UNAVAILABLE");
        let error = &refused.expect(404)["error"];
        assert_eq!(error["retryable"], false);
        let action = error["action"].as_str().unwrap();
        assert!(action.starts_with("Unarchive the sandbox"), "{action}");
    }
    act(&emulator, "unarchive").await.expect(200);
    health(&emulator).await.expect(200);
}

#[tokio::test]
async fn drives_are_not_mounted_again() {
    let emulator = Emulator::offline();
    emulator.add("drives", "shared").unwrap();
    emulator.add("sandboxes", "sb").unwrap();
    let path = in_sandbox(&emulator, "sb", "/drives/mount");
    let mount = json!({"driveName": "shared", "mountPath": "/mnt"});
    let mounted = post(path.clone(), &mount).bare(&emulator.service()).await;
    mounted.expect(200);
    run(&emulator, "sb", "echo kept > /mnt/file").await;
    act(&emulator, "archive").await.expect(200);
    act(&emulator, "unarchive").await.expect(200);
    let mounts = get(path.clone())
        .bare(&emulator.service())
        .await
        .expect(200);
    assert_eq!(mounts["mounts"], json!([]), "{mounts}");
    let mounted = post(path, &mount).bare(&emulator.service()).await;
    mounted.expect(200);
    assert_eq!(run(&emulator, "sb", "cat /mnt/file").await, "kept\n");
}

#[tokio::test]
async fn archiving_takes_no_time_unless_it_is_told_to() {
    let emulator = Emulator::offline();
    emulator.add("sandboxes", "sb").unwrap();
    let told = act(&emulator, "archive").await.expect(200);
    assert_eq!(told["status"], "ARCHIVED");
    assert_eq!(told["archive"]["size"], 0, "it was never called");
    let told = act(&emulator, "unarchive").await.expect(200);
    assert_eq!(told["status"], "DEPLOYED");
    assert_eq!(health(&emulator).await.status, 200);
}

#[tokio::test]
async fn a_workspace_without_the_feature_is_refused() {
    let emulator = Emulator::builder()
        .feature("sandbox-archives", false)
        .build();
    emulator.add("sandboxes", "sb").unwrap();
    for action in ["archive", "unarchive"] {
        assert_eq!(act(&emulator, action).await.control_error(403), "Forbidden");
    }
    let features = get("/features").on(&emulator).await.expect(200);
    assert!(features["features"].get("sandbox-archives").is_none());
}
