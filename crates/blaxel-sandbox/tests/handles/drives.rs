use blaxel_core::Idempotency;
use blaxel_sandbox::drives::MountOptions;
use serde_json::{Value, json};

use crate::script::{self, assert_round_trip, refusal, sandbox};

fn mounted(read_only: bool) -> Value {
    json!({"success": true, "message": "Drive mounted successfully", "driveName": "data", "mountPath": "/mnt/data",
        "drivePath": "/", "readOnly": read_only, "uidMap": "1000", "gidMap": ""})
}

fn list(read_only: bool) -> Value {
    json!({"mounts": [
        {"driveName": "other", "mountPath": "/mnt/other", "drivePath": "/", "readOnly": true, "uidMap": "", "gidMap": ""},
        {"driveName": "data", "mountPath": "/mnt/data", "drivePath": "/", "readOnly": read_only, "uidMap": "", "gidMap": ""},
    ]})
}

#[tokio::test]
async fn a_drive_is_mounted_and_the_mount_is_read_back() {
    let mut listed = list(true);
    listed["mounts"][1]["drivePath"] = "/2026".into();
    let (sandbox, log) = sandbox([script::json(&mounted(true)), script::json(&listed)]);
    let options = MountOptions::new("data", "mnt/data/")
        .drive_path("/2026")
        .read_only(true)
        .uid_map(1000)
        .gid_map(7);
    let mount = sandbox.drives().mount(&options).await.unwrap();
    let seen = log.all();
    assert_eq!(log.lines(), ["POST /drives/mount", "GET /drives/mount"]);
    assert_eq!(seen[0].idempotency, Idempotency::Idempotent);
    assert_eq!(
        seen[0].json(),
        json!({"driveName": "data", "mountPath": "/mnt/data/", "drivePath": "/2026", "readOnly": true,
            "uidMap": "1000", "gidMap": "7"})
    );
    assert_eq!((mount.drive_name.as_str(), mount.read_only), ("data", true));
    assert_eq!((mount.uid_map, mount.gid_map), (Some(1000), None));
    assert_round_trip(&mount);
}

#[tokio::test]
async fn a_mount_that_is_not_the_requested_one_is_an_error() {
    for (reported, shown, text) in [
        (mounted(true), list(false), "is writable"),
        (mounted(true), json!({"mounts": null}), "nothing is mounted"),
        (
            json!({"success": false, "message": "no blfs"}),
            list(true),
            "no blfs",
        ),
    ] {
        let (sandbox, _) = sandbox([script::json(&reported), script::json(&shown)]);
        let options = MountOptions::new("data", "/mnt/data").read_only(true);
        let error = sandbox.drives().mount(&options).await.unwrap_err();
        assert!(
            error.is_failed() && error.to_string().contains(text),
            "{error}"
        );
    }
    let (sandbox, _) = sandbox([script::json(&mounted(false)), script::json(&list(true))]);
    let options = MountOptions::new("data", "/mnt/data");
    let error = sandbox.drives().mount(&options).await.unwrap_err();
    assert!(error.to_string().contains("is read-only"), "{error}");
}

#[tokio::test]
async fn the_refusals_of_a_mount_can_be_told_apart() {
    let refused = async |status| {
        let (sandbox, _) = sandbox([refusal(status, r#"{"error":"Failed to mount drive"}"#)]);
        let options = MountOptions::new("data", "/mnt/data");
        sandbox.drives().mount(&options).await.unwrap_err()
    };
    assert!(refused(403).await.is_forbidden());
    let busy = refused(409).await;
    assert!(busy.is_conflict() && !busy.maybe_applied());
    assert!(refused(500).await.maybe_applied());
}

#[tokio::test]
async fn names_and_paths_are_checked_before_anything_is_sent() {
    let long = "a".repeat(129);
    let deep = format!("/{}", "a".repeat(512));
    for (name, path, drive_path) in [
        ("", "/mnt", "/"),
        ("-a", "/mnt", "/"),
        ("a b", "/mnt", "/"),
        ("é", "/mnt", "/"),
        (long.as_str(), "/mnt", "/"),
        ("a", "", "/"),
        ("a", "/", "/"),
        ("a", "/mnt/../etc", "/"),
        ("a", deep.as_str(), "/"),
        ("a", "/mnt", "data"),
    ] {
        let (sandbox, log) = sandbox([script::json(&json!({}))]);
        let options = MountOptions::new(name, path).drive_path(drive_path);
        let error = sandbox.drives().mount(&options).await.unwrap_err();
        assert!(error.is_input(), "{name} {path}: {error}");
        assert!(log.all().is_empty());
    }
    let limit = format!("/{}", "a".repeat(511));
    for (name, path) in [("a", limit.as_str()), (&long[1..], "/m"), ("9_-z", "m")] {
        let list = json!({"mounts": [{"driveName": name, "mountPath": format!("/{}", path.trim_start_matches('/'))}]});
        let (sandbox, _) = sandbox([script::json(&json!({})), script::json(&list)]);
        sandbox
            .drives()
            .mount(&MountOptions::new(name, path))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_drive_is_unmounted_by_its_path() {
    let answer = json!({"success": true, "message": "Drive unmounted successfully", "mountPath": "/mnt/data"});
    let (unmounted, log) = sandbox([script::json(&answer)]);
    for path in ["/mnt/my data/", "mnt/my data"] {
        unmounted.drives().unmount(path).await.unwrap();
    }
    let line = "DELETE /drives/mount/mnt%2Fmy%20data";
    assert_eq!(log.lines(), [line, line]);
    for path in ["", "/", "a/../b"] {
        assert!(
            unmounted
                .drives()
                .unmount(path)
                .await
                .unwrap_err()
                .is_input()
        );
    }
    let body = r#"{"error":"Failed to unmount drive: path is not a mount point: /mnt"}"#;
    let (nothing, _) = sandbox([refusal(500, body)]);
    let error = nothing.drives().unmount("/mnt").await.unwrap_err();
    assert!(error.to_string().contains("not a mount point"), "{error}");
}

#[tokio::test]
async fn mounts_are_listed() {
    let (drives, log) = sandbox([script::json(&list(false))]);
    let mounts = drives.drives().list().await.unwrap();
    assert_eq!(log.only().line, "GET /drives/mount");
    assert_eq!(mounts.len(), 2);
    assert_eq!(mounts[1].drive_path.as_deref(), Some("/"));
    mounts.iter().for_each(assert_round_trip);
    let (none, _) = sandbox([script::json(&json!({}))]);
    assert!(none.drives().list().await.unwrap().is_empty());
}
