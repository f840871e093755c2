//! The export of changed files. Servers of August do not have it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::put;
use blaxel_emulator::blaxel_guest::SimulatedGuest;
use blaxel_sandbox::archive::{ArchiveState, ChangeKind, ExportOptions, ExportState};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Age, World};

pub fn prepare(_: &SimulatedGuest) {}

pub fn unsent(_: Age) -> &'static [&'static str] {
    &[]
}

/// A store for archives, which stops when it is dropped.
struct Store {
    url: String,
    received: Arc<Mutex<Vec<Bytes>>>,
    task: JoinHandle<Result<(), Infallible>>,
}

impl Store {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/archive", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Bytes>>>::default();
        let kept = Arc::clone(&received);
        let keep = move |body: Bytes| async move { kept.lock().unwrap().push(body) };
        let router = Router::new().route("/archive", put(keep));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
            Ok(())
        });
        Self {
            url,
            received,
            task,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn perform(world: &World) {
    let archive = world.sandbox().archive();
    if world.age == Age::August {
        let options = ExportOptions::dry_run();
        let exported = archive.export(&options).await;
        assert!(exported.unwrap_err().is_not_found());
        assert!(archive.status().await.unwrap_err().is_not_found());
        assert!(archive.resume().await.unwrap_err().is_not_found());
        world.expect(&["ExportArchive", "GetArchiveStatus", "ResumeArchive"]);
        return;
    }
    world.emulator.clock().advance(Duration::from_secs(1));
    world.put("/blaxel/new", "content");
    world.put("/blaxel/left-out", "");
    let options = ExportOptions::dry_run().exclude("/blaxel/left-out");
    let report = archive.export(&options).await.unwrap();
    world.expect(&["ExportArchive"]);
    let changes: Vec<_> = report
        .changes
        .iter()
        .filter(|change| change.size.is_some())
        .map(|change| (change.path.trim_start_matches('/'), change.kind.clone()))
        .collect();
    assert_eq!(changes, [("blaxel/new", ChangeKind::Added)]);

    let store = Store::start().await;
    let options = ExportOptions::to(store.url.as_str()).header("x-kept", "1");
    let progress = archive.start_export(&options).await.unwrap();
    assert_eq!(progress.state, ExportState::Running);
    let limit = Duration::from_secs(10);
    let progress = archive.wait_for_export(limit).await.unwrap();
    assert_eq!(progress.state, ExportState::Succeeded);
    world.expect_some(&["ExportArchive", "GetArchiveStatus"]);
    assert_eq!(store.received.lock().unwrap().len(), 1);
    let size = store.received.lock().unwrap()[0].len() as u64;
    assert_eq!(progress.uploaded, Some(size));

    // The disk is read-only until the sandbox is resumed.
    let status = archive.status().await.unwrap();
    assert_eq!(status.state, ArchiveState::Quiesced);
    let frozen = world.sandbox().fs().write("/blaxel/later", "x").await;
    assert!(frozen.is_err());
    let status = archive.resume().await.unwrap();
    assert_eq!(status.state, ArchiveState::Active);
    world
        .sandbox()
        .fs()
        .write("/blaxel/later", "x")
        .await
        .unwrap();
    world.expect(&[
        "GetArchiveStatus",
        "WriteFile",
        "ResumeArchive",
        "WriteFile",
    ]);
}
