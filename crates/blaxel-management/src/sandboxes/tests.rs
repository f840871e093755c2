use serde_json::json;

use super::*;
use crate::operations::{Create, Delete, List, Perform};
use crate::resource::Resource;
use crate::size::ByteSize;
use blaxel_core::{ListParams, Operation};

#[test]
fn a_complete_sandbox_survives_a_round_trip() {
    let document = json!({
        "metadata": {"name": "box", "externalId": "e-1", "labels": {"a": "b"}},
        "spec": {
            "enabled": true,
            "region": "us-pdx-1",
            "runtime": {
                "image": "blaxel/base-image:latest",
                "memory": 4096,
                "ports": [{"target": 3000, "name": "web", "protocol": "TLS"}],
                "envs": [{"name": "A", "value": "1", "secret": false}],
                "ttl": "24h",
                "expires": "2026-12-31T23:59:59Z",
                "extraArgs": {"tun": "enabled"},
                "terminationGracePeriodSeconds": 30,
            },
            "lifecycle": {
                "expirationPolicies": [{"action": "delete", "type": "ttl-idle", "value": "1h"}],
                "terminatedRetention": "5m",
            },
            "network": {
                "proxy": {
                    "allowedDomains": ["*.example.com"],
                    "forbiddenDomains": ["evil.example.org"],
                    "bypass": ["cdn.example.com"],
                    "routing": [{"destinations": ["*"], "headers": {"A": "b"}, "body": {"c": "d"}}],
                },
                "egress": {
                    "gateway": "g",
                    "mode": "dedicated",
                    "policies": [{"name": "p", "mode": "shared", "destinations": ["x"]}],
                },
                "firewall": {"rulesets": ["proxy"]},
                "subnet": "default",
                "allowedDomains": ["a"],
                "forbiddenDomains": ["b"],
            },
            "volumes": [{"name": "v", "mountPath": "/v", "readOnly": true, "type": "persistent"}],
            "vpc": "default",
        },
        "status": "HIBERNATED",
        "events": [{"type": "sandbox", "status": "DEPLOYED", "message": "up"}],
        "state": "STANDBY",
        "errors": [{"code": "VM_NETWORK_FAILURE", "fatal": false, "instance": "i", "message": "m",
            "time": "2026-01-01T00:00:00Z"}],
        "expiresIn": 3600,
        "lastUsedAt": "2026-01-01T00:00:00.123456789Z",
        "nodeGeneration": "mk3.1",
    });
    let sandbox: Sandbox = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(sandbox.status, Some(Status::from("HIBERNATED")));
    assert_eq!(sandbox.state, Some(SandboxState::Standby));
    assert_eq!(serde_json::to_value(&sandbox).unwrap(), document);
}

#[test]
fn an_unnamed_sandbox_is_sent_without_a_name() {
    let sent = serde_json::to_value(Sandbox::unnamed().image("i")).unwrap();
    assert_eq!(
        sent,
        json!({"metadata": {}, "spec": {"runtime": {"image": "i"}}})
    );
}

#[test]
fn a_lifetime_limit_is_absent_set_or_cleared() {
    let written = |sandbox: Sandbox| serde_json::to_value(sandbox).unwrap()["spec"].take();
    assert_eq!(written(Sandbox::new("box")), json!({}));
    let set = Sandbox::new("box").ttl(Period::hours(2)).lifecycle(
        SandboxLifecycle::new().expiration_policies([ExpirationPolicy::idle(Period::minutes(30))]),
    );
    assert_eq!(
        written(set),
        json!({
            "runtime": {"ttl": "2h"},
            "lifecycle": {"expirationPolicies":
                [{"action": "delete", "type": "ttl-idle", "value": "30m"}]},
        })
    );
    let cleared = Sandbox::new("box")
        .ttl(Clearable::Null)
        .lifecycle(Clearable::Null);
    assert_eq!(
        written(cleared),
        json!({"runtime": {"ttl": null}, "lifecycle": null})
    );
}

#[test]
fn the_debug_output_hides_the_values_that_the_proxy_adds() {
    let rule = ProxyTarget::to(["api.example.com"])
        .header("Authorization", "Bearer {{SECRET:key}}")
        .body_member("api_key", "plain-value")
        .secret("key", "secret-value");
    let printed = format!("{rule:?}");
    assert!(
        !printed.contains("-value") && !printed.contains("Bearer"),
        "{printed}"
    );
    assert_eq!(
        serde_json::to_value(rule).unwrap(),
        json!({
            "destinations": ["api.example.com"],
            "headers": {"Authorization": "Bearer {{SECRET:key}}"},
            "body": {"api_key": "plain-value"},
            "secrets": {"key": "secret-value"},
        })
    );
}

#[test]
fn nested_collections_have_paths_below_the_sandbox() {
    let parent = ParentPath::new(["box"]);
    let token = PreviewToken::new("t");
    let delete = Delete::<SandboxSnapshot>::new("s1")
        .within(&parent)
        .encode()
        .unwrap();
    assert_eq!(delete.uri(), "blaxel://control/sandboxes/box/snapshots/s1");
    let restore = Perform::<RestoreSandboxSnapshot>::on(["box", "s1"]);
    let restore = restore.encode().unwrap();
    let expected = "blaxel://control/sandboxes/box/snapshots/s1/restore";
    assert_eq!(restore.uri(), expected);
    assert_eq!(restore.body().bytes().unwrap(), "");
    let params = ListParams::new().kind("cron").limit(100);
    let list = List::<Schedule>::new(params)
        .within(&parent)
        .encode()
        .unwrap();
    assert_eq!(
        list.uri(),
        "blaxel://control/sandboxes/box/schedules?limit=100&type=cron"
    );
    let create = Create::<PreviewToken>::new(&token)
        .within(&parent.join("web"))
        .encode()
        .unwrap();
    assert_eq!(
        create.uri(),
        "blaxel://control/sandboxes/box/previews/web/tokens"
    );
    let preview = Preview::of_port("web", 3000);
    let forced = Perform::<CreatePreview>::on(parent.names())
        .flag("force", true)
        .input(&preview);
    let forced = forced.encode().unwrap();
    assert_eq!(
        forced.uri(),
        "blaxel://control/sandboxes/box/previews?force=true"
    );
    assert_eq!(
        forced.body().bytes().unwrap(),
        r#"{"metadata":{"name":"web"},"spec":{"port":3000}}"#
    );
}

#[test]
fn the_name_of_a_schedule_is_its_id() {
    let schedule = Schedule::after(Period::minutes(5), ScheduleInput::run("ls")).id("s");
    assert_eq!(schedule.name(), "s");
    assert_eq!(
        serde_json::to_value(schedule).unwrap(),
        json!({"id": "s", "type": "sleep", "value": "5m", "input": {"command": "ls"}})
    );
    let unnamed = Schedule::cron("* * * * *", ScheduleInput::run("ls"));
    assert_eq!(unnamed.name(), "");
}

#[test]
fn deleting_a_snapshot_has_no_response_body() {
    let no_content = http::Response::builder()
        .status(204)
        .body(bytes::Bytes::new());
    Delete::<Snapshot>::decode(no_content.unwrap()).unwrap();
}

#[test]
fn a_fork_has_only_what_differs_from_its_source() {
    let plain = serde_json::to_value(Fork::into_sandbox("copy")).unwrap();
    assert_eq!(
        plain,
        json!({"targetType": "sandbox", "targetName": "copy"})
    );
    let idle = ExpirationPolicy::idle(Period::hours(1));
    let fork = Fork::into_sandbox("copy")
        .env(EnvVariable::plain("MODE", "test"))
        .env(EnvVariable::hidden("KEY", "k-1"))
        .lifecycle(SandboxLifecycle::new().expiration_policies([idle]));
    let sent = serde_json::to_value(&fork).unwrap();
    let envs = json!([
        {"name": "MODE", "value": "test"},
        {"name": "KEY", "value": "k-1", "secret": true},
    ]);
    assert_eq!(sent["envs"], envs);
    assert_eq!(
        sent["lifecycle"]["expirationPolicies"][0]["type"],
        "ttl-idle"
    );
    assert!(!format!("{fork:?}").contains("k-1"));
}

#[test]
fn an_unknown_status_or_source_of_a_snapshot_survives_a_round_trip() {
    let document = json!({
        "id": "snap_1",
        "name": "before",
        "source": {"name": "box", "kind": "volume", "deleted": true},
        "spec": {"generation": "mk4", "memory": 4096},
        "sandboxName": "box",
        "workspace": "team",
        "status": "thawing",
    });
    let snapshot: Snapshot = serde_json::from_value(document.clone()).unwrap();
    assert!(!snapshot.is_ready());
    assert_eq!(serde_json::to_value(&snapshot).unwrap(), document);
}

#[test]
fn the_restored_share_is_known_only_with_the_total() {
    let restore = |restored: Option<u64>, total: Option<u64>| ArchiveRestore {
        restored_bytes: restored.map(ByteSize::new),
        total_bytes: total.map(ByteSize::new),
        ..ArchiveRestore::default()
    };
    assert_eq!(restore(Some(25), Some(100)).fraction(), Some(0.25));
    assert_eq!(restore(Some(101), Some(100)).fraction(), Some(1.0));
    for (restored, total) in [(Some(25), None), (None, Some(100)), (Some(0), Some(0))] {
        assert_eq!(restore(restored, total).fraction(), None);
    }
}
