//! Each row as a loop written by hand on hyper-util, without retries, deadlines and checks.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json};

use super::measure::Measure;
use super::work::Task;

/// The size of a part, and the number of parts that are sent at once: those of all clients.
const PART: usize = 5 << 20;
const PARTS_AT_ONCE: usize = 3;
/// The number of small files that are sent or requested at once.
const FILES_AT_ONCE: usize = 8;

const JSON: &str = "application/json";
const BOUNDARY: &str = "blaxel-0123456789abcdef0123456789abcdef";

/// Runs a task and measures it.
pub async fn run(task: &Task) -> Measure {
    let api = Api::from_env();
    let sandbox = api.call(Method::GET, &api.lookup, "", Bytes::new()).await;
    assert!(sandbox.status().is_success());
    drop(sandbox.into_body().collect().await);
    if task.row == "start" {
        for _ in 0..20 {
            api.command("true").await;
        }
    }
    let (local, copy) = (
        task.directory.join("file"),
        task.directory.join("file.copy"),
    );
    let (files, copies) = (
        task.directory.join("files"),
        task.directory.join("files.copy"),
    );
    let mut measure = Measure::start();
    for _ in 0..task.repetitions {
        match task.row.as_str() {
            "start" => assert_eq!(api.command("true").await, 0),
            "output" => assert_eq!(api.command("produce").await, super::work::OUTPUT),
            "upload" => api.upload(&local).await,
            "download" => api.download("/data/file", &copy).await,
            "upload-many" => api.upload_many(&files).await,
            "download-many" => api.download_many(&copies).await,
            other => panic!("unknown row `{other}`"),
        }
        measure.lap();
    }
    measure
}

/// A line of the stream of a process.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: String,
}

struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    key: String,
    workspace: String,
    lookup: String,
    url: String,
}

impl Api {
    fn from_env() -> Self {
        let get = |name| std::env::var(name).expect(name);
        let (workspace, sandbox) = (get("BL_WORKSPACE"), get("BENCH_SANDBOX"));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            key: format!("Bearer {}", get("BL_API_KEY")),
            lookup: format!("{}/sandboxes/{sandbox}", get("BL_API_URL")),
            url: format!("{}/{workspace}/sandboxes/{sandbox}", get("BL_RUN_URL")),
            workspace,
        }
    }

    async fn call(&self, method: Method, url: &str, kind: &str, body: Bytes) -> Response<Incoming> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().expect("an address");
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.key.parse().expect("a header"));
        headers.insert(
            "x-blaxel-workspace",
            self.workspace.parse().expect("a header"),
        );
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, kind.parse().expect("a header"));
        }
        let accept = match kind {
            JSON => "text/event-stream",
            _ => "application/octet-stream",
        };
        headers.insert(ACCEPT, accept.parse().expect("a header"));
        let response = self.client.request(request).await.expect("a response");
        assert!(
            response.status().is_success(),
            "{} {url}",
            response.status()
        );
        response
    }

    /// Runs a command to its end, and returns the number of bytes of its output.
    async fn command(&self, command: &str) -> usize {
        let url = format!("{}/process", self.url);
        let body = json!({ "command": command }).to_string();
        let response = self.call(Method::POST, &url, JSON, body.into()).await;
        let mut body = response.into_body();
        let (mut rest, mut seen, mut size) = (BytesMut::new(), 0, 0);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.expect("a part of the stream").into_data() else {
                continue;
            };
            rest.extend_from_slice(&data);
            while let Some(end) = rest[seen..].iter().position(|byte| *byte == b'\n') {
                let line = rest.split_to(seen + end);
                rest.advance(1);
                seen = 0;
                let line: Line = serde_json::from_slice(&line).expect("a line");
                match line.kind.as_str() {
                    "stdout" => size += line.data.len(),
                    "result" => {
                        let result: Value = serde_json::from_str(&line.data).expect("a result");
                        assert_eq!(result["exitCode"], 0);
                        return size;
                    }
                    _ => {}
                }
            }
            seen = rest.len();
        }
        panic!("the stream has no result");
    }

    async fn upload(&self, path: &Path) {
        let mut file = File::open(path).expect("the file");
        let url = format!("{}/filesystem-multipart/initiate//data/file", self.url);
        let id = self.json(Method::POST, &url, JSON, "{}".into()).await;
        let id = id["uploadId"].as_str().expect("an id").to_owned();
        let bodies = std::iter::from_fn(|| {
            let mut form = form_start();
            let start = form.len();
            form.resize(start + PART, 0);
            let mut filled = start;
            while filled < form.len() {
                match file.read(&mut form[filled..]).expect("a part") {
                    0 => break,
                    count => filled += count,
                }
            }
            form.truncate(filled);
            (filled > start).then(|| form_end(form))
        });
        let send = |(index, body): (usize, Bytes)| {
            let url = format!(
                "{}/filesystem-multipart/{id}/part?partNumber={}",
                self.url,
                index + 1
            );
            async move { self.json(Method::PUT, &url, &form_type(), body).await }
        };
        let sent = stream::iter(bodies.enumerate()).map(send);
        let mut parts: Vec<Value> = sent.buffer_unordered(PARTS_AT_ONCE).collect().await;
        parts.sort_by_key(|part| part["partNumber"].as_u64());
        let url = format!("{}/filesystem-multipart/{id}/complete", self.url);
        let body = json!({ "parts": parts }).to_string();
        self.json(Method::POST, &url, JSON, body.into()).await;
    }

    async fn download(&self, path: &str, copy: &Path) {
        let url = format!("{}/filesystem/{path}", self.url);
        let response = self.call(Method::GET, &url, "", Bytes::new()).await;
        let mut body = response.into_body();
        let mut file = File::create(copy).expect("the copy");
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.expect("a part of the file").into_data() {
                file.write_all(&data).expect("room");
            }
        }
    }

    async fn upload_many(&self, directory: &Path) {
        let files = fs::read_dir(directory)
            .expect("directories")
            .flat_map(|entry| {
                let entry = entry.expect("a directory");
                fs::read_dir(entry.path()).expect("files")
            });
        let send = |file: std::io::Result<fs::DirEntry>| {
            let path = file.expect("a file").path();
            let below = path.strip_prefix(directory).expect("a path below");
            let url = format!("{}/filesystem//data/files/{}", self.url, below.display());
            let mut form = form_start();
            form.extend_from_slice(&fs::read(&path).expect("a file"));
            let body = form_end(form);
            async move { drop(self.json(Method::PUT, &url, &form_type(), body).await) }
        };
        let sent = stream::iter(files)
            .map(send)
            .buffer_unordered(FILES_AT_ONCE);
        sent.collect::<()>().await;
    }

    async fn download_many(&self, copies: &Path) {
        let top = self.list("/data/files").await;
        let mut files = Vec::new();
        for directory in top["subdirectories"].as_array().expect("directories") {
            let path = directory["path"].as_str().expect("a path");
            let name = Path::new(path).file_name().expect("a name").to_owned();
            let copies = copies.join(name);
            fs::create_dir_all(&copies).expect("a directory");
            let list = self.list(path).await;
            for file in list["files"].as_array().expect("files") {
                let path = file["path"].as_str().expect("a path").to_owned();
                let copy = copies.join(Path::new(&path).file_name().expect("a name"));
                files.push((path, copy));
            }
        }
        let read = |(path, copy): (String, std::path::PathBuf)| async move {
            self.download(&path, &copy).await;
            Ok::<_, ()>(())
        };
        let read = stream::iter(files)
            .map(read)
            .buffer_unordered(FILES_AT_ONCE);
        read.try_collect::<()>().await.expect("files");
    }

    async fn list(&self, path: &str) -> Value {
        let url = format!("{}/filesystem/{path}", self.url);
        self.json(Method::GET, &url, JSON, Bytes::new()).await
    }

    async fn json(&self, method: Method, url: &str, kind: &str, body: Bytes) -> Value {
        let response = self.call(method, url, kind, body).await;
        let body = response.into_body().collect().await.expect("a body");
        serde_json::from_slice(&body.to_bytes()).expect("JSON")
    }
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

fn form_start() -> Vec<u8> {
    let mut form = Vec::with_capacity(PART + 512);
    let field = "Content-Disposition: form-data; name=\"file\"; filename=\"file\"";
    let start =
        format!("--{BOUNDARY}\r\n{field}\r\nContent-Type: application/octet-stream\r\n\r\n");
    form.extend_from_slice(start.as_bytes());
    form
}

fn form_end(mut form: Vec<u8>) -> Bytes {
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form.into()
}
