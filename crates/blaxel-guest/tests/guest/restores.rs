//! Sandboxes that restore an archive at their start.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use blaxel_guest::{Clock, Server, SimulatedGuest, Volume};
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::Sandbox;

/// A store of one archive on this machine. It is downloaded from `/archive`; `/hang` stops after a
/// part of it.
struct Store {
    origin: String,
    archive: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Store {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let archive: Arc<Mutex<Vec<u8>>> = Arc::default();
        let shared = Arc::clone(&archive);
        let router = Router::new().fallback(move |request: Request| {
            let shared = Arc::clone(&shared);
            async move {
                let path = request.uri().path().to_owned();
                if request.method() == Method::PUT {
                    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
                    *shared.lock().unwrap() = body.to_vec();
                    return Response::new(axum::body::Body::empty());
                }
                let body = shared.lock().unwrap().clone();
                let mut response = match path.as_str() {
                    "/hang" => {
                        use futures_util::StreamExt as _;
                        let part = body.get(..100).unwrap_or_default().to_vec();
                        let part = futures_util::stream::once(async move {
                            Ok::<_, std::convert::Infallible>(part)
                        });
                        let body = part.chain(futures_util::stream::pending());
                        Response::new(axum::body::Body::from_stream(body))
                    }
                    _ => Response::new(axum::body::Body::from(body)),
                };
                if path == "/gone" {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                response
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            origin,
            archive,
            task,
        }
    }

    fn put(&self, archive: Vec<u8>) {
        *self.archive.lock().unwrap() = archive;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns a sandbox that restores the archive at an address.
fn restoring(url: &str) -> Sandbox {
    Sandbox::with(|builder| builder.env("BL_ARCHIVE_IMPORT_URL", url))
}

async fn status(sandbox: &Sandbox) -> Value {
    sandbox.get("/archive/status").await.json()
}

/// Waits until the restoration has ended, and returns the status.
async fn ended(sandbox: &Sandbox) -> Value {
    for _ in 0..10_000 {
        let status = status(sandbox).await;
        if status["restore"]["finishedAt"].is_string() {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("it does not end");
}

/// Returns a tar file with a manifest and these files.
fn archive(manifest: &Value, files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let manifest = manifest.to_string();
    let manifest = (".blaxel-archive/manifest.json", manifest.as_str());
    for (path, content) in std::iter::once(&manifest).chain(files) {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_mtime(1);
        header.set_size(content.len() as u64);
        // A path that a usual library refuses to write.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn an_exported_sandbox_is_restored_in_a_new_one() {
    let store = Store::start().await;
    let source = Sandbox::new();
    source.clock().advance(std::time::Duration::from_secs(1));
    source.put_files(&[("/blaxel/new/a", "1234"), ("/etc/hostname", "other")]);
    let files = source.files();
    files.symlink("a", "/blaxel/new/link").unwrap();
    files.set_mode("/blaxel/new/a", 0o640).unwrap();
    files.remove_file("/etc/shells").unwrap();
    files.set_owner("/blaxel/new/a", Some(7), Some(8)).unwrap();
    let process = json!({"command": "sleep 1000", "name": "server"});
    assert_eq!(source.execute(&process).await.status, 200);
    let url = format!("{}/archive", store.origin);
    // Processes stop by a signal, not by the clock.
    let exported = source
        .call("POST /archive/export", json!({"url": url}).to_string())
        .await;
    assert_eq!(exported.status, 200, "{}", exported.text());
    let modified = files.metadata("/blaxel/new/a").unwrap().modified;

    let restored = restoring(&url);
    let status = ended(&restored).await;
    assert_eq!(status["state"], "active", "{status}");
    assert_eq!(status["readOnlyRoot"], false);
    let restore = &status["restore"];
    assert_eq!(restore["state"], "succeeded", "{status}");
    let size = store.archive.lock().unwrap().len();
    assert_eq!(restore["size"], size);
    assert_eq!(restore["downloaded"], size);
    assert_eq!(restore["deleted"], 1);
    assert!(restore["restored"].as_u64().unwrap() >= 4, "{status}");
    assert!(restore.get("error").is_none() && restore["startedAt"].is_string());
    assert_eq!(restored.content("/blaxel/new/link"), "1234");
    assert_eq!(restored.content("/etc/hostname"), "other");
    let files = restored.files();
    assert!(files.metadata("/etc/shells").is_err());
    let facts = files.metadata("/blaxel/new/a").unwrap();
    assert_eq!((facts.mode, facts.user, facts.group), (0o640, 7, 8));
    assert_eq!(facts.modified.as_secs(), modified.as_secs());
    assert!(files.metadata("/.blaxel-archive").is_err());
    let process = restored.get("/process/server").await.json();
    assert_eq!(
        (&process["status"], &process["command"]),
        (&json!("running"), &json!("sleep 1000"))
    );
    // It is applied once, and the sandbox can be exported again.
    restored.put_files(&[("/blaxel/new/a", "mine")]);
    assert_eq!(restored.get("/health").await.status, 200);
    assert_eq!(restored.content("/blaxel/new/a"), "mine");
    let again = restored
        .call("POST /archive/export", json!({"url": url}).to_string())
        .await;
    assert_eq!(again.status, 200, "{}", again.text());
}

#[tokio::test]
async fn what_cannot_be_restored_leaves_the_sandbox_as_it_is() {
    let store = Store::start().await;
    let usual = json!({"version": 1, "deleted": ["/etc/hostname"]});
    let cases = [
        (
            "/gone",
            Vec::new(),
            "download failed: the store answered 404 Not Found",
        ),
        (
            "/a",
            b"no archive at all, but long enough to be read".repeat(40),
            "the archive is malformed",
        ),
        (
            "/b",
            archive(&json!({"version": 2}), &[]),
            "archives of version 2 are not supported",
        ),
        (
            "/c",
            archive(&usual, &[("../x", "1")]),
            "the archive has a path that leads out of it",
        ),
        (
            "/d",
            tar::Builder::new(Vec::new()).into_inner().unwrap(),
            "the archive has no .blaxel-archive/manifest.json",
        ),
    ];
    for (path, content, message) in cases {
        store.put(content);
        let sandbox = restoring(&format!("{}{path}", store.origin));
        let status = ended(&sandbox).await;
        let error = status["restore"]["error"].as_str().unwrap();
        assert!(error.starts_with(message), "{path}: {error}");
        assert!(!error.contains(&store.origin));
        assert_eq!(status["restore"]["state"], "failed");
        assert_eq!(
            (&status["state"], &status["readOnlyRoot"]),
            (&json!("active"), &json!(false))
        );
        assert_eq!(status["reason"], format!("restore failed: {error}"));
        assert_eq!(sandbox.content("/etc/hostname"), "sandbox\n");
    }
    for url in [
        "https://store.example/a?secret",
        "http://store.example/a?secret",
        "nonsense",
    ] {
        let status = ended(&restoring(url)).await;
        let error = status["restore"]["error"].as_str().unwrap();
        assert!(!error.contains("secret") && !error.is_empty(), "{error}");
    }
}

#[tokio::test]
async fn a_failure_after_the_first_write_makes_the_sandbox_read_only() {
    let store = Store::start().await;
    let large = "x".repeat(4000);
    let manifest = json!({"version": 1});
    store.put(archive(&manifest, &[("first", "1"), ("large", &large)]));
    let guest = SimulatedGuest::with_disk(Volume::in_memory(1000), Clock::standing());
    let url = format!("{}/archive", store.origin);
    let server = Server::builder(guest).env("BL_ARCHIVE_IMPORT_URL", url);
    let sandbox = Sandbox(server.build());
    let status = ended(&sandbox).await;
    assert_eq!(
        (&status["state"], &status["readOnlyRoot"]),
        (&json!("quiesced"), &json!(true)),
        "{status}"
    );
    let error = status["restore"]["error"].as_str().unwrap();
    assert_eq!(error, "cannot restore /large: no space left on device");
    assert_eq!(sandbox.content("/first"), "1");
    assert_eq!(
        sandbox.call("PUT /filesystem//first", "{}").await.status,
        422
    );
    // A client may lift it.
    let resumed = sandbox.call("POST /archive/resume", "").await;
    assert_eq!(resumed.json()["state"], "active");
    assert_eq!(
        sandbox.call("PUT /filesystem//first", "{}").await.status,
        200
    );
}

#[tokio::test]
async fn nothing_else_happens_to_archives_during_a_restoration() {
    let store = Store::start().await;
    store.put(archive(&json!({"version": 1}), &[("file", "1")]));
    let sandbox = restoring(&format!("{}/hang", store.origin));
    let status = loop {
        let status = status(&sandbox).await;
        if status["restore"]["downloaded"] == 100 {
            break status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    assert_eq!(
        (
            &status["state"],
            &status["restore"]["state"],
            &status["restore"]["size"]
        ),
        (&json!("restoring"), &json!("downloading"), &json!(0))
    );
    let message = "the restoration of an archive is in progress";
    for call in ["POST /archive/export", "POST /archive/resume"] {
        let refused = sandbox
            .call(call, json!({"dryRun": true}).to_string())
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.error().as_str()),
            (409, message)
        );
    }
    // Others go on, and a limit ends the download.
    assert_eq!(
        sandbox.call("PUT /filesystem//tmp/a", "{}").await.status,
        200
    );
    sandbox
        .clock()
        .advance(std::time::Duration::from_secs(3600));
    let status = ended(&sandbox).await;
    assert_eq!(
        status["restore"]["error"],
        "the download took more than an hour"
    );
}
