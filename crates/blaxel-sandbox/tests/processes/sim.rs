//! A simulated sandbox whose processes follow a script, and whose connections fail as a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blaxel_core::__private::ErrorParts;
use blaxel_core::{Body, CallContext, Error, HttpService};
use blaxel_sandbox::{SandboxHandle, SandboxRef, Sandboxes};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// The number of bytes of each stream in the state of a process.
const TAIL: usize = 64 * 1024;

/// A script of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) writes: Vec<Write>,
    /// The time of the end and the exit code. A process without one runs until it is killed.
    pub(crate) exit: Option<(Duration, i32)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) at: Duration,
    pub(crate) to_stderr: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Program {
    pub(crate) fn exiting(code: i32) -> Self {
        Self::default().exit(0, code)
    }

    pub(crate) fn stdout(self, at_ms: u64, bytes: impl AsRef<[u8]>) -> Self {
        self.write(at_ms, false, bytes)
    }

    pub(crate) fn stderr(self, at_ms: u64, bytes: impl AsRef<[u8]>) -> Self {
        self.write(at_ms, true, bytes)
    }

    fn write(mut self, at_ms: u64, to_stderr: bool, bytes: impl AsRef<[u8]>) -> Self {
        self.writes.push(Write {
            at: Duration::from_millis(at_ms),
            to_stderr,
            bytes: bytes.as_ref().to_vec(),
        });
        self
    }

    pub(crate) fn exit(mut self, at_ms: u64, code: i32) -> Self {
        self.exit = Some((Duration::from_millis(at_ms), code));
        self
    }

    pub(crate) fn written(&self, to_stderr: bool) -> Vec<u8> {
        let writes = self
            .writes
            .iter()
            .filter(|write| write.to_stderr == to_stderr);
        writes.flat_map(|write| write.bytes.clone()).collect()
    }
}

/// A failure of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The request does not arrive, which is certain.
    NotSent,
    /// The request does not arrive, which is not certain.
    LostRequest,
    /// The request is processed, and the connection breaks before the response.
    LostResponse,
    /// A proxy responds with an HTML page.
    Html(u16),
    /// The body ends after some bytes, with an error or as if it was complete.
    Cut { bytes: usize, clean: bool },
    /// The body says nothing more after some bytes.
    Stall(usize),
}

/// The age of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// As the newest one, with all routes.
    New,
    /// As in the August version: text form, no stdin, no wait.
    Old,
}

#[derive(Clone)]
pub(crate) struct Sim(Arc<Mutex<State>>);

pub(crate) struct State {
    age: Age,
    program: Program,
    processes: Vec<Process>,
    /// The names of the operations, in the order of their requests.
    pub(crate) calls: Vec<String>,
    /// The faults of the next requests, by the name of their operation.
    faults: VecDeque<(&'static str, Fault)>,
    /// Sizes of the frames of streamed bodies, in turn.
    pub(crate) frames: Vec<usize>,
    /// The server keeps only so many of the last writes.
    pub(crate) kept_writes: usize,
    /// Number of bytes of streamed bodies that were read.
    pub(crate) streamed: usize,
}

#[derive(Clone)]
struct Process {
    name: String,
    pid: u32,
    request: Value,
    started: Instant,
    program: Program,
    killed: Option<(Instant, &'static str)>,
    stdin: Option<Vec<u8>>,
    stdin_closed: bool,
}

impl Process {
    fn end(&self) -> Option<(Instant, &'static str, i32)> {
        let exit = self.program.exit.map(|(at, code)| {
            let status = if code == 0 { "completed" } else { "failed" };
            (self.started + at, status, code)
        });
        match (exit, self.killed) {
            (Some(exit), Some((at, _))) if exit.0 <= at => Some(exit),
            (_, Some((at, status))) => Some((at, status, -1)),
            (exit, None) => exit,
        }
        .filter(|(at, ..)| *at <= Instant::now())
    }

    /// Returns the writes up to now.
    fn writes(&self) -> Vec<Write> {
        let end = self.end().map_or_else(Instant::now, |(at, ..)| at);
        let writes = self.program.writes.iter();
        writes
            .filter(|write| self.started + write.at <= end)
            .cloned()
            .collect()
    }

    fn text(&self, to_stderr: bool, limit: usize) -> String {
        let writes = self.writes().into_iter();
        let writes = writes.filter(|write| write.to_stderr == to_stderr);
        let all: Vec<u8> = writes.flat_map(|write| write.bytes).collect();
        let tail = &all[all.len().saturating_sub(limit)..];
        let mark = "[... truncated, see the process log file for the full output ...]\n";
        format!(
            "{}{}",
            if tail.len() < all.len() { mark } else { "" },
            replaced(tail)
        )
    }

    fn info(&self) -> Value {
        let end = self.end();
        let (status, code) = end.map_or(("running", 0), |(_, status, code)| (status, code));
        json!({
            "pid": self.pid.to_string(), "name": self.name, "command": self.request["command"],
            "status": status, "exitCode": code, "startedAt": "Wed, 01 Jan 2025 12:00:00 GMT",
            "completedAt": if end.is_some() { "Wed, 01 Jan 2025 12:00:01 GMT" } else { "" },
            "workingDir": "", "logs": null, "restartOnFailure": false, "maxRestarts": 0, "restartCount": 0,
            "stdout": self.text(false, TAIL), "stderr": self.text(true, TAIL), "stdin": self.stdin.is_some(),
        })
    }
}

/// Replaces each byte that is not part of a character, as the server does.
fn replaced(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

impl Sim {
    pub(crate) fn new(age: Age, program: Program) -> Self {
        Self(Arc::new(Mutex::new(State {
            age,
            program,
            processes: Vec::new(),
            calls: Vec::new(),
            faults: VecDeque::new(),
            frames: vec![usize::MAX],
            kept_writes: usize::MAX,
            streamed: 0,
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn with_fault(self, operation: &'static str, fault: Fault) -> Self {
        self.state().faults.push_back((operation, fault));
        self
    }

    pub(crate) fn sandbox(&self) -> SandboxHandle<impl HttpService> {
        let sim = self.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let sim = sim.clone();
            async move { sim.respond(request).await }
        });
        Sandboxes::new(service).join(&SandboxRef::new("dev").url("http://127.0.0.1:9"))
    }

    /// Returns the names of the processes that were started.
    pub(crate) fn started(&self) -> Vec<String> {
        self.state()
            .processes
            .iter()
            .map(|process| process.name.clone())
            .collect()
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.state()
            .calls
            .iter()
            .filter(|call| *call == operation)
            .count()
    }

    pub(crate) fn status(&self, name: &str) -> Option<&'static str> {
        let state = self.state();
        let process = state
            .processes
            .iter()
            .rev()
            .find(|process| process.name == name)?;
        Some(process.end().map_or("running", |(_, status, _)| status))
    }

    pub(crate) fn request(&self) -> Value {
        self.state().processes.last().unwrap().request.clone()
    }

    pub(crate) fn stdin(&self) -> (Vec<u8>, bool) {
        let state = self.state();
        let process = state.processes.last().unwrap();
        (process.stdin.clone().unwrap(), process.stdin_closed)
    }

    /// Starts a process as another program would.
    pub(crate) fn start(&self, name: &str) {
        self.state()
            .start(json!({"name": name, "command": "other"}));
    }

    /// Restarts the server without its state.
    pub(crate) fn forget(&self) {
        self.state().processes.clear();
    }

    async fn respond(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let context = CallContext::of(request.extensions()).unwrap();
        let operation = context.operation().unwrap().name();
        let fault = {
            let mut state = self.state();
            state.calls.push(operation.to_owned());
            let index = state.faults.iter().position(|(name, _)| *name == operation);
            index
                .and_then(|index| state.faults.remove(index))
                .map(|(_, fault)| fault)
        };
        match fault {
            Some(Fault::NotSent) => return Err(Error::not_sent("refused")),
            Some(Fault::LostRequest) => return Err(broken()),
            Some(Fault::Html(status)) => return Ok(html(status)),
            _ => {}
        }
        let (head, body) = request.into_parts();
        let body = body.bytes().unwrap();
        let response = self.handle(operation, &head, &body);
        Ok(match fault {
            Some(Fault::LostResponse) => return Err(broken()),
            Some(Fault::Cut { bytes, clean }) => response.map(|body| cut(body, bytes, Some(clean))),
            Some(Fault::Stall(bytes)) => response.map(|body| cut(body, bytes, None)),
            _ => response,
        })
    }

    fn handle(
        &self,
        operation: &str,
        head: &http::request::Parts,
        body: &Bytes,
    ) -> http::Response<Body> {
        let mut state = self.state();
        let accept = head
            .headers
            .get("accept")
            .map_or("", |value| value.to_str().unwrap());
        let old = state.age == Age::Old;
        if operation == "ExecuteProcess" || operation == "StartProcess" {
            let request: Value = serde_json::from_slice(body).unwrap();
            let name = request["name"].as_str().unwrap();
            let running = state
                .processes
                .iter()
                .any(|process| process.name == name && process.end().is_none());
            if running {
                return reply(
                    400,
                    &json!({"error": "process already exists and is running"}),
                );
            }
            if request["workingDir"] == "/nope" {
                let message = "failed to start process: no such folder";
                if operation == "StartProcess" {
                    return reply(422, &json!({"error": message}));
                }
                let line = line(&json!({"type": "error", "data": message}));
                return typed("application/x-ndjson", Body::from(line));
            }
            let index = state.start(request);
            if accept.contains("text/event-stream") {
                drop(state);
                return typed("application/x-ndjson", self.output(index, Form::Execution));
            }
            return reply(200, &state.processes[index].info());
        }
        if operation == "ListProcesses" {
            let list: Vec<Value> = state.processes.iter().map(Process::info).collect();
            return reply(200, &json!(list));
        }
        let id = head.uri.path().split('/').nth(2).unwrap().to_owned();
        let index = match id.parse::<u32>() {
            Ok(pid) => state
                .processes
                .iter()
                .position(|process| process.pid == pid),
            Err(_) => state
                .processes
                .iter()
                .rposition(|process| process.name == id),
        };
        let Some(index) = index else {
            return reply(404, &json!({"error": "process not found"}));
        };
        let process = &mut state.processes[index];
        match operation {
            "GetProcess" => reply(200, &process.info()),
            "GetProcessLogs" => {
                let text = |to_stderr| process.text(to_stderr, 4 * 1024 * 1024);
                reply(
                    200,
                    &json!({"stdout": text(false), "stderr": text(true), "logs": ""}),
                )
            }
            "StopProcess" | "KillProcess" => {
                if process.end().is_some() {
                    return reply(404, &json!({"error": "process is not running"}));
                }
                let status = if operation == "StopProcess" {
                    "stopped"
                } else {
                    "killed"
                };
                process.killed = Some((Instant::now(), status));
                reply(200, &json!({"message": "ok"}))
            }
            _ if old && operation != "StreamProcessLogs" => {
                let response = http::Response::builder().status(404);
                response.body(Body::from("404 page not found")).unwrap()
            }
            "WaitForProcess" => {
                let seconds = head.uri.query().unwrap().strip_prefix("timeout=").unwrap();
                let limit = Duration::from_secs(seconds.parse().unwrap());
                drop(state);
                typed("application/json", self.wait(index, limit))
            }
            "WriteProcessStdin" => match &mut process.stdin {
                Some(stdin) if !process.stdin_closed => {
                    stdin.extend_from_slice(body);
                    reply(200, &json!({"message": "ok"}))
                }
                _ => reply(409, &json!({"error": "no stdin"})),
            },
            "CloseProcessStdin" => {
                process.stdin_closed = true;
                reply(200, &json!({"message": "ok"}))
            }
            "StreamProcessLogs" => {
                drop(state);
                let kind = if old {
                    "text/plain; charset=utf-8"
                } else {
                    "application/x-ndjson"
                };
                typed(
                    kind,
                    self.output(index, if old { Form::Text } else { Form::Lines }),
                )
            }
            other => panic!("{other} is not simulated"),
        }
    }

    fn process(&self, index: usize) -> Option<Process> {
        self.state().processes.get(index).cloned()
    }

    /// Returns a body with the output of a process as it is written.
    fn output(&self, index: usize, form: Form) -> Body {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(self.clone().play(index, form, sender));
        let counter = self.clone();
        let frames = unfold(receiver, |mut receiver| async move {
            let bytes: Bytes = receiver.recv().await?;
            Some((bytes, receiver))
        });
        let frames = frames.map(move |bytes| {
            counter.state().streamed += bytes.len();
            Ok::<_, Error>(Frame::data(bytes))
        });
        Body::new(StreamBody::new(Box::pin(frames)))
    }

    async fn play(self, index: usize, form: Form, sender: mpsc::Sender<Bytes>) {
        let (kept, sizes) = {
            let state = self.state();
            (state.kept_writes, state.frames.clone())
        };
        let mut sizes = sizes.into_iter().cycle();
        let total = self
            .process(index)
            .map_or(0, |process| process.writes().len());
        let mut sent = total.saturating_sub(kept);
        let mut start = if sent > 0 {
            form.truncated()
        } else {
            Vec::new()
        };
        let mut last = Instant::now();
        loop {
            let Some(process) = self.process(index) else {
                return;
            };
            let mut ended = false;
            let bytes = if !start.is_empty() {
                std::mem::take(&mut start)
            } else if let Some(write) = process.writes().get(sent) {
                sent += 1;
                form.encode(write)
            } else if process.end().is_some() {
                ended = true;
                form.finish(&process)
            } else {
                sleep(next_change(&process, sent)).await;
                if last.elapsed() < form.keepalive().0 {
                    continue;
                }
                form.keepalive().1
            };
            last = Instant::now();
            let size = sizes.next().unwrap().max(1);
            for part in bytes.chunks(size) {
                if sender.send(Bytes::copy_from_slice(part)).await.is_err() {
                    return;
                }
            }
            if ended {
                return;
            }
        }
    }

    fn wait(&self, index: usize, limit: Duration) -> Body {
        let (sim, deadline) = (self.clone(), Instant::now() + limit);
        let chunks = futures_util::stream::once(async move {
            loop {
                let process = sim.process(index).ok_or_else(broken)?;
                if process.end().is_some() || Instant::now() >= deadline {
                    return Ok::<_, Error>(Frame::data(Bytes::from(process.info().to_string())));
                }
                sleep(next_change(&process, usize::MAX).min(deadline - Instant::now())).await;
            }
        });
        Body::new(StreamBody::new(Box::pin(chunks)))
    }
}

/// The form of a stream of output.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// The stream of `POST /process`.
    Execution,
    /// The log stream with exact bytes.
    Lines,
    /// The log stream as text.
    Text,
}

impl Form {
    fn encode(self, write: &Write) -> Vec<u8> {
        let kind = if write.to_stderr { "stderr" } else { "stdout" };
        let mut out = Vec::new();
        for piece in write.bytes.chunks(4096) {
            let value = match (self, std::str::from_utf8(piece)) {
                (Self::Text, _) => {
                    out.extend_from_slice(format!("{kind}:").as_bytes());
                    out.extend_from_slice(piece);
                    continue;
                }
                (Self::Execution, _) => json!({"type": kind, "data": replaced(piece)}),
                (Self::Lines, Ok(text)) => json!({"type": kind, "data": text}),
                (Self::Lines, Err(_)) => {
                    json!({"type": kind, "data": STANDARD.encode(piece), "encoding": "base64"})
                }
            };
            out.extend(line(&value));
        }
        out
    }

    fn keepalive(self) -> (Duration, Vec<u8>) {
        match self {
            Self::Execution => (Duration::from_secs(5), line(&json!({"type": "keepalive"}))),
            Self::Lines => (Duration::from_secs(30), line(&json!({"type": "keepalive"}))),
            Self::Text => (Duration::from_secs(30), b"[keepalive]\n".to_vec()),
        }
    }

    fn truncated(self) -> Vec<u8> {
        match self {
            Self::Execution => Vec::new(),
            Self::Lines => line(&json!({"type": "truncated"})),
            Self::Text => b"[output truncated: the stream fell behind]\n".to_vec(),
        }
    }

    fn finish(self, process: &Process) -> Vec<u8> {
        match self {
            Self::Execution => line(&json!({"type": "result", "data": process.info().to_string()})),
            _ => Vec::new(),
        }
    }
}

impl State {
    fn start(&mut self, request: Value) -> usize {
        let index = self.processes.len();
        let stdin = request["stdin"].as_bool().unwrap_or(false) && self.age == Age::New;
        self.processes.push(Process {
            name: request["name"].as_str().unwrap().to_owned(),
            pid: 100 + u32::try_from(index).unwrap(),
            request,
            started: Instant::now(),
            program: self.program.clone(),
            killed: None,
            stdin: stdin.then(Vec::new),
            stdin_closed: false,
        });
        index
    }
}

/// Returns the time until a process may do something, at most a second.
fn next_change(process: &Process, sent: usize) -> Duration {
    let write = process.program.writes.get(sent).map(|write| write.at);
    let exit = process.program.exit.map(|(at, _)| at);
    let now = process.started.elapsed();
    let next = [write, exit]
        .into_iter()
        .flatten()
        .filter(|at| *at > now)
        .min();
    let wait = next.map_or(Duration::MAX, |at| at - now);
    wait.clamp(Duration::from_millis(1), Duration::from_secs(1))
}

fn line(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

pub(crate) fn broken() -> Error {
    Error::transport("the connection broke", "reset")
}

fn typed(kind: &str, body: Body) -> http::Response<Body> {
    http::Response::builder()
        .header("content-type", kind)
        .body(body)
        .unwrap()
}

fn reply(status: u16, value: &Value) -> http::Response<Body> {
    let mut response = typed("application/json", Body::from(value.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

fn html(status: u16) -> http::Response<Body> {
    let mut response = typed(
        "text/html",
        Body::from("<html><title>Bad gateway</title></html>"),
    );
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

/// Ends a body after some bytes: with or without an error, or never.
fn cut(body: Body, bytes: usize, clean: Option<bool>) -> Body {
    let frames = unfold(
        (body, bytes, false),
        move |(mut body, left, done)| async move {
            if done {
                return None;
            }
            if left > 0 {
                let mut chunk = body.chunk().await.unwrap()?;
                chunk.truncate(left);
                let left = left - chunk.len();
                return Some((Ok(Frame::data(chunk)), (body, left, false)));
            }
            match clean {
                Some(true) => None,
                Some(false) => Some((Err(broken()), (body, 0, true))),
                None => std::future::pending().await,
            }
        },
    );
    Body::new(StreamBody::new(Box::pin(frames)))
}
