//! Sandboxes, their previews with tokens, their schedules, snapshots, forks and archives.

use std::time::Duration;

use blaxel_core::{ApiVersion, ListParams, Period, Timestamp};
use blaxel_management::sandboxes::{
    ArchiveRestoreState, ExpirationPolicy, Fork, NewSnapshot, Preview, PreviewToken, Sandbox,
    SandboxLifecycle, Schedule, ScheduleInput,
};
use blaxel_management::workload::{EnvVariable, Port};
use blaxel_management::{Megabytes, Resource};
use serde_json::json;

use crate::support::lifecycle::{CREATE_FIRST, Change, Plan, REPLACE_FIRST};
use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    sandboxes(world).await;
    present_ones(world).await;
    world.emulator.add("sandboxes", "box").unwrap();
    previews(world).await;
    tokens(world).await;
    schedules(world).await;
    snapshots_and_forks(world).await;
    workspace_snapshots(world).await;
    archives(world).await;
}

async fn sandboxes(world: &World) {
    let sandboxes = Lifecycle::of(world, "Sandbox", "Sandboxes", Api::sandboxes);
    let idle = ExpirationPolicy::idle(Period::hours(1));
    let plan = Plan {
        draft: Sandbox::new("runner")
            .image("blaxel/base-image:latest")
            .memory(Megabytes::gigabytes(4))
            .env(EnvVariable::hidden("KEY", "k-1"))
            .port(Port::new(3000u32).name("web"))
            .external_id("order-7")
            .ttl(Period::days(7))
            .lifecycle(SandboxLifecycle::new().expiration_policies([idle])),
        sent: json!({
            "metadata": {"name": "runner", "externalId": "order-7"},
            "spec": {
                "runtime": {
                    "image": "blaxel/base-image:latest",
                    "memory": 4096,
                    "envs": [{"name": "KEY", "value": "k-1", "secret": true}],
                    "ports": [{"target": 3000, "name": "web"}],
                    "ttl": "7d",
                },
                "lifecycle": {"expirationPolicies": [
                    {"action": "delete", "type": "ttl-idle", "value": "1h"},
                ]},
            },
        }),
        replaced: Change {
            apply: |sandbox| sandbox.runtime_mut().memory = Some(Megabytes::new(2048)),
            expected: ("/spec/runtime/memory", json!(2048)),
        },
        modified: Change {
            apply: |sandbox| sandbox.metadata.add_label("team", "care"),
            expected: ("/metadata/labels", json!({"team": "care"})),
        },
        applying: CREATE_FIRST,
    };
    sandboxes.create_and_modify(&plan).await;
    sandboxes
        .assert_secret_masked("runner", "/spec/runtime/envs/0/value", "k-1")
        .await;
    sandboxes.assert_found_by_external_id("order-7").await;
    sandboxes.list_in_pages(&["runner"]).await;
    sandboxes.change(plan).await;
}

/// Creates a sandbox that the server names, and one that exists already.
async fn present_ones(world: &World) {
    let sandboxes = Lifecycle::of(world, "Sandbox", "Sandboxes", Api::sandboxes);
    let unnamed = json!({"metadata": {}, "spec": {}});
    let made = sandboxes.create(&Sandbox::unnamed(), unnamed).await;
    let name = made.metadata.name.clone();
    assert!(!name.is_empty());

    let taken = sandboxes
        .all()
        .create_if_absent(&Sandbox::new(&name))
        .await
        .unwrap();
    let asked = request("CreateSandbox")
        .query("createIfNotExist", true)
        .body(json!({"metadata": {"name": name}, "spec": {}}));
    let exchange = world.assert_sent(asked);
    assert_keeps_all(&taken, exchange.response());
    assert_eq!(taken.metadata, made.metadata);
    sandboxes.delete(&name).await;
}

async fn previews(world: &World) {
    let previews = Lifecycle::of(world, "SandboxPreview", "SandboxPreviews", |api| {
        api.sandboxes().previews("box")
    })
    .under(["box"]);
    let mut draft = Preview::of_port("web", 3000);
    draft.spec = draft.spec.public(true).ttl(Period::hours(24));
    let plan = Plan {
        draft,
        sent: json!({
            "metadata": {"name": "web"},
            "spec": {"port": 3000, "public": true, "ttl": "24h"},
        }),
        replaced: Change {
            apply: |preview| preview.spec.port = Some(4000),
            expected: ("/spec/port", json!(4000)),
        },
        modified: Change {
            apply: |preview| preview.metadata.display_name = Some("Web".to_owned()),
            expected: ("/metadata/displayName", json!("Web")),
        },
        applying: REPLACE_FIRST,
    };
    previews.create_and_modify(&plan).await;
    previews.assert_count(1).await;

    let mut forced = Preview::of_port("web-2", 5000);
    forced.spec = forced.spec.prefix_url("web-2");
    let made = previews.all().create_forced(&forced).await.unwrap();
    let asked = request("CreateSandboxPreview")
        .path_params(["box"])
        .query("force", true)
        .body(json!({
            "metadata": {"name": "web-2"}, "spec": {"port": 5000, "prefixUrl": "web-2"},
        }));
    let exchange = world.assert_sent(asked);
    assert_keeps_all(&made, exchange.response());
    previews.change(plan).await;
}

async fn tokens(world: &World) {
    let tokens = Lifecycle::of(
        world,
        "SandboxPreviewToken",
        "SandboxPreviewTokens",
        |api| api.sandboxes().previews("box").tokens("web-2"),
    )
    .under(["box", "web-2"]);
    let until: Timestamp = "2035-01-01T00:00:00Z".parse().unwrap();
    let draft = PreviewToken::until("guest", until);
    let sent = json!({
        "metadata": {"name": "guest"}, "spec": {"expiresAt": "2035-01-01T00:00:00Z"},
    });
    let made = tokens.create(&draft, sent).await;
    assert!(made.spec.token.is_some());
    tokens.assert_count(1).await;
    tokens.delete("guest").await;
    tokens.assert_not_deletable("guest").await;
}

async fn schedules(world: &World) {
    let schedules = Lifecycle::of(world, "SandboxSchedule", "SandboxSchedules", |api| {
        api.sandboxes().schedules("box")
    })
    .under(["box"]);
    let backup = ScheduleInput::run("tar czf /backup.tgz /app").working_dir("/");
    let plan = Plan {
        draft: Schedule::cron("*/5 * * * *", backup).id("backup"),
        sent: json!({
            "id": "backup",
            "type": "cron",
            "value": "*/5 * * * *",
            "input": {"command": "tar czf /backup.tgz /app", "workingDir": "/"},
        }),
        replaced: Change {
            apply: |schedule| schedule.max_executions = Some(5),
            expected: ("/maxExecutions", json!(5)),
        },
        modified: Change {
            apply: |schedule| schedule.value = Some("*/10 * * * *".to_owned()),
            expected: ("/value", json!("*/10 * * * *")),
        },
        applying: REPLACE_FIRST,
    };
    schedules.create_and_modify(&plan).await;
    schedules.list_in_pages(&["box/backup"]).await;

    let only = schedules
        .all()
        .list_with(&ListParams::new().kind("at"))
        .await
        .unwrap();
    world.assert_sent(
        request("ListSandboxSchedules")
            .path_params(["box"])
            .query("type", "at"),
    );
    assert!(only.items.is_empty());

    world.emulator.clock().advance(Duration::from_secs(12 * 60));
    let executions = Lifecycle::of(
        world,
        "SandboxScheduleExecution",
        "SandboxScheduleExecutions",
        |api| api.sandboxes().schedule_executions("box"),
    );
    let executions = executions.under(["box"]).since(ApiVersion::V2026_04_28);
    let page = executions.all().list().await.unwrap();
    let exchange = world.assert_sent(request("ListSandboxScheduleExecutions").path_params(["box"]));
    assert_keeps_all(&page.items, &exchange.response()["data"]);
    assert!(page.items.len() >= 2, "{page:?}");
    assert!(page.items.iter().all(|run| run.was_accepted()));
    of_the_workspace(world).await;
    schedules.change(plan).await;
}

/// The schedules of all sandboxes, their executions, and the numbers of both.
async fn of_the_workspace(world: &World) {
    let params = ListParams::new().sandbox("box").kind("cron");
    let page = world.api().schedules().list_with(&params).await.unwrap();
    let list = request("ListSchedules")
        .query("sandbox", "box")
        .query("type", "cron");
    let exchange = world.assert_sent(list);
    assert_keeps_all(&page.items, &exchange.response()["data"]);
    assert_eq!(page.items[0].sandbox.as_deref(), Some("box"));
    assert_eq!(page.items[0].key(), "box/backup");

    let until: Timestamp = world.emulator.clock().now();
    let since = until.saturating_sub(Duration::from_secs(60 * 60));
    let params = ListParams::new()
        .limit(1)
        .status("succeeded")
        .sandbox("box")
        .schedule("backup")
        .created_since(since.clone())
        .created_until(until.clone());
    let executions = world.api().schedule_executions();
    let page = executions.list_with(&params).await.unwrap();
    let list = request("ListScheduleExecutions")
        .query("limit", 1)
        .query("status", "succeeded")
        .query("sandbox", "box")
        .query("schedule", "backup")
        .query("since", &since)
        .query("until", &until);
    let exchange = world.assert_sent(list);
    assert_keeps_all(&page.items, &exchange.response()["data"]);
    let all = executions.all_with(&params).await.unwrap();
    assert!(all.len() >= 2 && all.iter().all(|run| run.was_accepted()));
    world.take();

    let schedules = world.api().schedules();
    let metrics = schedules.metrics().await.unwrap();
    let exchange = world.assert_sent(request("GetSandboxScheduleMetrics"));
    assert_keeps_all(&metrics, exchange.response());
    let between = schedules.metrics_between(&since, &until).await.unwrap();
    let get = request("GetSandboxScheduleMetrics");
    let exchange = world.assert_sent(get.query("since", &since).query("until", &until));
    assert_keeps_all(&between, exchange.response());
    assert_eq!(between.executions, metrics.executions);
    assert_eq!(between.schedules, Some(1));
}

async fn snapshots_and_forks(world: &World) {
    let snapshots = Lifecycle::of(world, "SandboxSnapshot", "SandboxSnapshots", |api| {
        api.sandboxes().snapshots("box")
    })
    .under(["box"]);
    let draft = NewSnapshot::new().name("before");
    let made = snapshots.create(&draft, json!({"name": "before"})).await;
    snapshots
        .assert_unique(&draft, json!({"name": "before"}))
        .await;
    snapshots.assert_count(1).await;

    let idle = ExpirationPolicy::idle(Period::hours(1));
    let fork = Fork::into_sandbox("box-2")
        .snapshot_id(made.id.clone())
        .env(EnvVariable::plain("MODE", "test"))
        .lifecycle(SandboxLifecycle::new().expiration_policies([idle]));
    let forked = world.api().sandboxes().fork("box", &fork).await.unwrap();
    let exchange = world.assert_sent(request("ForkSandbox").path_params(["box"]).body(json!({
        "targetType": "sandbox", "targetName": "box-2", "snapshotId": made.id,
        "envs": [{"name": "MODE", "value": "test"}],
        "lifecycle": {"expirationPolicies": [
            {"action": "delete", "type": "ttl-idle", "value": "1h"},
        ]},
    })));
    assert_keeps_all(&forked, exchange.response());
    assert_eq!(forked.name.as_deref(), Some("box-2"));

    let application = Fork::into_application("shop").port(8080).prefix("shop");
    let forked = world
        .api()
        .sandboxes()
        .fork("box", &application)
        .await
        .unwrap();
    let exchange = world.assert_sent(request("ForkSandbox").path_params(["box"]).body(json!({
        "targetType": "application", "targetName": "shop", "port": 8080, "prefix": "shop",
    })));
    assert_keeps_all(&forked, exchange.response());

    let restored = snapshots.all().restore("before").await.unwrap();
    let request_sent = request("RestoreSandboxSnapshot").path_params(["box", "before"]);
    let exchange = world.assert_sent(request_sent);
    assert_keeps_all(&restored, exchange.response());
    assert_eq!(restored.snapshot_id, made.id);

    snapshots.all().delete(&made.id).await.unwrap();
    let request = request("DeleteSandboxSnapshot").path_params(["box", &made.id]);
    world.assert_sent(request.status(204));
    let left = snapshots.list_all().await;
    assert!(left.iter().all(|snapshot| snapshot.id != made.id));
    snapshots.assert_not_deletable("no-such").await;
}

/// The snapshots of the workspace, and those whose sandbox does not exist any more.
async fn workspace_snapshots(world: &World) {
    let snapshots = Lifecycle::of(world, "Snapshot", "Snapshots", Api::snapshots);
    for left in snapshots.all().all().await.unwrap() {
        snapshots.all().delete(&left.id).await.unwrap();
    }
    world.emulator.add("sandboxes", "gone").unwrap();
    world.take();
    let source = json!({"name": "gone", "kind": "sandbox"});
    let draft = NewSnapshot::of_sandbox("gone").name("last");
    let sent = json!({"name": "last", "source": source});
    let made = snapshots.create(&draft, sent).await;
    let second = NewSnapshot::of_sandbox("gone");
    let second = snapshots.create(&second, json!({"source": source})).await;
    assert_eq!(second.name, second.id);
    let got = snapshots.get(&made.id).await;
    assert_eq!(got, made);
    snapshots.assert_missing("no-such").await;
    snapshots.list_in_pages(&[&made.id, &second.id]).await;

    world.api().sandboxes().delete("gone").await.unwrap();
    world.take();
    let orphan = snapshots.get(&made.id).await;
    assert_eq!(orphan.source.unwrap().deleted, Some(true));
    let fork = Fork::into_sandbox("back");
    let forked = snapshots.all().fork(&made.id, &fork).await.unwrap();
    let exchange = world.assert_sent(
        request("ForkSnapshot")
            .path_params([&made.id])
            .body(json!({"targetType": "sandbox", "targetName": "back"})),
    );
    assert_keeps_all(&forked, exchange.response());
    assert_eq!(forked.snapshot_id.as_ref(), Some(&made.id));

    snapshots.all().delete(&made.id).await.unwrap();
    let deleted = request("DeleteSnapshot").path_params([&made.id]);
    world.assert_sent(deleted.status(204));
    snapshots.assert_not_deletable(&made.id).await;
}

async fn archives(world: &World) {
    let sandboxes = world.api().sandboxes();
    let archived = sandboxes.archive("box").await.unwrap();
    let exchange = world.assert_sent(request("ArchiveSandbox").path_params(["box"]));
    assert_keeps_all(&archived, exchange.response());
    assert!(archived.archive.unwrap().size.is_some());

    let restored = sandboxes.unarchive("box").await.unwrap();
    let exchange = world.assert_sent(request("UnarchiveSandbox").path_params(["box"]));
    assert_keeps_all(&restored, exchange.response());
    let restore = restored.archive.unwrap().restore.unwrap();
    assert_eq!(restore.state, Some(ArchiveRestoreState::Succeeded));

    let error = sandboxes.unarchive("box").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let refused = request("UnarchiveSandbox").path_params(["box"]);
    world.assert_sent(refused.status(409));
}
