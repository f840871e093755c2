//! The export of changed files to a store.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use blaxel_guest::{Clock, DriveMount, Files as _, MemoryFiles, Script, ServerVersion, Volume};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Sandbox, each};

/// A request: its method and address, and its body.
type Received = (String, Vec<u8>);

/// A store for archives on this machine. Paths with `fail` are refused, those with `hang` never
/// answered.
struct Store {
    origin: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Store {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&received);
        let router = Router::new().fallback(move |request: Request| {
            let shared = Arc::clone(&shared);
            async move {
                let call = format!("{} {}", request.method(), request.uri());
                let header = request.headers().get("x-kept").is_some();
                let body = to_bytes(request.into_body(), usize::MAX)
                    .await
                    .unwrap()
                    .to_vec();
                let status = match call.contains("fail") {
                    true => StatusCode::FORBIDDEN,
                    false => StatusCode::OK,
                };
                let call = if header {
                    format!("{call} with header")
                } else {
                    call
                };
                let hangs = call.contains("hang");
                let tag = format!("\"{}\"", body.len());
                shared.lock().unwrap().push((call, body));
                if hangs {
                    std::future::pending::<()>().await;
                }
                Response::builder()
                    .status(status)
                    .header("etag", tag)
                    .body(String::new())
                    .unwrap()
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            origin,
            received,
            task,
        }
    }

    fn calls(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        received.iter().map(|(call, _)| call.clone()).collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn changed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.clock().advance(Duration::from_secs(1));
    sandbox.put_files(&[
        ("/blaxel/new/a", "1234"),
        ("/etc/hostname", "other"),
        ("/tmp/t", ""),
    ]);
    sandbox.files().symlink("a", "/blaxel/new/link").unwrap();
    sandbox.files().remove_file("/etc/shells").unwrap();
    sandbox.files().set_mode("/opt", 0o700).unwrap();
    sandbox
}

async fn export(sandbox: &Sandbox, body: Value) -> (u16, Value) {
    let answer = sandbox.call("POST /archive/export", body.to_string()).await;
    (answer.status.as_u16(), answer.json())
}

/// Returns the names in a tar file, and the content of its first file.
fn unpack(archive: &[u8]) -> (Vec<String>, Value) {
    let mut archive = tar::Archive::new(archive);
    let (mut names, mut first) = (Vec::new(), None);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.push(entry.path().unwrap().to_str().unwrap().to_owned());
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        first.get_or_insert(text);
    }
    (names, serde_json::from_slice(&first.unwrap()).unwrap())
}

#[tokio::test]
async fn a_dry_run_lists_the_changes() {
    let sandbox = changed();
    let (status, report) = export(&sandbox, json!({"dryRun": true, "excludes": ["/tmp"]})).await;
    assert_eq!(status, 200, "{report}");
    let expected = json!([
        {"kind": "added", "path": "/blaxel/new", "size": 0},
        {"kind": "added", "path": "/blaxel/new/a", "size": 4},
        {"kind": "added", "path": "/blaxel/new/link", "size": 0},
        {"kind": "modified", "path": "/etc/hostname", "size": 5},
        {"kind": "deleted", "path": "/etc/shells", "size": 0},
        {"kind": "modified", "path": "/opt", "size": 0},
    ]);
    assert_eq!(report["changes"], expected);
    let manifest = &report["manifest"];
    assert_eq!(
        (&manifest["added"], &manifest["modified"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(manifest["deleted"], json!(["/etc/shells"]));
    assert_eq!(manifest["payloadBytes"], 9);
    assert_eq!(
        sandbox.get("/archive/status").await.json()["state"],
        "active"
    );
}

#[tokio::test]
async fn an_export_freezes_the_sandbox_until_it_is_resumed() {
    let (sandbox, store) = (changed(), Store::start().await);
    let url = format!("{}/bucket?signature=hush", store.origin);
    let body = json!({"url": url, "headers": {"x-kept": "1"}, "excludes": ["/tmp"]});
    let (status, report) = export(&sandbox, body.clone()).await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(store.calls(), ["PUT /bucket?signature=hush with header"]);
    let (names, manifest) = unpack(&store.received.lock().unwrap()[0].1);
    let expected = [
        ".blaxel-archive/manifest.json",
        ".blaxel-archive/processes.json",
        "blaxel/new",
        "blaxel/new/a",
        "blaxel/new/link",
        "etc/hostname",
        "opt",
    ];
    assert_eq!(names, expected);
    assert_eq!(manifest, report["manifest"]);
    assert_eq!(report["size"], report["uploaded"]);
    let answer = sandbox.call("PUT /filesystem/x", "{}").await;
    assert_eq!(
        answer.error(),
        "error writing file: open /blaxel/x: read-only file system"
    );
    assert_eq!(sandbox.content("/etc/hostname"), "other");
    assert_eq!(export(&sandbox, body).await.0, 409);
    let resumed = sandbox.call("POST /archive/resume", "").await.json();
    assert_eq!(
        (&resumed["state"], &resumed["export"]["state"]),
        (&json!("active"), &json!("succeeded"))
    );
    assert_eq!(sandbox.call("PUT /filesystem/x", "{}").await.status, 200);
}

#[tokio::test]
async fn an_export_stops_processes_and_names_them() {
    let store = Store::start().await;
    let sandbox = Sandbox::running(ServerVersion::Current, |guest| {
        guest.on_command("serve", Script::forever());
    });
    let body = json!({"command": "serve", "name": "sleeper"}).to_string();
    assert_eq!(sandbox.call("POST /process", body).await.status, 200);
    let (status, report) = export(&sandbox, json!({"url": store.origin})).await;
    assert_eq!(
        (status, &report["stoppedProcesses"]),
        (200, &json!(1)),
        "{report}"
    );
    assert_eq!(report["manifest"]["processes"], true);
    assert_eq!(
        sandbox.get("/process/sleeper").await.json()["status"],
        "stopped"
    );
    let archive = store.received.lock().unwrap()[0].1.clone();
    let mut archive = tar::Archive::new(archive.as_slice());
    let mut processes = archive.entries().unwrap().nth(1).unwrap().unwrap();
    let mut text = String::new();
    processes.read_to_string(&mut text).unwrap();
    let expected = json!([{"name": "sleeper", "command": "serve", "workingDir": ""}]);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
}

#[tokio::test]
async fn a_failed_export_lifts_the_freeze_and_names_no_address() {
    let (sandbox, store) = (changed(), Store::start().await);
    let refused = format!("{}/fail?signature=hush", store.origin);
    for (url, problem) in [
        (
            refused.as_str(),
            "upload failed: the store answered 403 Forbidden",
        ),
        (
            "https://example.com/hush",
            "a simulated sandbox uploads only to http:// on this machine",
        ),
        (
            "http://192.0.2.1/hush",
            "a simulated sandbox uploads only to http:// on this machine",
        ),
    ] {
        let (status, body) = export(&sandbox, json!({"url": url})).await;
        assert_eq!((status, &body["error"]), (500, &json!(problem)));
        let status = sandbox.get("/archive/status").await.json();
        assert_eq!(
            (&status["state"], &status["export"]["state"]),
            (&json!("active"), &json!("failed"))
        );
        assert_eq!(status["export"]["error"], problem);
        assert_eq!(sandbox.call("PUT /filesystem/x", "{}").await.status, 200);
    }
}

#[tokio::test]
async fn an_archive_is_uploaded_in_parts() {
    let (sandbox, store) = (changed(), Store::start().await);
    let url = |name: &str| format!("{}/{name}", store.origin);
    let parts: Vec<String> = (1..=30)
        .map(|number| url(&format!("part{number}")))
        .collect();
    let multipart = |parts: &[String], size: usize, complete: &str| {
        let urls = json!({
            "partUrls": parts, "partSize": size, "completeUrl": url(complete), "abortUrl": url("abort"),
        });
        json!({"multipart": urls})
    };
    let (status, report) = export(&sandbox, multipart(&parts, 4096, "complete")).await;
    assert_eq!(status, 200, "{report}");
    let received = std::mem::take(&mut *store.received.lock().unwrap());
    let (complete, sent) = received.split_last().unwrap();
    assert_eq!(complete.0, "POST /complete");
    let list = String::from_utf8(complete.1.clone()).unwrap();
    assert!(
        list.contains("<Part><PartNumber>1</PartNumber><ETag>\"4096\"</ETag></Part>"),
        "{list}"
    );
    let archive: Vec<u8> = sent.iter().flat_map(|(_, part)| part.clone()).collect();
    assert_eq!(report["size"], archive.len());
    unpack(&archive);
    sandbox.call("POST /archive/resume", "").await;
    let (status, _) = export(&sandbox, multipart(&parts, 4096, "fail")).await;
    assert_eq!(
        (status, store.calls().last().unwrap().as_str()),
        (500, "DELETE /abort")
    );
    let (status, body) = export(&sandbox, multipart(&parts[..1], 512, "complete")).await;
    assert_eq!(status, 500);
    assert!(
        body["error"]
            .as_str()
            .unwrap()
            .starts_with("the archive needs "),
        "{body}"
    );
}

#[tokio::test]
async fn an_export_in_the_background_reports_its_progress() {
    let (sandbox, store) = (changed(), Store::start().await);
    let body = json!({"url": format!("{}/hang", store.origin), "async": true});
    let (status, progress) = export(&sandbox, body.clone()).await;
    assert_eq!((status, &progress["state"]), (202, &json!("running")));
    while store.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let running = sandbox.get("/archive/status").await.json();
    assert_eq!(
        (&running["state"], &running["readOnlyRoot"]),
        (&json!("quiescing"), &json!(true))
    );
    // Only one at a time, dry runs included.
    assert_eq!(export(&sandbox, body).await.0, 409);
    assert_eq!(export(&sandbox, json!({"dryRun": true})).await.0, 409);
    assert_eq!(sandbox.call("POST /archive/resume", "").await.status, 409);
    sandbox.clock().advance(Duration::from_secs(3600));
    let ended = loop {
        let status = sandbox.get("/archive/status").await.json();
        if status["state"] == "active" {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        ended["export"]["error"],
        "the upload took more than an hour"
    );
}

#[tokio::test]
async fn malformed_requests_and_old_servers_export_nothing() {
    let sandbox = Sandbox::new();
    for body in [json!({}), json!({"multipart": {}}), json!({"url": 5})] {
        assert_eq!(export(&sandbox, body).await.0, 400);
    }
    let august = Sandbox::august();
    for call in [
        "POST /archive/export",
        "POST /archive/resume",
        "GET /archive/status",
    ] {
        let answer = august.call(call, "{}").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (404, "404 page not found")
        );
    }
}

#[tokio::test]
async fn mounted_drives_are_not_exported_and_not_frozen() {
    use blaxel_guest::{DriveError, DriveStore, Volume};

    struct One(Volume);
    impl DriveStore for One {
        fn open(&self, _: &str, _: &str, _: bool) -> Result<Volume, DriveError> {
            Ok(self.0.clone())
        }
    }
    let store = Store::start().await;
    let sandbox = Sandbox::with(|builder| builder.drives(One(Volume::in_memory(1 << 20))));
    let mount = json!({"driveName": "d", "mountPath": "/mnt/d"}).to_string();
    assert_eq!(sandbox.call("POST /drives/mount", mount).await.status, 200);
    sandbox.put_files(&[("/mnt/d/f", "on the drive")]);
    let (_, report) = export(&sandbox, json!({"dryRun": true})).await;
    assert!(each(&report["changes"], "path").is_empty(), "{report}");
    let (status, _) = export(&sandbox, json!({"url": store.origin})).await;
    assert_eq!(status, 200);
    assert_eq!(
        sandbox.call("PUT /filesystem//mnt/d/f", "{}").await.status,
        200
    );
    assert_eq!(
        sandbox.call("PUT /filesystem//mnt/f", "{}").await.status,
        422
    );
}

#[tokio::test]
async fn volumes_and_the_file_of_the_platform_are_no_part_of_an_archive() {
    let (volume, old) = (Volume::in_memory(1 << 20), Volume::in_memory(1 << 20));
    let files = MemoryFiles::new(old.clone(), Clock::standing());
    files.create_dir_all("/app/", 0o755).unwrap();
    files.write("/app/file", b"kept", 0o644).unwrap();
    let mount = DriveMount {
        drive_name: "data".to_owned(),
        mount_path: "/data".to_owned(),
        drive_path: "/".to_owned(),
        read_only: false,
        volume: volume.clone(),
    };
    let sandbox = Sandbox::with(|builder| builder.disk(old).volume(mount));
    assert_eq!(sandbox.content("/app/file"), "kept");
    sandbox.put_files(&[("/data/big", "12345"), ("/bl/metadata", "{}")]);
    assert_eq!(volume.space().used, 5);
    let (_, report) = export(&sandbox, json!({"dryRun": true})).await;
    let changes = report["changes"].clone();
    let added: Vec<_> = changes
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["kind"] == "added")
        .map(|change| change["path"].as_str().unwrap())
        .collect();
    assert!(added.contains(&"/app/file"), "{added:?}");
    let foreign = added
        .iter()
        .find(|path| path.starts_with("/data/") || path.starts_with("/bl/"));
    assert_eq!(foreign, None);
    assert_eq!(
        sandbox.get("/drives/mount").await.json()["mounts"],
        json!([])
    );
}
