//! A file server of a sandbox in memory, with faults.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, BoxService, Error, HttpService};
use blaxel_sandbox::files::Files;
use blaxel_sandbox::{SandboxRef, Sandboxes};
use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use http_body::Frame;
use serde_json::{Value, json};

/// A request as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the request line.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// Returns the fields of the form.
    pub(crate) fn form(&self) -> Vec<(String, Vec<u8>)> {
        let kind = self.header("content-type").unwrap();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let mark = format!("--{boundary}");
        let mut rest = self.body.strip_prefix(mark.as_bytes()).unwrap();
        let mut fields = Vec::new();
        let end = format!("\r\n{mark}");
        while let Some(part) = rest.strip_prefix(b"\r\n") {
            let head = find(part, b"\r\n\r\n");
            let headers = std::str::from_utf8(&part[..head]).unwrap();
            let name = headers.split("name=\"").nth(1).unwrap();
            let content = &part[head + 4..];
            let length = find(content, end.as_bytes());
            fields.push((
                name.split('"').next().unwrap().to_owned(),
                content[..length].to_vec(),
            ));
            rest = &content[length + end.len()..];
        }
        assert_eq!(rest, b"--\r\n");
        fields
    }
}

fn find(text: &[u8], wanted: &[u8]) -> usize {
    text.windows(wanted.len())
        .position(|window| window == wanted)
        .unwrap()
}

/// The fault of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection breaks before the server has processed the request.
    Before,
    /// The connection breaks after the server has processed the request.
    After,
    /// A response of this status instead of the server's.
    Status(u16, &'static str),
}

pub(crate) type Faults = Arc<dyn Fn(&Seen, usize) -> Option<Fault> + Send + Sync>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) modes: BTreeMap<String, String>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) begun: usize,
    pub(crate) seen: Vec<Seen>,
    /// The sandbox has no `tar`.
    pub(crate) lacks_tar: bool,
    /// Files that were removed after they were listed.
    pub(crate) vanished: Vec<String>,
    /// A file that is written while `tar` reads it.
    pub(crate) changing: Option<String>,
    /// The commands that ran.
    pub(crate) commands: Vec<String>,
    counts: BTreeMap<String, usize>,
    /// The largest number of parts that were received at the same time.
    pub(crate) most_parts: usize,
    parts_now: usize,
    /// The number of calls for which the server keeps a completed upload before it writes the file.
    pub(crate) slow_completion: usize,
    completing: Option<(String, usize)>,
}

pub(crate) struct Upload {
    path: String,
    mode: Option<String>,
    parts: BTreeMap<u32, Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Returns the file system over this server, without faults.
    pub(crate) fn files(&self) -> Files<BoxService> {
        self.files_with(|_, _| None)
    }

    /// Returns the file system over this server. `faults` is called with each request and the number of equal
    /// requests before it.
    pub(crate) fn files_with(
        &self,
        faults: impl Fn(&Seen, usize) -> Option<Fault> + Send + Sync + 'static,
    ) -> Files<BoxService> {
        let faults: Faults = Arc::new(faults);
        let state = Arc::clone(&self.state);
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let (state, faults) = (Arc::clone(&state), Arc::clone(&faults));
            async move { serve(&state, &faults, request).await }
        });
        let reference = SandboxRef::new("dev").url("https://sbx-dev-team.us-pdx-1.bl.run");
        Sandboxes::new(service.boxed()).join(&reference).fs()
    }
}

struct Receiving<'a>(&'a Mutex<State>);

impl<'a> Receiving<'a> {
    fn new(state: &'a Mutex<State>) -> Self {
        let mut locked = state.lock().unwrap();
        locked.parts_now += 1;
        locked.most_parts = locked.most_parts.max(locked.parts_now);
        Self(state)
    }
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().parts_now -= 1;
    }
}

async fn serve(
    state: &Mutex<State>,
    faults: &Faults,
    request: http::Request<Body>,
) -> Result<Response<Body>, Error> {
    let (head, body) = request.into_parts();
    let seen = Seen {
        method: head.method,
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body: body.bytes().expect("a body in memory"),
    };
    let broken = || Err(Error::transport("the connection broke", "reset"));
    let is_part = seen.target.contains("/part?");
    let receiving = is_part.then(|| Receiving::new(state));
    for _ in 0..if is_part { 10 } else { 2 } {
        tokio::task::yield_now().await;
    }
    let fault = {
        let mut state = state.lock().unwrap();
        let count = state.counts.entry(seen.line()).or_default();
        *count += 1;
        let earlier = *count - 1;
        state.seen.push(seen.clone());
        faults(&seen, earlier)
    };
    match fault {
        Some(Fault::Before) => return broken(),
        Some(Fault::Status(status, body)) => {
            return Ok(Response::builder()
                .status(status)
                .body(Body::from(body))
                .unwrap());
        }
        _ => {}
    }
    let response = respond(&mut state.lock().unwrap(), &seen);
    drop(receiving);
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    match fault {
        Some(Fault::After) => broken(),
        _ => Ok(response),
    }
}

pub(crate) fn reply(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json; charset=utf-8")
        .body(Body::from(body.to_string()))
        .unwrap()
}

pub(crate) fn refuse(status: u16, message: &str) -> Response<Body> {
    reply(status, &json!({ "error": message }))
}

fn respond(state: &mut State, seen: &Seen) -> Response<Body> {
    state.progress_completion();
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let file = |prefix: &str| Some(percent_decode(path.strip_prefix(prefix)?));
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (seen.method.as_str(), segments.as_slice()) {
        ("HEAD", ["filesystem", _]) => Response::new(Body::empty()),
        ("GET", ["filesystem", ""]) => reply(
            200,
            &json!({"path": "/work", "files": [], "subdirectories": []}),
        ),
        ("GET", ["filesystem", _]) if seen.header("accept") == Some("application/json") => {
            state.list(&file("/filesystem/").unwrap())
        }
        ("GET", ["filesystem", _]) => state.read(&file("/filesystem/").unwrap(), seen),
        ("PUT", ["filesystem", _]) if seen.header("content-type") == Some("application/json") => {
            reply(200, &json!({"message": "created"}))
        }
        ("DELETE", ["filesystem", _]) => match state.files.remove(&file("/filesystem/").unwrap()) {
            Some(_) => reply(200, &json!({"message": "removed"})),
            None => refuse(404, "file or directory not found"),
        },
        ("POST", ["process"]) => state.run(&seen.json()),
        ("PUT", ["filesystem", _]) => {
            let mut fields = seen.form();
            let (name, content) = fields.pop().unwrap();
            assert_eq!(name, "file");
            let path = file("/filesystem/").unwrap();
            if let Some((name, mode)) = fields.pop().filter(|_| !state.modes.contains_key(&path)) {
                assert_eq!(name, "permissions");
                state
                    .modes
                    .insert(path.clone(), String::from_utf8(mode).unwrap());
            }
            state.files.insert(path, content);
            reply(200, &json!({"message": "ok"}))
        }
        ("POST", ["filesystem-multipart", "initiate", _]) => {
            state.begun += 1;
            let id = format!("upload-{}", state.begun);
            let upload = Upload {
                path: file("/filesystem-multipart/initiate/").unwrap(),
                mode: seen.json()["permissions"].as_str().map(str::to_owned),
                parts: BTreeMap::new(),
            };
            state.uploads.insert(id.clone(), upload);
            reply(200, &json!({"uploadId": id, "path": ""}))
        }
        ("PUT", ["filesystem-multipart", id, "part"]) => {
            let Some(upload) = state.uploads.get_mut(*id) else {
                return refuse(500, "failed to upload part: upload not found");
            };
            let number: u32 = query.strip_prefix("partNumber=").unwrap().parse().unwrap();
            let mut fields = seen.form();
            assert_eq!(fields.len(), 1);
            let (_, content) = fields.pop().unwrap();
            let size = content.len();
            upload.parts.insert(number, content);
            reply(
                200,
                &json!({"partNumber": number, "etag": format!("{number}-{size}"), "size": size}),
            )
        }
        ("POST", ["filesystem-multipart", id, "complete"]) => state.complete(id, seen),
        ("DELETE", ["filesystem-multipart", id, "abort"]) => match state.uploads.remove(*id) {
            Some(_) => reply(200, &json!({"message": "aborted"})),
            None => refuse(404, "upload not found"),
        },
        ("GET", ["filesystem-multipart", id, "parts"]) => match state.uploads.get(*id) {
            Some(_) => reply(200, &json!({"uploadId": id, "parts": []})),
            None => refuse(404, "upload not found"),
        },
        other => panic!("{other:?}"),
    }
}

impl State {
    fn read(&self, path: &str, seen: &Seen) -> Response<Body> {
        let Some(content) = self.files.get(path) else {
            return refuse(404, "no such file or directory");
        };
        // The server sends the name, with line ends as spaces. No client can read other control characters there.
        let disposition = format!("attachment; filename=\"{}\"", path.replace('\n', " "));
        let Ok(disposition) = HeaderValue::from_bytes(disposition.as_bytes()) else {
            return refuse(500, "the header of the response is invalid");
        };
        let mut response = Response::builder()
            .header("content-disposition", disposition)
            .header("last-modified", "Mon, 30 Nov 2026 10:07:20 GMT");
        let range = seen
            .header("range")
            .and_then(|range| range.strip_prefix("bytes="));
        let content = match range.map(|range| range.split_once('-').unwrap()) {
            Some((first, last)) if !content.is_empty() => {
                let first: usize = first.parse().unwrap();
                let end = last
                    .parse()
                    .map_or(content.len(), |last: usize| (last + 1).min(content.len()));
                response = response.status(206).header(
                    "content-range",
                    format!("bytes {first}-{}/{}", end - 1, content.len()),
                );
                content[first..end].to_vec()
            }
            _ => content.clone(),
        };
        response = response.header("content-length", content.len());
        response.body(Body::from(content)).unwrap()
    }

    /// Lists a directory. Links are files whose content begins with `->`.
    fn list(&self, path: &str) -> Response<Body> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let (mut files, mut directories) = (Vec::new(), std::collections::BTreeSet::new());
        for (name, content) in &self.files {
            let Some(below) = name.strip_prefix(&prefix) else {
                continue;
            };
            if let Some((directory, _)) = below.split_once('/') {
                directories.insert(directory.to_owned());
                continue;
            }
            let mode = match content.strip_prefix(b"->") {
                Some(_) => "1000000777",
                None => self.modes.get(name).map_or("644", String::as_str),
            };
            files.push(json!({
                "name": below, "size": content.len(), "permissions": mode,
                "lastModified": "2001-09-09T01:46:40.5Z",
            }));
        }
        if files.is_empty() && directories.is_empty() {
            return refuse(404, "no such file or directory");
        }
        let directories: Vec<_> = directories
            .iter()
            .map(|name| json!({"name": name}))
            .collect();
        reply(
            200,
            &json!({"path": path, "files": files, "subdirectories": directories}),
        )
    }

    /// Runs `tar`, and pretends to run any other program.
    fn run(&mut self, request: &Value) -> Response<Body> {
        let command = request["command"].as_str().unwrap().to_owned();
        let words: Vec<String> = command
            .split_whitespace()
            .map(|word| word.trim_matches('\'').to_owned())
            .collect();
        let after = |option: &str| {
            let at = words.iter().position(|word| word == option)?;
            words.get(at + 1).cloned()
        };
        let mut stderr = String::new();
        let exit_code = match (words.iter().any(|word| word == "tar"), self.lacks_tar) {
            (true, true) => 127,
            (true, false) if words.iter().any(|word| word == "-x") => {
                self.unpack(&after("-f").unwrap(), &after("-C").unwrap());
                0
            }
            (true, false) => {
                stderr = self.pack(
                    &after("-f").unwrap(),
                    &after("-C").unwrap(),
                    &after("-T").unwrap(),
                );
                match stderr.as_str() {
                    "" => 0,
                    stderr if stderr.contains("Cannot stat") => 2,
                    _ => 1,
                }
            }
            (false, _) => 0,
        };
        self.commands.push(command);
        reply(
            200,
            &json!({
                "pid": "7", "name": request["name"], "command": request["command"],
                "status": if exit_code == 0 { "completed" } else { "failed" },
                "startedAt": "Mon, 30 Nov 2026 10:07:20 GMT", "completedAt": "Mon, 30 Nov 2026 10:07:21 GMT",
                "exitCode": exit_code, "workingDir": "/", "stdout": "", "stderr": stderr, "logs": "",
            }),
        )
    }

    fn unpack(&mut self, archive: &str, directory: &str) {
        let archive = self.files[archive].clone();
        for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let path = format!("{directory}/{name}");
            let mode = format!("{:o}", entry.header().mode().unwrap());
            let mut content = Vec::new();
            match entry.header().entry_type() {
                tar::EntryType::Directory => continue,
                tar::EntryType::Symlink => {
                    content.extend(b"->");
                    content.extend(&*entry.link_name_bytes().unwrap());
                }
                _ => {
                    std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
                }
            }
            self.modes.insert(path.clone(), mode);
            self.files.insert(path, content);
        }
    }

    /// Makes an archive and returns the messages of `tar`.
    fn pack(&mut self, archive: &str, directory: &str, list: &str) -> String {
        let mut messages = String::new();
        let mut builder = tar::Builder::new(Vec::new());
        let list = String::from_utf8(self.files[list].clone()).unwrap();
        for name in list.lines() {
            let path = format!("{directory}/{}", name.strip_prefix("./").unwrap());
            if self.vanished.contains(&path) {
                let name = name.replace(char::REPLACEMENT_CHARACTER, r"\357\277\275");
                messages += &format!("tar: {name}: Cannot stat: No such file or directory\n");
                continue;
            }
            if self.changing.as_ref() == Some(&path) {
                messages += &format!("tar: {name}: file changed as we read it\n");
            }
            let content = &self.files[&path];
            let mut header = tar::Header::new_gnu();
            header.set_mtime(1_000_000_000);
            if let Some(target) = content.strip_prefix(b"->") {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                let target = std::str::from_utf8(target).unwrap();
                builder.append_link(&mut header, name, target).unwrap();
                continue;
            }
            let mode = self.modes.get(&path).map_or("644", String::as_str);
            header.set_mode(u32::from_str_radix(mode, 8).unwrap());
            header.set_size(content.len() as u64);
            builder
                .append_data(&mut header, name, content.as_slice())
                .unwrap();
        }
        self.files
            .insert(archive.to_owned(), builder.into_inner().unwrap());
        messages
    }

    fn complete(&mut self, id: &str, seen: &Seen) -> Response<Body> {
        let Some(upload) = self.uploads.get(id) else {
            return refuse(404, "upload not found");
        };
        for part in seen.json()["parts"].as_array().unwrap() {
            let number = u32::try_from(part["partNumber"].as_u64().unwrap()).unwrap();
            let Some(content) = upload.parts.get(&number) else {
                return refuse(500, "part not found");
            };
            assert_eq!(part["etag"], format!("{number}-{}", content.len()));
        }
        assert!(
            self.completing.is_none(),
            "two completions write the same file"
        );
        self.completing = Some((id.to_owned(), self.slow_completion));
        if self.slow_completion == 0 {
            self.progress_completion();
        }
        reply(200, &json!({"message": "completed"}))
    }

    /// Continues a completion that takes some time.
    fn progress_completion(&mut self) {
        let Some((id, left)) = self.completing.take() else {
            return;
        };
        let Some(upload) = self.uploads.get(&id) else {
            return;
        };
        let content: Vec<u8> = upload.parts.values().flatten().copied().collect();
        if left > 0 {
            // The file grows while its parts are put together.
            let so_far = content.len() / (left + 1);
            self.files
                .insert(upload.path.clone(), content[..so_far].to_vec());
            self.completing = Some((id, left - 1));
            return;
        }
        if let Some(mode) = &upload.mode {
            self.modes.insert(upload.path.clone(), mode.clone());
        }
        self.files.insert(upload.path.clone(), content);
        self.uploads.remove(&id);
    }
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            let hex = std::str::from_utf8(&hex).unwrap();
            decoded.push(u8::from_str_radix(hex, 16).unwrap());
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).unwrap()
}

/// Returns a file system over a function of the request.
pub(crate) fn scripted(
    respond: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
) -> (Files<BoxService>, Arc<Mutex<Vec<Seen>>>) {
    let journal = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&journal);
    let respond = Arc::new(respond);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (head, body) = request.into_parts();
        let seen = Seen {
            method: head.method,
            target: head.uri.path_and_query().unwrap().to_string(),
            headers: head.headers,
            body: body.bytes().unwrap(),
        };
        let response = respond(&seen);
        requests.lock().unwrap().push(seen);
        async { Ok::<_, Error>(response) }
    });
    let reference = SandboxRef::new("dev").url("https://sbx-dev-team.us-pdx-1.bl.run");
    (
        Sandboxes::new(service.boxed()).join(&reference).fs(),
        journal,
    )
}

/// A body of chunks, of which the last may be followed by a failure.
pub(crate) struct Chunks {
    chunks: std::vec::IntoIter<Bytes>,
    breaks: bool,
}

impl Chunks {
    pub(crate) fn body(chunks: Vec<Bytes>, breaks: bool) -> Body {
        Body::new(Self {
            chunks: chunks.into_iter(),
            breaks,
        })
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(chunk) = self.chunks.next() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let broken = std::mem::take(&mut self.breaks);
        Poll::Ready(broken.then(|| Err(Error::transport("the connection broke", "reset"))))
    }
}
