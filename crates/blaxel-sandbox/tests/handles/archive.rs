use std::time::Duration;

use blaxel_core::Idempotency;
use blaxel_sandbox::archive::{
    ArchiveState, ChangeKind, ExportMultipart, ExportOptions, ExportState, RestoreState,
};
use serde_json::{Value, json};

use crate::script::{self, assert_round_trip, refusal, sandbox, status};

const URL: &str = "https://storage.example/archive?signature=s3cret";

fn report() -> Value {
    json!({
        "manifest": {"createdAt": "2026-10-01T00:00:00Z", "root": "/", "version": 1, "added": 3, "modified": 1,
            "deleted": ["/etc/motd"], "apiVersion": "v0.4.0", "excludes": ["/tmp"], "imageDevice": "/dev/vda",
            "payloadBytes": 4096, "processes": true},
        "changes": [{"kind": "added", "path": "/app/a", "size": 7}, {"kind": "moved", "path": "/b", "size": null}],
        "duration": "1.5s", "size": 10240, "stoppedProcesses": ["web"], "uploaded": 10240,
    })
}

#[tokio::test]
async fn a_sandbox_is_exported() {
    let (sandbox, log) = sandbox([script::json(&report())]);
    let options = ExportOptions::to(URL)
        .header("x-key", "s3cret")
        .exclude("/tmp")
        .save_processes(false)
        .stop_timeout(Duration::from_secs(5))
        .image_device("/dev/vda")
        .image_mount_point("/mnt/image");
    let exported = sandbox.archive().export(&options).await.unwrap();
    let seen = log.only();
    assert_eq!(seen.line, "POST /archive/export");
    assert_eq!(seen.idempotency, Idempotency::None);
    assert_eq!(
        seen.json(),
        json!({"url": URL, "excludes": ["/tmp"], "headers": {"x-key": "s3cret"}, "saveProcesses": false,
            "stopTimeoutSeconds": 5, "imageDevice": "/dev/vda", "imageMountPoint": "/mnt/image"})
    );
    assert_eq!(exported.manifest.payload_bytes, Some(4096));
    assert_eq!(exported.changes[0].kind, ChangeKind::Added);
    assert_eq!(exported.changes[1].kind.as_str(), "moved");
    assert_eq!(serde_json::to_value(&exported).unwrap(), report());
    assert_round_trip(&exported);
    assert!(!format!("{options:?}").contains("s3cret"));
}

#[tokio::test]
async fn an_export_in_parts_and_a_dry_run_have_their_own_members() {
    let (sandbox, log) = sandbox([script::json(&report())]);
    let parts =
        ExportMultipart::new([format!("{URL}1"), format!("{URL}2")], 5_000_000, URL).abort_url(URL);
    assert!(!format!("{parts:?}").contains("s3cret"));
    let archive = sandbox.archive();
    archive
        .export(&ExportOptions::in_parts(parts))
        .await
        .unwrap();
    archive.export(&ExportOptions::dry_run()).await.unwrap();
    let seen = log.all();
    assert_eq!(
        seen[0].json(),
        json!({"url": "", "multipart": {"partUrls": [format!("{URL}1"), format!("{URL}2")], "partSize": 5_000_000,
            "completeUrl": URL, "abortUrl": URL}})
    );
    assert_eq!(seen[1].json(), json!({"url": "", "dryRun": true}));

    let none: [&str; 0] = [];
    for bad in [
        ExportOptions::to(""),
        ExportOptions::in_parts(ExportMultipart::new(none, 5, URL)),
        ExportOptions::in_parts(ExportMultipart::new([URL], 0, URL)),
    ] {
        assert!(archive.export(&bad).await.unwrap_err().is_input());
    }
}

#[tokio::test]
async fn an_export_is_started() {
    let progress = json!({"state": "running", "error": null, "startedAt": "2026-10-01T00:00:00Z", "finishedAt": "",
        "size": 100, "uploaded": 7});
    let (started, log) = sandbox([status(202, &progress)]);
    let options = ExportOptions::to(URL);
    let export = started.archive().start_export(&options).await.unwrap();
    assert_eq!(log.only().json(), json!({"url": URL, "async": true}));
    assert_eq!(
        (&export.state, export.uploaded),
        (&ExportState::Running, Some(7))
    );
    assert_eq!(export.finished_at, None);
    assert_round_trip(&export);

    // A server that does not export in the background has completed it.
    let (complete, _) = sandbox([script::json(&report())]);
    let export = complete.archive().start_export(&options).await.unwrap();
    assert_eq!(
        (export.state, export.size),
        (ExportState::Succeeded, Some(10240))
    );

    let (busy, _) = sandbox([refusal(409, r#"{"error":"an export is in progress"}"#)]);
    let error = busy.archive().start_export(&options).await.unwrap_err();
    assert!(
        error.is_conflict() && !error.to_string().contains("s3cret"),
        "{error}"
    );
}

#[tokio::test]
async fn the_state_is_read_and_a_frozen_sandbox_resumed() {
    let answer = json!({
        "state": "restoring", "readOnlyRoot": false, "reason": "import", "since": "2026-10-01T00:00:00Z",
        "stoppedProcesses": 2,
        "export": {"state": "failed", "error": "403", "startedAt": null, "finishedAt": null, "size": null, "uploaded": 0},
        "restore": {"state": "extracting", "downloaded": 5, "size": 0, "restored": 3, "deleted": 1, "error": null,
            "startedAt": null, "finishedAt": null},
    });
    let (sandbox, log) = sandbox([script::json(&answer)]);
    let archive = sandbox.archive();
    let read = archive.status().await.unwrap();
    let resumed = archive.resume().await.unwrap();
    assert_eq!(log.lines(), ["GET /archive/status", "POST /archive/resume"]);
    assert_eq!(read, resumed);
    assert_eq!(read.state, ArchiveState::Restoring);
    assert_eq!(
        read.restore.as_ref().unwrap().state,
        RestoreState::Extracting
    );
    assert_eq!(serde_json::to_value(&read).unwrap(), answer);
    assert_round_trip(&read);
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn an_export_is_followed_to_its_end() {
    let state = |state: &str| {
        script::json(
            &json!({"state": "quiesced", "export": {"state": state, "error": "disk full"}}),
        )
    };
    let limit = Duration::from_secs(30);
    let (done, log) = sandbox([state("running"), refusal(503, ""), state("succeeded")]);
    let export = done.archive().wait_for_export(limit).await.unwrap();
    assert_eq!((export.state, log.all().len()), (ExportState::Succeeded, 3));

    let (failed, _) = sandbox([state("running"), state("failed")]);
    let error = failed.archive().wait_for_export(limit).await.unwrap_err();
    assert!(
        error.is_failed() && error.to_string().contains("disk full"),
        "{error}"
    );

    let (none, _) = sandbox([script::json(&json!({"state": "active"}))]);
    assert!(
        none.archive()
            .wait_for_export(limit)
            .await
            .unwrap_err()
            .is_failed()
    );

    let (slow, _) = sandbox([state("running"), refusal(502, "")]);
    let error = slow.archive().wait_for_export(limit).await.unwrap_err();
    assert!(
        error.is_timeout() && error.to_string().contains("502"),
        "{error}"
    );

    let (gone, log) = sandbox([refusal(404, r#"{"error":"no route"}"#)]);
    assert!(
        gone.archive()
            .wait_for_export(limit)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(log.all().len(), 1);
}
