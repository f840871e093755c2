//! Saving the state, and restoring it.

use std::time::Duration;

use blaxel_emulator::blaxel_guest::{Clock, Files as _, MemoryFiles, Volume};
use blaxel_emulator::{Data, Emulator, Failure, Fault};
use http::{Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ask, get, in_sandbox, post, run};

fn named(name: &str, spec: &Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

fn restored(text: &str) -> Emulator {
    Emulator::builder().data(text.parse().unwrap()).build()
}

/// Makes an emulator with something of everything.
async fn used() -> Emulator {
    let emulator = Emulator::builder()
        .workspace("acme")
        .seed(7)
        .deploy_time(Duration::from_secs(10))
        .standby_after(Duration::MAX)
        .build();
    let service = emulator.service();
    let create = async |path: &str, body: Value| post(path, &body).bare(&service).await.expect(200);
    create(
        "/agents",
        named("bot", &json!({"runtime": {"memory": 1024}})),
    )
    .await;
    emulator.clock().advance(Duration::from_secs(3));
    let changed = named("bot", &json!({"runtime": {"memory": 2048}}));
    ask(Method::PUT, "/agents/bot")
        .json(&changed)
        .bare(&service)
        .await
        .expect(200);
    create("/volumes", named("v", &json!({"size": 16}))).await;
    emulator.clock().advance(Duration::from_secs(20));
    create(
        "/sandboxes",
        named(
            "dev",
            &json!({
                "runtime": {"image": "blaxel/base-image:latest", "envs":
                    [{"name": "KEY", "value": "canary", "secret": true}]},
                "volumes": [{"name": "v", "mountPath": "/data"}],
            }),
        ),
    )
    .await;
    create("/jobs", named("nightly", &json!({}))).await;
    emulator.clock().advance(Duration::from_secs(20));
    let preview = named("web", &json!({"port": 3000, "public": false}));
    create("/sandboxes/dev/previews", preview).await;
    create("/sandboxes/dev/previews/web/tokens", named("t", &json!({}))).await;
    let schedule = json!({"type": "cron", "value": "*/5 * * * *", "input": {"command": "true"}});
    post("/sandboxes/dev/schedules", &schedule)
        .bare(&service)
        .await;
    let path = "/sandboxes/dev/snapshots";
    run(
        &emulator,
        "dev",
        "echo one > /tmp/a; ln /tmp/a /tmp/b; ln -s a /tmp/c; echo x > /data/f",
    )
    .await;
    post(path, &json!({"name": "before"})).bare(&service).await;
    run(
        &emulator,
        "dev",
        "printf '\\377' > /tmp/binary; chmod 700 /tmp/a",
    )
    .await;
    let sleeping = json!({"command": "sleep 1000", "name": "sleeper"});
    let started = post(in_sandbox(&emulator, "dev", "/process"), &sleeping);
    started.bare(&service).await.expect(200);
    post("/jobs/nightly/executions", &json!({"tasks": [{"n": 1}]}))
        .bare(&service)
        .await;
    let account = create("/service_accounts", json!({"name": "ci"})).await;
    let keys = format!(
        "/service_accounts/{}/api_keys",
        account["client_id"].as_str().unwrap()
    );
    create(&keys, json!({"name": "k"})).await;
    let secret = json!({"name": "PAYMENTS", "value": "canary"});
    post("/secrets", &secret).bare(&service).await;
    emulator.add_image("sandbox", "runner");
    emulator.offer_image("agent", "theirs");
    let busy = Fault::json(StatusCode::SERVICE_UNAVAILABLE, json!({"code": 503}));
    emulator.fault("ListModels", busy, 2).unwrap();
    emulator
        .fault("List*", Fault::insert(3, &b"\xff"[..]), 1)
        .unwrap();
    emulator
        .fail_next(Failure::deployment("agents", "next"))
        .unwrap();
    emulator.fail_next(Failure::task("nightly", 1, 2)).unwrap();
    emulator.clock().advance(Duration::from_secs(600));
    emulator
}

#[tokio::test]
async fn what_was_saved_and_restored_is_saved_with_the_same_bytes() {
    let emulator = used().await;
    let saved = emulator.save().unwrap().to_string();
    assert_eq!(
        emulator.save().unwrap().to_string(),
        saved,
        "saving changes nothing"
    );
    let again = restored(&saved);
    assert_eq!(again.save().unwrap().to_string(), saved);
    // An emulator that runs, at another address.
    let served = Emulator::builder()
        .data(saved.parse().unwrap())
        .start()
        .await
        .unwrap();
    served.add_agent("another");
    served.clock().advance(Duration::from_secs(5));
    served.restore(&saved.parse().unwrap()).unwrap();
    assert_eq!(served.save().unwrap().to_string(), saved);
    served.reset();
    let names = |emulator: &Emulator| {
        let text = emulator.save().unwrap().to_string();
        let data: Value = serde_json::from_str(&text).unwrap();
        data["resources"].as_array().unwrap().len()
    };
    assert_eq!(
        names(&served),
        names(&again),
        "a reset begins with the data again"
    );
}

#[tokio::test]
async fn a_restored_emulator_answers_as_the_saved_one() {
    let emulator = used().await;
    let again = restored(&emulator.save().unwrap().to_string());
    for fault in ["List*", "ListModels", "ListModels"] {
        assert!(again.waiting_faults() > 0, "{fault}");
        let (one, other) = (
            get("/models").bare(&emulator.service()).await,
            get("/models").bare(&again.service()).await,
        );
        assert_eq!((one.status, one.bytes), (other.status, other.bytes));
    }
    for path in [
        "/agents",
        "/agents/bot",
        "/agents/bot/revisions",
        "/models",
        "/sandboxes",
        "/sandboxes/dev",
        "/sandboxes/dev?show_secrets=true",
        "/sandboxes/dev/previews",
        "/sandboxes/dev/previews/web/tokens",
        "/sandboxes/dev/schedules",
        "/sandboxes/dev/schedule-executions",
        "/sandboxes/dev/snapshots",
        "/snapshots",
        "/volumes/v",
        "/jobs/nightly/executions",
        "/users",
        "/service_accounts",
        "/images",
        "/pending-image-shares",
        "/secrets",
        "/workspaces/acme",
        "/customdomains",
    ] {
        let (one, other) = (
            get(path).bare(&emulator.service()).await,
            get(path).bare(&again.service()).await,
        );
        assert_eq!(one.status, 200, "{path}: {one:?}");
        assert_eq!(one.bytes, other.bytes, "{path}");
    }
    assert_eq!(again.secret_values("PAYMENTS"), ["canary"]);
    // The keys of service accounts stay valid.
    let data: Value = serde_json::from_str(&emulator.save().unwrap().to_string()).unwrap();
    assert_eq!(data["settings"]["standby_after"], "never");
    // Ids go on, so nothing new is taken for something old.
    let create = async |emulator: &Emulator| {
        let reply = post("/service_accounts", &json!({"name": "x"}));
        reply.bare(&emulator.service()).await.expect(200)["client_id"].clone()
    };
    assert_eq!(create(&emulator).await, create(&again).await);
}

#[tokio::test]
async fn files_are_restored_and_a_process_starts_again() {
    let emulator = used().await;
    let again = restored(&emulator.save().unwrap().to_string());
    let shown = "cat /tmp/a /tmp/b /tmp/c /data/f; stat -c '%a %h' /tmp/a; wc -c < /tmp/binary; readlink /tmp/c";
    let expected = run(&emulator, "dev", shown).await;
    assert!(expected.contains("700 2"), "{expected}");
    assert_eq!(run(&again, "dev", shown).await, expected);
    let process = get(in_sandbox(&again, "dev", "/process/sleeper"));
    let process = process.bare(&again.service()).await.expect(200);
    assert_eq!(process["status"], "running");
    // What is written afterwards is that emulator's own.
    run(&again, "dev", "echo more >> /data/f").await;
    assert_eq!(run(&emulator, "dev", "cat /data/f").await, "x\n");
    let restore = post("/sandboxes/dev/snapshots/before/restore", &json!({}));
    let restore = restore.bare(&again.service()).await;
    assert!(restore.status.is_success(), "{restore:?}");
    again.clock().advance(Duration::from_secs(20));
    assert_eq!(run(&again, "dev", "ls /tmp").await, "a\nb\nc\n");
}

#[tokio::test]
async fn a_seed_that_is_written_by_hand_adds_to_a_new_emulator() {
    let seed = "
version: 1
settings: {workspace: acme, deploy_time: 5}
clock: 2026-12-24T18:00:00Z
resources:
  - {collection: agents, name: bot}
  - collection: sandboxes
    name: dev
    document:
      metadata: {labels: {team: a}}
      spec: {runtime: {image: 'blaxel/base-image:latest', memory: 2048}}
    processes:
      - {name: server, command: sleep 1000}
  - collection: 'sandboxes/{sandboxName}/previews'
    parents: [dev]
    name: web
    document: {spec: {port: 3000}}
  - collection: volumes
    name: v
    files:
      capacity: 1000
      files: {/notes/a.txt: hello, /run: {text: '#!/bin/sh', mode: '755'}}
";
    let emulator = restored(seed);
    let service = emulator.service();
    assert_eq!(emulator.workspace(), "acme");
    assert_eq!(emulator.clock().now().as_str(), "2026-12-24T18:00:00Z");
    assert_eq!(
        get("/agents/bot").bare(&service).await.expect(200)["status"],
        "DEPLOYING"
    );
    emulator.clock().advance(Duration::from_secs(5));
    let sandbox = get("/sandboxes/dev").bare(&service).await.expect(200);
    assert_eq!(sandbox["metadata"]["labels"]["team"], "a");
    assert_eq!(sandbox["spec"]["runtime"]["memory"], 2048);
    get("/sandboxes/dev/previews/web")
        .bare(&service)
        .await
        .expect(200);
    let process = get(in_sandbox(&emulator, "dev", "/process/server"));
    assert_eq!(
        process.bare(&service).await.expect(200)["status"],
        "running"
    );
    let models = get("/models").bare(&service).await.expect(200);
    assert!(
        !models["data"].as_array().unwrap().is_empty(),
        "those of a new emulator"
    );
    // The same in JSON, and once more beside what is there.
    let value = json!({"version": 1, "resources": [{"collection": "agents", "name": "late"}]});
    emulator
        .restore(&value.to_string().parse().unwrap())
        .unwrap();
    get("/agents/late").bare(&service).await.expect(200);
    get("/agents/bot").bare(&service).await.expect(200);
}

#[test]
fn an_error_names_the_line_and_the_member() {
    for (text, expected) in [
        ("", "version"),
        ("version: 2", "version: 2 is not known"),
        ("version: 1\nresource: []", "resource"),
        (
            "version: 1\nresources:\n  - {collection: agents}",
            "line 3: resources[0]",
        ),
        (
            "version: 1\nresources:\n  - collection: agents\n    name: a\n    serial: x",
            "line 5: resources[0].serial",
        ),
        (
            "version: 1\nresources:\n  - {collection: kites, name: a}",
            "resources[0]: kites \"a\"",
        ),
        (
            "version: 1\nresources: [{collection: 'sandboxes/{sandboxName}/previews', name: a}]",
            "`parents`",
        ),
        ("version: 1\nclock: yesterday", "line 2: clock"),
        (
            "version: 1\nsettings: {deploy_time: soon}",
            "settings.deploy_time",
        ),
        ("version: 1\nversion: 1", "twice"),
        ("version: [1", "line"),
        ("version: &a 1\nclock: *a", "aliases"),
        ("{\"version\": 1,\n \"clock\": 5}", "line 2"),
        ("{\"version\": 1} x", "line 1"),
        (
            "{\"version\": 1, \"resources\": [{\"collection\": \"volumes\", \"name\": \"v\", \"files\": {\"capacity\": 1, \"files\": {\"a\": \"\"}}}]}",
            "invalid file \"a\"",
        ),
        (
            "{\"version\": 1, \"counters\": {\"failing\": [{\"of\": \"kites\", \"name\": \"a\"}]}}",
            "counters: there is no work \"kites\"",
        ),
    ] {
        let problem = text.parse::<Data>().unwrap_err().to_string();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}

#[tokio::test]
async fn data_of_other_settings_is_refused_by_a_running_emulator() {
    let emulator = Emulator::offline();
    emulator.add_agent("kept");
    let other = Emulator::builder()
        .workspace("other")
        .build()
        .save()
        .unwrap();
    let problem = emulator.restore(&other).unwrap_err().to_string();
    assert!(problem.contains("settings.workspace"), "{problem}");
    get("/agents/kept").on(&emulator).await.expect(200);
}

#[tokio::test]
async fn the_control_saves_and_restores() {
    let emulator = Emulator::offline();
    let service = emulator.service();
    let path = "https://emulator.invalid/_emulator/data";
    emulator.add_agent("bot");
    let saved = get(path).bare(&service).await;
    assert_eq!(saved.header("content-type"), Some("application/json"));
    emulator.add_agent("another");
    let put = async |text: &[u8]| {
        let reply = ask(Method::PUT, path)
            .bytes(text.to_vec())
            .bare(&service)
            .await;
        (
            reply.status.as_u16(),
            String::from_utf8(reply.bytes.to_vec()).unwrap(),
        )
    };
    assert_eq!(put(&saved.bytes).await.0, 204);
    assert_eq!(get("/agents/another").bare(&service).await.status, 404);
    get("/agents/bot").bare(&service).await.expect(200);
    let (status, problem) = put(b"version: 1\nclok: 3").await;
    assert!(status == 422 && problem.contains("clok"), "{problem}");
    let (status, problem) = put(b"version: 1\nsettings: {workspace: x}").await;
    assert!(status == 409 && problem.contains("workspace"), "{problem}");
}

#[test]
fn a_file_is_replaced_as_a_whole_and_is_only_its_owners() {
    let directory = std::env::temp_dir().join(format!("emulator-data-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("state.json");
    let data = Emulator::offline().save().unwrap();
    std::fs::write(&path, "old").unwrap();
    data.write(&path).unwrap();
    assert_eq!(Data::read(&path).unwrap().to_string(), data.to_string());
    assert_eq!(
        std::fs::read_dir(&directory).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    // The new file cannot take the place of a directory, which stays as it is.
    let taken = directory.join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("file"), "kept").unwrap();
    data.write(&taken).unwrap_err();
    assert_eq!(std::fs::read_to_string(taken.join("file")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
    let problem = Data::read(directory.join("missing"))
        .unwrap_err()
        .to_string();
    assert!(problem.contains("missing"), "{problem}");
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(!format!("{data:?}").contains("bl_emulator_key"));
}

/// A change of a file system.
#[derive(Clone, Debug)]
enum Change {
    Write(u8, Vec<u8>),
    Directory(u8),
    Link(u8, u8),
    Symlink(u8, String),
    Remove(u8),
    Rename(u8, u8),
    Mode(u8, u32),
}

fn path(number: u8) -> String {
    const PATHS: [&str; 8] = [
        "/a", "/a-b", "/a/b", "/a/b/c", "/é \"'", "/d", "/d/a", "/d/\n",
    ];
    PATHS[usize::from(number) % PATHS.len()].to_owned()
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        (any::<u8>(), bytes).prop_map(|(at, bytes)| Change::Write(at, bytes)),
        any::<u8>().prop_map(Change::Directory),
        (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Change::Link(from, to)),
        (any::<u8>(), "\\PC{0,8}").prop_map(|(at, target)| Change::Symlink(at, target)),
        any::<u8>().prop_map(Change::Remove),
        (any::<u8>(), any::<u8>()).prop_map(|(from, to)| Change::Rename(from, to)),
        (any::<u8>(), 0_u32..0o10000).prop_map(|(at, mode)| Change::Mode(at, mode)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_volume_is_restored_with_the_same_bytes(changes in proptest::collection::vec(change(), 0..40)) {
        let clock = Clock::standing();
        let volume = Volume::in_memory(1 << 20);
        let files = MemoryFiles::new(volume.clone(), clock.clone());
        for change in changes {
            clock.advance(Duration::from_millis(7));
            // What is not possible is left out.
            let _ = match change {
                Change::Write(at, bytes) => files.write(&path(at), &bytes, 0o640).map_err(drop),
                Change::Directory(at) => files.create_dir_all(&path(at), 0o750).map_err(drop),
                Change::Link(from, to) => files.hard_link(&path(from), &path(to)).map_err(drop),
                Change::Symlink(at, target) => files.symlink(&target, &path(at)).map_err(drop),
                Change::Remove(at) => files.remove_file(&path(at)).map_err(drop),
                Change::Rename(from, to) => files.rename(&path(from), &path(to)).map_err(drop),
                Change::Mode(at, mode) => files.set_mode(&path(at), mode).map_err(drop),
            };
        }
        let saved = volume.save().unwrap();
        let text = serde_json::to_string(&saved).unwrap();
        let read: blaxel_emulator::blaxel_guest::SavedVolume = serde_json::from_str(&text).unwrap();
        let again = read.restore().unwrap();
        prop_assert_eq!(serde_json::to_string(&again.save().unwrap()).unwrap(), text);
        prop_assert_eq!(again.space(), volume.space());
    }
}
