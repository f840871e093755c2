use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use blaxel_core::{Body, Error, HttpService};
use blaxel_sandbox::{Ensure, Fork, NewSnapshot, Sandbox, Sandboxes};
use serde_json::{Value, json};

use crate::script::{self, Log, Reply, URL, refusal, service};

fn resource(status: &str) -> Value {
    json!({"metadata": {"name": "dev", "url": URL}, "spec": {}, "status": status})
}

/// Creates a control plane that gives these responses, in order; the last one is repeated. Sandboxes respond that they
/// are healthy.
fn control(replies: impl IntoIterator<Item = Reply>) -> (Sandboxes<impl HttpService>, Log) {
    let replies: Vec<_> = replies.into_iter().collect();
    let next = Arc::new(AtomicUsize::new(0));
    let (service, log) = service(move |seen| -> http::Response<Body> {
        if seen.line.ends_with("/health") {
            return script::json(&json!({"status": "ok"})).response();
        }
        let index = next.fetch_add(1, Ordering::Relaxed).min(replies.len() - 1);
        replies[index].clone().response()
    });
    (Sandboxes::new(service), log)
}

fn missing() -> Reply {
    refusal(404, r#"{"error":"Sandbox not found","code":404}"#)
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_is_created_if_it_does_not_exist() {
    let (sandboxes, log) = control([
        missing(),
        script::json(&resource("DEPLOYING")),
        script::json(&resource("DEPLOYED")),
    ]);
    let draft = Sandbox::new("dev").image("blaxel/base-image:latest");
    let ensured = sandboxes.ensure_with(&draft, &Ensure::new()).await.unwrap();
    assert!(ensured.is_created());
    let sandbox = ensured.into_resource();
    assert_eq!(sandbox.name(), "dev");
    assert_eq!(sandbox.reference().url.as_deref(), Some(URL));
    sandbox.health().await.unwrap();
    // Nothing probes the sandbox before it is used.
    assert_eq!(
        log.lines(),
        [
            "GET /control/sandboxes/dev",
            "POST /control/sandboxes",
            "GET /control/sandboxes/dev",
            "GET /health"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_existing_sandbox_is_returned_as_it_is() {
    let (sandboxes, log) = control([script::json(&resource("DEPLOYED"))]);
    let draft = Sandbox::new("dev");
    let ensured = sandboxes.ensure_with(&draft, &Ensure::new()).await.unwrap();
    assert!(!ensured.is_created());
    assert_eq!(sandboxes.ensure(&draft).await.unwrap().name(), "dev");
    assert_eq!(log.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_limits_and_failures_of_ensure_are_errors() {
    let (slow, _) = control([script::json(&resource("DEPLOYING"))]);
    let limit = Ensure::new().within(Duration::from_secs(20));
    let error = slow
        .ensure_with(&Sandbox::new("dev"), &limit)
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let (quota, _) = control([missing(), refusal(402, r#"{"error":"quota"}"#)]);
    assert!(
        quota
            .ensure(&Sandbox::new("dev"))
            .await
            .unwrap_err()
            .is_quota()
    );
}

#[tokio::test(start_paused = true)]
async fn a_created_sandbox_is_waited_for_if_it_is_not_ready() {
    let (ready, log) = control([script::json(&resource("DEPLOYED"))]);
    ready.create(&Sandbox::new("dev")).await.unwrap();
    assert_eq!(log.lines(), ["POST /control/sandboxes"]);

    let (later, log) = control([
        script::json(&resource("DEPLOYING")),
        script::json(&resource("BUILDING")),
        script::json(&resource("DEPLOYED")),
    ]);
    later.create(&Sandbox::new("dev")).await.unwrap();
    assert_eq!(log.all().len(), 3);

    let (failed, _) = control([
        script::json(&resource("DEPLOYING")),
        script::json(&resource("FAILED")),
    ]);
    assert!(
        failed
            .create(&Sandbox::new("dev"))
            .await
            .unwrap_err()
            .is_failed()
    );
    let (taken, _) = control([refusal(409, r#"{"code":"SANDBOX_ALREADY_EXISTS"}"#)]);
    let error: Error = taken.create(&Sandbox::new("dev")).await.unwrap_err();
    assert!(error.is_conflict());
}

#[tokio::test]
async fn a_sandbox_is_deleted() {
    let (sandboxes, log) = control([script::json(&resource("DELETING"))]);
    sandboxes.delete("dev").await.unwrap();
    assert_eq!(log.lines(), ["DELETE /control/sandboxes/dev"]);
    let (none, _) = control([missing()]);
    assert!(none.delete("dev").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn the_address_is_the_variables_or_the_resources_or_the_planes() {
    let address = async |resource: Value, variable: Option<&'static str>| {
        let (mut sandboxes, log) = control([script::json(&json!({}))]);
        if let Some(url) = variable {
            sandboxes = sandboxes.url_overrides(move |name| {
                (name == "BL_SANDBOXES_DEV_URL").then(|| url.to_owned())
            });
        }
        let sandbox: Sandbox = serde_json::from_value(resource).unwrap();
        sandboxes.handle_of(&sandbox).health().await.unwrap();
        log.only().line
    };
    let without = json!({"metadata": {"name": "dev", "url": "  "}, "spec": {}});
    assert_eq!(address(resource("DEPLOYED"), None).await, "GET /health");
    assert_eq!(
        address(without.clone(), None).await,
        "GET /run/sandboxes/dev/health"
    );
    for resource in [resource("DEPLOYED"), without] {
        let line = address(resource, Some("http://127.0.0.1:8080")).await;
        assert_eq!(line, "GET http://127.0.0.1:8080/health");
    }
}

fn snapshot(status: &str) -> Reply {
    script::json(&json!({"id": "snap_1", "name": "before", "workspace": "team", "status": status}))
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_waited_for_if_it_is_not_ready() {
    let (ready, log) = control([snapshot("ready")]);
    let draft = NewSnapshot::new().name("before");
    assert!(ready.take_snapshot("dev", &draft).await.unwrap().is_ready());
    assert_eq!(log.lines(), ["POST /control/sandboxes/dev/snapshots"]);

    let (later, log) = control([snapshot("pending"), snapshot("pending"), snapshot("ready")]);
    assert!(later.take_snapshot("dev", &draft).await.unwrap().is_ready());
    assert_eq!(log.lines()[1..], ["GET /control/snapshots/snap_1"; 2]);

    let (failed, _) = control([snapshot("pending"), snapshot("failed")]);
    let error = failed.take_snapshot("dev", &draft).await.unwrap_err();
    assert!(error.is_failed(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_restored_sandbox_is_waited_for() {
    let restored = script::json(&json!({"name": "dev", "snapshotId": "snap_1"}));
    let (sandboxes, log) = control([
        restored,
        script::json(&resource("DEPLOYING")),
        script::json(&resource("DEPLOYED")),
    ]);
    let sandbox = sandboxes.restore("dev", "before").await.unwrap();
    sandbox.health().await.unwrap();
    assert_eq!(
        log.lines(),
        [
            "POST /control/sandboxes/dev/snapshots/before/restore",
            "GET /control/sandboxes/dev",
            "GET /control/sandboxes/dev",
            "GET /health"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_fork_returns_a_handle_on_the_new_sandbox() {
    let forked = script::json(&json!({"name": "copy", "type": "sandbox"}));
    let (sandboxes, log) = control([forked, script::json(&resource("DEPLOYED"))]);
    let fork = Fork::into_sandbox("copy");
    let copy = sandboxes.fork("dev", &fork).await.unwrap();
    assert_eq!(copy.reference().url.as_deref(), Some(URL));
    assert_eq!(
        log.lines(),
        [
            "POST /control/sandboxes/dev/fork",
            "GET /control/sandboxes/copy"
        ]
    );
    let application = Fork::into_application("shop");
    let error = sandboxes.fork("dev", &application).await.unwrap_err();
    assert!(error.is_input(), "{error}");
    assert_eq!(log.all().len(), 2, "nothing is sent");
}

#[tokio::test(start_paused = true)]
async fn an_archive_is_waited_for_and_brought_back() {
    let (sandboxes, log) = control([
        script::json(&resource("ARCHIVING")),
        script::json(&resource("ARCHIVING")),
        script::json(&resource("ARCHIVED")),
        script::json(&resource("UNARCHIVING")),
        script::json(&resource("UNARCHIVING")),
        script::json(&resource("DEPLOYED")),
    ]);
    sandboxes.archive("dev").await.unwrap();
    let sandbox = sandboxes.unarchive("dev").await.unwrap();
    sandbox.health().await.unwrap();
    let poll = "GET /control/sandboxes/dev";
    assert_eq!(
        log.lines(),
        [
            "POST /control/sandboxes/dev/archive",
            poll,
            poll,
            "POST /control/sandboxes/dev/unarchive",
            poll,
            poll,
            "GET /health"
        ]
    );
    let (forbidden, _) = control([refusal(403, r#"{"error":"Forbidden","code":403}"#)]);
    let error = forbidden.archive("dev").await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
}
