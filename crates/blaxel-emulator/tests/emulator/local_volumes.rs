//! Volumes, drives, snapshots and forks of sandboxes whose commands run on this machine.

use std::time::Duration;

use blaxel_emulator::Emulator;
use blaxel_emulator::blaxel_guest::LocalGuest;
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, in_sandbox, post, run};

/// Returns emulators for each kind of local guests that this machine can run.
fn emulators() -> Vec<Emulator> {
    let unconfined = Emulator::builder().unconfined_local_guests();
    let mut emulators = vec![unconfined.unwrap().build()];
    // The refusal where there is no bubblewrap is tested elsewhere.
    if LocalGuest::builder().check().is_ok() {
        let isolated = Emulator::builder().local_guests();
        emulators.push(isolated.unwrap().build());
    }
    emulators
}

async fn create(emulator: &Emulator, path: &str, document: Value) {
    post(path.to_owned(), &document)
        .on(emulator)
        .await
        .expect(200);
}

async fn sandbox(emulator: &Emulator, name: &str, volumes: Value) {
    let document = json!({"metadata": {"name": name}, "spec": {"volumes": volumes}});
    create(emulator, "/sandboxes", document).await;
}

async fn delete(emulator: &Emulator, name: &str) {
    let deleted = ask(Method::DELETE, format!("/sandboxes/{name}"));
    deleted.on(emulator).await.expect(200);
}

/// Writes a file, and returns the status.
async fn write(emulator: &Emulator, sandbox: &str, path: &str, content: &str) -> u16 {
    let path = format!("/filesystem/{}", path.replace('/', "%2F"));
    let put = ask(Method::PUT, in_sandbox(emulator, sandbox, &path));
    let put = put.json(&json!({"content": content}));
    put.bare(&emulator.service()).await.status.as_u16()
}

#[tokio::test]
async fn a_volume_outlives_its_sandbox() {
    for emulator in emulators() {
        let volume = json!({"metadata": {"name": "data"}, "spec": {"size": 1}});
        create(&emulator, "/volumes", volume).await;
        let scratch = json!({"name": "scratch", "type": "ephemeral", "sizeMb": 1,
            "mountPath": "/blaxel/scratch"});
        let data = json!({"name": "data", "mountPath": "/blaxel/data"});
        sandbox(&emulator, "one", json!([data, scratch])).await;
        run(
            &emulator,
            "one",
            "echo kept > data/file; echo lost > scratch/file; echo lost > file",
        )
        .await;
        let large = "x".repeat(2 << 20);
        assert_eq!(
            write(&emulator, "one", "/blaxel/data/large", &large).await,
            422
        );
        delete(&emulator, "one").await;
        let read_only = json!({"name": "data", "mountPath": "/blaxel/deep/data", "readOnly": true});
        let scratch = json!({"name": "scratch", "type": "ephemeral", "sizeMb": 1,
            "mountPath": "/blaxel/scratch"});
        sandbox(&emulator, "two", json!([read_only, scratch])).await;
        let read = run(
            &emulator,
            "two",
            "cat deep/data/file; ls -A scratch; cat file 2>/dev/null",
        )
        .await;
        assert_eq!(read, "kept\n");
        assert_eq!(
            write(&emulator, "two", "/blaxel/deep/data/file", "x").await,
            422
        );
    }
}

#[tokio::test]
async fn a_drive_is_mounted_in_running_sandboxes_and_shared() {
    for emulator in emulators() {
        create(
            &emulator,
            "/drives",
            json!({"metadata": {"name": "shared"}, "spec": {}}),
        )
        .await;
        for name in ["one", "two"] {
            sandbox(&emulator, name, json!([])).await;
            run(&emulator, name, "true").await;
            let mount = json!({"driveName": "shared", "mountPath": "/blaxel/shared"});
            let mount = post(in_sandbox(&emulator, name, "/drives/mount"), &mount);
            mount.bare(&emulator.service()).await.expect(200);
        }
        run(&emulator, "one", "echo hello > shared/file").await;
        assert_eq!(run(&emulator, "two", "cat shared/file").await, "hello\n");
        assert_eq!(
            write(&emulator, "two", "/blaxel/shared/file", "bye").await,
            200
        );
        assert_eq!(run(&emulator, "one", "cat shared/file").await, "bye");
        let unmount = in_sandbox(&emulator, "one", "/drives/mount/blaxel/shared");
        let unmount = ask(Method::DELETE, unmount);
        unmount.bare(&emulator.service()).await.expect(200);
        assert_eq!(run(&emulator, "one", "ls shared").await, "");
    }
}

#[tokio::test]
async fn a_deleted_folder_of_a_drive_is_gone_in_running_sandboxes() {
    for emulator in emulators() {
        let drive = json!({"metadata": {"name": "shared"}, "spec": {}});
        create(&emulator, "/drives", drive).await;
        for name in ["one", "two"] {
            sandbox(&emulator, name, json!([])).await;
            let mount = json!({"driveName": "shared", "mountPath": "/blaxel/shared"});
            let mount = post(in_sandbox(&emulator, name, "/drives/mount"), &mount);
            mount.bare(&emulator.service()).await.expect(200);
        }
        let wait = "until [ ! -e shared/a ]; do sleep 0.02; done; ls shared";
        let waiting = json!({"command": wait, "name": "waiting"});
        let fill = "mkdir -p shared/a/b && echo 1 > shared/a/b/f && ln -s / shared/a/out \
            && echo 2 > shared/kept";
        run(&emulator, "one", fill).await;
        let started = post(in_sandbox(&emulator, "two", "/process"), &waiting);
        started.bare(&emulator.service()).await.expect(200);
        let delete = async |path: &str| {
            let folder = format!("/drives/shared/folders?path={path}");
            let reply = ask(Method::DELETE, folder).on(&emulator).await;
            reply.status.as_u16()
        };
        assert_eq!(delete("/kept").await, 400, "it is a file");
        assert_eq!(delete("/a/none").await, 204);
        assert_eq!(delete("/a").await, 204);
        assert_eq!(delete("/a").await, 204);
        assert_eq!(run(&emulator, "one", "cat shared/*").await, "2\n");
        let logs = get(in_sandbox(&emulator, "two", "/process/waiting/logs/stream"));
        let logs = logs.bare(&emulator.service()).await;
        assert_eq!(&logs.bytes[..], b"stdout:kept\n");
    }
}

#[tokio::test]
async fn an_archive_knows_the_number_of_its_files() {
    for emulator in emulators() {
        sandbox(&emulator, "sb", json!([])).await;
        run(&emulator, "sb", "true").await;
        let archived = async || {
            for action in ["archive", "unarchive"] {
                let acted = ask(Method::POST, format!("/sandboxes/sb/{action}"));
                acted.on(&emulator).await.expect(200);
            }
            let shown = get("/sandboxes/sb").on(&emulator).await.expect(200);
            let restore = &shown["archive"]["restore"];
            let number = |name: &str| restore[name].as_u64().unwrap();
            (number("files"), number("totalBytes"))
        };
        let before = archived().await;
        run(
            &emulator,
            "sb",
            "mkdir -p a/b && printf 12345 > a/b/f && printf 678 > a/g",
        )
        .await;
        let after = archived().await;
        assert_eq!(after.0, before.0 + 2);
        assert!(after.1 >= 8);
    }
}

#[tokio::test]
async fn snapshots_and_forks_have_the_files_of_their_time() {
    for emulator in emulators() {
        let volume = json!({"metadata": {"name": "data"}, "spec": {"size": 1}});
        create(&emulator, "/volumes", volume).await;
        let data = json!({"name": "data", "mountPath": "/blaxel/data"});
        sandbox(&emulator, "sb", json!([data])).await;
        run(&emulator, "sb", "echo one > file; echo shared > data/file").await;
        let taken = post("/sandboxes/sb/snapshots", &json!({"name": "first"}));
        let taken = taken.on(&emulator).await.expect(200);
        run(&emulator, "sb", "echo two > file").await;
        let fork = json!({"targetType": "sandbox", "targetName": "old", "snapshotId": taken["id"]});
        create(&emulator, "/sandboxes/sb/fork", fork).await;
        let fork = json!({"targetType": "sandbox", "targetName": "new"});
        create(&emulator, "/sandboxes/sb/fork", fork).await;
        let fork = json!({"targetType": "sandbox", "targetName": "idle"});
        create(&emulator, "/sandboxes/new/fork", fork).await;
        for (name, expected) in [("old", "one\n"), ("new", "two\n"), ("idle", "two\n")] {
            assert_eq!(run(&emulator, name, "cat file").await, expected, "{name}");
            run(&emulator, name, "echo other > file").await;
        }
        assert_eq!(
            run(&emulator, "sb", "cat file data/file").await,
            "two\nshared\n"
        );
    }
}

#[tokio::test]
async fn the_processes_of_a_sandbox_stand_still_on_standby() {
    let builder = Emulator::builder().unconfined_local_guests().unwrap();
    let emulator = builder.standby_after(Duration::from_millis(400)).build();
    sandbox(&emulator, "sb", json!([])).await;
    let count = json!({"command": "while :; do echo x >> ticked; sleep 0.02; done"});
    let started = post(in_sandbox(&emulator, "sb", "/process"), &count);
    started.bare(&emulator.service()).await.expect(200);
    let guest = emulator.guest("sb").unwrap();
    let size = || {
        let file = guest.guest().files().metadata("/blaxel/ticked");
        file.map_or(0, |file| file.size)
    };
    let started = std::time::Instant::now();
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        match size() {
            now if now > 0 && now == before => break,
            now => before = now,
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it never stands still"
        );
    }
    assert!(guest.guest().clock().is_on_standby());
    run(&emulator, "sb", "sleep 0.2").await;
    assert!(size() > before, "it goes on");
}
