//! Each row with our facade.

use std::fs;
use std::io::{Read, Write};

use blaxel_sandbox::process::Event;
use blaxel_sandbox::{SandboxHandle, Sandboxes};
use blaxel_transport::Client;
use bytes::BytesMut;
use futures_util::stream;

use super::report::Measure;
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
    let mut file = fs::File::open(task.directory.join("file")).expect("the file");
    let chunks = std::iter::from_fn(move || {
        let mut chunk = BytesMut::zeroed(256 << 10);
        let count = file.read(&mut chunk);
        match count {
            Ok(0) => None,
            Ok(count) => {
                chunk.truncate(count);
                Some(Ok(chunk.freeze()))
            }
            Err(error) => Some(Err(error)),
        }
    });
    let files = sandbox.fs();
    let written = files.write_stream("/data/file", stream::iter(chunks)).await;
    written.expect("an upload");
}

async fn download(sandbox: &Sandbox, task: &Task) {
    let mut copy = fs::File::create(task.directory.join("file.copy")).expect("the copy");
    let mut file = sandbox.fs().read_stream("/data/file").await.expect("the file");
    while let Some(chunk) = file.try_next().await.expect("a chunk") {
        copy.write_all(&chunk).expect("room");
    }
}

async fn upload_many(sandbox: &Sandbox, task: &Task) {
    use futures_util::StreamExt;
    let directory = task.directory.join("files");
    let files = fs::read_dir(&directory).unwrap().flat_map(|entry| fs::read_dir(entry.unwrap().path()).unwrap());
    let fs_ = sandbox.fs();
    stream::iter(files).map(|file| {
        let path = file.unwrap().path();
        let to = format!("/data/files/{}", path.strip_prefix(&directory).unwrap().display());
        let write = fs_.write(to, fs::read(&path).unwrap());
        async move { write.await.unwrap(); }
    }).buffer_unordered(8).collect::<()>().await;
}

async fn download_many(sandbox: &Sandbox, task: &Task) {
    use futures_util::StreamExt;
    let copies = task.directory.join("files.copy");
    let fs_ = sandbox.fs();
    let mut entries = fs_.read_dir("/data/files").recursive(true);
    let mut files = Vec::new();
    while let Some(entry) = entries.try_next().await.unwrap() {
        if entry.is_file() {
            files.push(entry.path.clone());
        } else {
            fs::create_dir_all(copies.join(entry.path.strip_prefix("/data/files/").unwrap())).unwrap();
        }
    }
    stream::iter(files).map(|path| {
        let copy = copies.join(path.strip_prefix("/data/files/").unwrap());
        let fs_ = fs_.clone();
        async move { let bytes = fs_.read(&path).await.unwrap(); fs::write(copy, bytes).unwrap(); }
    }).buffer_unordered(8).collect::<()>().await;
}
