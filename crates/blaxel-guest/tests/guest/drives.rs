//! Drives that are mounted by requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use blaxel_guest::{DriveError, DriveStore, Volume};
use serde_json::json;

use crate::support::Sandbox;

/// Drives by name. The drive `secret` may only be read.
#[derive(Clone)]
struct Drives(Arc<BTreeMap<&'static str, Volume>>);

impl DriveStore for Drives {
    fn open(&self, name: &str, path: &str, read_only: bool) -> Result<Volume, DriveError> {
        assert!(path.starts_with('/'));
        match self.0.get(name) {
            Some(_) if name == "secret" && !read_only => Err(DriveError::Forbidden),
            Some(volume) => Ok(volume.clone()),
            None => Err(DriveError::NotFound),
        }
    }
}

fn drives() -> Drives {
    let names = ["data", "other", "secret"];
    Drives(Arc::new(
        names.map(|name| (name, Volume::in_memory(1 << 20))).into(),
    ))
}

#[tokio::test]
async fn a_drive_is_shared_by_sandboxes_and_can_be_unmounted() {
    let drives = drives();
    let one = Sandbox::with(|builder| builder.drives(drives.clone()));
    let two = Sandbox::with(|builder| builder.drives(drives.clone()).env("BLFS_UID_MAP", "7"));
    let body = json!({"driveName": "data", "mountPath": "mnt/data"}).to_string();
    let answer = one.call("POST /drives/mount", body).await;
    let expected = json!({
        "success": true, "message": "Drive mounted successfully", "driveName": "data",
        "mountPath": "/mnt/data", "drivePath": "/", "readOnly": false, "uidMap": "", "gidMap": "",
    });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    one.call("PUT /filesystem//mnt/data/sub/f", r#"{"content":"shared"}"#)
        .await;
    let body = json!({
        "driveName": "data", "mountPath": "/mnt/view", "drivePath": "/sub", "readOnly": true,
        "gidMap": "8",
    });
    assert_eq!(
        two.call("POST /drives/mount", body.to_string())
            .await
            .status,
        200
    );
    assert_eq!(two.content("/mnt/view/f"), "shared");
    let answer = two.call("PUT /filesystem//mnt/view/f", "{}").await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.error(),
        "error writing file: open /mnt/view/f: read-only file system"
    );
    let mounts = two.get("/drives/mount").await.json();
    let expected = json!({"mounts": [{
        "driveName": "data", "mountPath": "/mnt/view", "drivePath": "/sub", "readOnly": true,
        "uidMap": "7", "gidMap": "8",
    }]});
    assert_eq!(mounts, expected);
    let answer = two.call("DELETE /drives/mount/mnt/view", "").await;
    assert_eq!(answer.json()["mountPath"], "/mnt/view");
    assert_eq!(two.get("/drives/mount").await.json(), json!({"mounts": []}));
    assert!(two.files().metadata("/mnt/view/f").is_err());
    assert_eq!(one.content("/mnt/data/sub/f"), "shared");
}

#[tokio::test]
async fn a_mounted_directory_that_is_removed_is_empty_and_can_be_unmounted() {
    let drives = drives();
    let one = Sandbox::with(|builder| builder.drives(drives.clone()));
    let two = Sandbox::with(|builder| builder.drives(drives.clone()));
    for (sandbox, path) in [(&one, "/a/b"), (&two, "/")] {
        let body = json!({"driveName": "data", "mountPath": "/mnt", "drivePath": path});
        let answer = sandbox.call("POST /drives/mount", body.to_string()).await;
        assert_eq!(answer.status, 200);
    }
    one.put_files(&[("/mnt/file", "x")]);
    let answer = two
        .call("DELETE /filesystem//mnt/a?recursive=true", "")
        .await;
    assert_eq!(answer.status, 200);
    let listed = one.get("/filesystem//mnt").await.json();
    assert_eq!(listed["files"], json!([]));
    for call in ["PUT /filesystem//mnt/new", "PUT /filesystem//mnt/dir/new"] {
        let answer = one.call(call, "{}").await;
        assert_eq!(answer.status, 422, "{call}");
        assert!(
            answer.error().ends_with("no such file or directory"),
            "{call}"
        );
    }
    let answer = one.call("DELETE /drives/mount/mnt", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(one.get("/drives/mount").await.json(), json!({"mounts": []}));
    one.put_files(&[("/mnt/own", "y")]);
    assert_eq!(one.content("/mnt/own"), "y");
}

#[tokio::test]
async fn requests_that_cannot_be_met_are_refused() {
    let sandbox = Sandbox::with(|builder| builder.drives(drives()));
    sandbox.put_files(&[("/file", "")]);
    let mount = json!({"driveName": "data", "mountPath": "/mnt/data"});
    assert_eq!(
        sandbox
            .call("POST /drives/mount", mount.to_string())
            .await
            .status,
        200
    );
    let busy = "Failed to mount drive: mount path already in use: data (drivePath=/) is already \
                mounted at /mnt/data";
    let characters = "drive name must contain only letters, numbers, hyphens and underscores";
    for (body, status, message) in [
        (
            json!({"mountPath": "/x"}),
            400,
            "Invalid request body: Key: 'DriveMountRequest.DriveName' Error:Field validation for \
             'DriveName' failed on the 'required' tag",
        ),
        (
            json!({}),
            400,
            "Invalid request body: Key: 'DriveMountRequest.DriveName' Error:Field validation for \
             'DriveName' failed on the 'required' tag\nKey: 'DriveMountRequest.MountPath' \
             Error:Field validation for 'MountPath' failed on the 'required' tag",
        ),
        (
            json!({"driveName": "data", "mountPath": "/x/.."}),
            400,
            "mount path must not contain '..'",
        ),
        (
            json!({"driveName": "-d", "mountPath": "/x"}),
            400,
            characters,
        ),
        (
            json!({"driveName": "d.", "mountPath": "/x"}),
            400,
            characters,
        ),
        (
            json!({"driveName": "data", "mountPath": "/x", "drivePath": "x"}),
            400,
            "Invalid drive path: Drive path must start with /",
        ),
        (
            json!({"driveName": "other", "mountPath": "/mnt/data/"}),
            409,
            busy,
        ),
        (
            json!({"driveName": "data", "mountPath": "/mnt/data", "drivePath": "/sub"}),
            409,
            busy,
        ),
        (
            json!({"driveName": "secret", "mountPath": "/x"}),
            403,
            "Failed to mount drive: permission denied",
        ),
        (
            json!({"driveName": "nope", "mountPath": "/x"}),
            500,
            "Failed to mount drive: drive not found",
        ),
        (
            json!({"driveName": "data", "mountPath": "/x", "uidMap": "a"}),
            500,
            "Failed to mount drive: invalid uidMap: invalid uidMap \"a\": must be a non-negative integer",
        ),
        (
            json!({"driveName": "data", "mountPath": "/file"}),
            500,
            "Failed to mount drive: failed to create mount directory: /file exists and is not a directory",
        ),
    ] {
        let answer = sandbox.call("POST /drives/mount", body.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, message),
            "{body}"
        );
    }
    for (path, status, message) in [
        ("", 400, "Mount path is required (must start with /)"),
        (
            "nope",
            500,
            "Failed to unmount drive: mount path does not exist: /nope",
        ),
        (
            "tmp",
            500,
            "Failed to unmount drive: path is not a mount point: /tmp",
        ),
    ] {
        let answer = sandbox
            .call(&format!("DELETE /drives/mount/{path}"), "")
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (status, message),
            "{path}"
        );
    }
    // The same mount again is a success, even if it differs in `readOnly`.
    let again = json!({"driveName": "data", "mountPath": "/mnt/data", "readOnly": true});
    assert_eq!(
        sandbox
            .call("POST /drives/mount", again.to_string())
            .await
            .status,
        200
    );
    assert_eq!(
        sandbox.get("/drives/mount").await.json()["mounts"][0]["readOnly"],
        false
    );
    let read_only = json!({"driveName": "secret", "mountPath": "/x", "readOnly": true});
    assert_eq!(
        sandbox
            .call("POST /drives/mount", read_only.to_string())
            .await
            .status,
        200
    );
}
