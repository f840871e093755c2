//! Each row with our facade.

use blaxel_sandbox::process::Event;
use blaxel_sandbox::{SandboxHandle, Sandboxes};
use blaxel_transport::Client;

use super::measure::Measure;
use super::work::{OUTPUT, Task};

type Sandbox = SandboxHandle<Client>;

/// Runs a task and measures it.
pub async fn run(task: &Task) -> Measure {
    let client = Client::from_env().expect("a client");
    let name = std::env::var("BENCH_SANDBOX").expect("a name");
    let sandbox = Sandboxes::new(client).get(name).await.expect("a sandbox");
    if task.row == "start" {
        for _ in 0..20 {
            start(&sandbox).await;
        }
    }
    let mut measure = Measure::start();
    for _ in 0..task.repetitions {
        match task.row.as_str() {
            "start" => start(&sandbox).await,
            "output" => output(&sandbox).await,
            "upload" => upload(&sandbox, task).await,
            "download" => download(&sandbox, task).await,
            "upload-many" => upload_many(&sandbox, task).await,
            "download-many" => download_many(&sandbox, task).await,
            other => panic!("unknown row `{other}`"),
        }
        measure.lap();
    }
    measure
}

async fn start(sandbox: &Sandbox) {
    let output = sandbox.command("true").output().await.expect("an end");
    assert!(output.status.success() && output.stdout.is_empty());
}

async fn output(sandbox: &Sandbox) {
    let mut size = 0;
    let mut child = sandbox.command("produce").spawn().await.expect("a start");
    while let Some(event) = child.events().try_next().await.expect("an event") {
        match event {
            Event::Stdout(bytes) => size += bytes.len(),
            Event::Exited(status) => assert!(status.success()),
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(size, OUTPUT);
}

async fn upload(sandbox: &Sandbox, task: &Task) {
    let file = task.directory.join("file");
    let sent = sandbox.fs().upload(file, "/data/file").await;
    sent.expect("an upload");
}

async fn download(sandbox: &Sandbox, task: &Task) {
    let copy = task.directory.join("file.copy");
    let received = sandbox.fs().download("/data/file", copy).await;
    received.expect("a download");
}

async fn upload_many(sandbox: &Sandbox, task: &Task) {
    let files = task.directory.join("files");
    let sent = sandbox.fs().upload_dir(files, "/data/files").await;
    sent.expect("an upload");
}

async fn download_many(sandbox: &Sandbox, task: &Task) {
    let copies = task.directory.join("files.copy");
    let received = sandbox.fs().download_dir("/data/files", copies).await;
    received.expect("a download");
}
