//! The volumes and drives of sandboxes.

use blaxel_emulator::Emulator;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, ask, in_sandbox, post, run};

async fn volume(emulator: &Emulator, method: Method, size: u64) -> Reply {
    let uri = if method == Method::POST {
        "/volumes"
    } else {
        "/volumes/data"
    };
    let sent = json!({"metadata": {"name": "data"}, "spec": {"size": size}});
    ask(method, uri).json(&sent).on(emulator).await
}

fn sandbox(name: &str, volumes: Value, labels: Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "spec": {"volumes": volumes}})
}

async fn create(emulator: &Emulator, name: &str, volumes: Value) {
    let sent = sandbox(name, volumes, json!({}));
    post("/sandboxes", &sent).on(emulator).await.expect(200);
}

#[tokio::test]
async fn the_files_on_a_volume_outlive_its_sandbox() {
    let emulator = Emulator::offline();
    volume(&emulator, Method::POST, 1).await.expect(200);
    create(
        &emulator,
        "one",
        json!([{"name": "data", "mountPath": "/data"}]),
    )
    .await;
    run(
        &emulator,
        "one",
        "echo kept > /data/file; echo lost > /tmp/file",
    )
    .await;
    ask(Method::DELETE, "/sandboxes/one")
        .on(&emulator)
        .await
        .expect(200);
    create(
        &emulator,
        "two",
        json!([{"name": "data", "mountPath": "/mnt/deep/data", "readOnly": true}]),
    )
    .await;
    assert_eq!(
        run(&emulator, "two", "cat /mnt/deep/data/file").await,
        "kept\n"
    );
    let refused = run(&emulator, "two", "echo x > /mnt/deep/data/file").await;
    assert!(refused.contains("Read-only file system"), "{refused}");
    // A restart keeps the volume too.
    let put = json!({"metadata": {"name": "two"}, "spec": {
        "runtime": {"envs": [{"name": "A", "value": "1"}]},
        "volumes": [{"name": "data", "mountPath": "/data"}],
    }});
    ask(Method::PUT, "/sandboxes/two")
        .json(&put)
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(run(&emulator, "two", "cat /data/file").await, "kept\n");
}

#[tokio::test]
async fn a_full_volume_refuses_more_until_it_is_resized() {
    let emulator = Emulator::offline();
    volume(&emulator, Method::POST, 1).await.expect(200);
    create(
        &emulator,
        "sb",
        json!([{"name": "data", "mountPath": "/data"}]),
    )
    .await;
    let fill = "head -c 1500000 /dev/zero > /data/big && echo done";
    let full = run(&emulator, "sb", fill).await;
    assert!(full.contains("No space left on device"), "{full}");
    volume(&emulator, Method::PUT, 2).await.expect(200);
    assert_eq!(run(&emulator, "sb", fill).await, "done\n");
    let smaller = volume(&emulator, Method::PUT, 1).await;
    assert_eq!(smaller.control_error(400), "Bad Request");
}

#[tokio::test]
async fn an_ephemeral_volume_has_its_size_and_ends_with_the_machine() {
    let emulator = Emulator::offline();
    let scratch =
        json!([{"name": "scratch", "type": "ephemeral", "sizeMb": 1, "mountPath": "/scratch"}]);
    create(&emulator, "sb", scratch).await;
    let full = run(
        &emulator,
        "sb",
        "echo a > /scratch/a; head -c 2000000 /dev/zero > /scratch/big",
    )
    .await;
    assert!(full.contains("No space left on device"), "{full}");
    ask(Method::DELETE, "/sandboxes/sb")
        .on(&emulator)
        .await
        .expect(200);
    create(
        &emulator,
        "sb",
        json!([{"name": "scratch", "type": "ephemeral", "sizeMb": 1, "mountPath": "/scratch"}]),
    )
    .await;
    assert_eq!(run(&emulator, "sb", "ls /scratch").await, "");
}

async fn drive(emulator: &Emulator, permissions: Value) {
    let sent = json!({"metadata": {"name": "shared"}, "spec": {"permissions": permissions}});
    post("/drives", &sent).on(emulator).await.expect(200);
}

async fn mount(emulator: &Emulator, sandbox: &str, path: &str, read_only: bool) -> u16 {
    let sent = json!({"driveName": "shared", "mountPath": "/shared", "drivePath": path, "readOnly": read_only});
    let reply = post(in_sandbox(emulator, sandbox, "/drives/mount"), &sent);
    reply.bare(&emulator.service()).await.status.as_u16()
}

#[tokio::test]
async fn two_sandboxes_see_the_same_drive() {
    let emulator = Emulator::offline();
    drive(&emulator, json!([])).await;
    for name in ["one", "two"] {
        create(&emulator, name, json!([])).await;
        assert_eq!(mount(&emulator, name, "/", false).await, 200);
    }
    run(&emulator, "one", "echo hello > /shared/file").await;
    assert_eq!(run(&emulator, "two", "cat /shared/file").await, "hello\n");
    run(&emulator, "two", "echo bye >> /shared/file").await;
    assert_eq!(
        run(&emulator, "one", "cat /shared/file").await,
        "hello\nbye\n"
    );
}

#[tokio::test]
async fn a_drive_is_mounted_only_as_its_permissions_allow() {
    let emulator = Emulator::offline();
    let permissions = json!([
        {"labels": {"team": "backend", "tier": "1"}, "mode": "read-write"},
        {"labels": {"team": "web"}, "mode": "read", "path": "/public"},
    ]);
    drive(&emulator, permissions).await;
    for (name, labels) in [
        (
            "backend",
            json!({"team": "backend", "tier": "1", "more": "x"}),
        ),
        ("half", json!({"team": "backend"})),
        ("web", json!({"team": "web"})),
    ] {
        let sent = sandbox(name, json!([]), labels);
        post("/sandboxes", &sent).on(&emulator).await.expect(200);
    }
    assert_eq!(
        mount(&emulator, "half", "/", true).await,
        403,
        "all labels must match"
    );
    assert_eq!(mount(&emulator, "backend", "/", false).await, 200);
    run(
        &emulator,
        "backend",
        "mkdir /shared/public && echo page > /shared/public/index",
    )
    .await;
    assert_eq!(mount(&emulator, "web", "/", true).await, 403);
    assert_eq!(mount(&emulator, "web", "/publicity", true).await, 403);
    assert_eq!(
        mount(&emulator, "web", "/public", false).await,
        403,
        "it may only read"
    );
    assert_eq!(mount(&emulator, "web", "/public", true).await, 200);
    assert_eq!(run(&emulator, "web", "cat /shared/index").await, "page\n");
    // A change of labels counts for the next mount.
    let put = sandbox("half", json!([]), json!({"team": "backend", "tier": "1"}));
    ask(Method::PUT, "/sandboxes/half")
        .json(&put)
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(mount(&emulator, "half", "/", false).await, 200);
}
