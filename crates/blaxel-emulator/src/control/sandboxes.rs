//! Sandboxes as their owner sees them: looking at one is not a call, and wakes nothing up.

use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use blaxel_guest::{Output, ProcessInfo, ProcessOutput, Stream};
use futures_util::stream::unfold;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Of;
use super::answer::Refused;
use super::event_stream::{push, response};
use crate::clock::timestamp;
use crate::engine::Engine;
use crate::guests::wait_for_end;
use crate::state::{Collection, Document, OpenStore, Record, SANDBOXES, member};

/// The output that is sent at once.
const CHUNK: usize = 64 << 10;

pub(super) fn routes() -> Router {
    Router::new()
        .route("/sandboxes", get(list))
        .route("/sandboxes/{name}/processes/{pid}/output", get(follow))
}

/// A sandbox and what runs in it.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) status: String,
    /// `RUNNING` or `STANDBY`; `null` while it is archived.
    pub(super) state: Option<String>,
    pub(super) image: Option<String>,
    /// In megabytes.
    pub(super) memory: Option<u64>,
    pub(super) region: Option<String>,
    pub(super) last_used_at: Option<String>,
    /// `true` if its machine has started, which happens with its first call.
    pub(super) has_machine: bool,
    pub(super) processes: Vec<Process>,
}

/// A process of a sandbox.
#[derive(Serialize)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) status: &'static str,
    pub(super) started_at: String,
    pub(super) completed_at: Option<String>,
    pub(super) exit_code: Option<i32>,
}

impl Process {
    fn of(process: ProcessInfo) -> Self {
        let time = |time| timestamp(time).as_str().to_owned();
        Self {
            pid: process.pid,
            name: process.name,
            command: process.command,
            status: process.status,
            started_at: time(process.started),
            completed_at: process.completed.map(time),
            exit_code: process.exit_code,
        }
    }
}

/// Returns all sandboxes, ordered by name.
pub(super) fn all(engine: &Engine) -> Vec<Shown> {
    first(engine, usize::MAX)
}

/// Returns the first sandboxes by name, at most `limit`.
pub(super) fn first(engine: &Engine, limit: usize) -> Vec<Shown> {
    let store = engine.store.open();
    let sandboxes = Collection::top(&SANDBOXES);
    let shown = store.all(&sandboxes).take(limit);
    shown
        .map(|record| shown_of(engine, &store, &sandboxes, record))
        .collect()
}

/// Returns one sandbox.
pub(super) fn one(engine: &Engine, name: &str) -> Option<Shown> {
    let store = engine.store.open();
    let sandboxes = Collection::top(&SANDBOXES);
    let record = store.get(&sandboxes, name)?;
    Some(shown_of(engine, &store, &sandboxes, record))
}

fn shown_of(engine: &Engine, store: &OpenStore, sandboxes: &Collection, record: &Record) -> Shown {
    let document = store.shown(sandboxes, record).into_document();
    let machine = engine.guests.running(store, &record.name);
    let processes = machine.as_ref().map(|(server, _)| server.processes());
    Shown::of(&record.name, &document, processes)
}

/// Returns the number of sandboxes, and of the processes that run in them.
pub(super) fn count(engine: &Engine) -> (usize, usize) {
    let store = engine.store.open();
    let mut count = (0, 0);
    for record in store.all(&Collection::top(&SANDBOXES)) {
        count.0 += 1;
        let machine = engine.guests.running(&store, &record.name);
        let processes = machine.map(|(server, _)| server.processes());
        let processes = processes.unwrap_or_default().into_iter();
        count.1 += processes
            .filter(|process| process.status == "running")
            .count();
    }
    count
}

impl Shown {
    fn of(name: &str, document: &Document, processes: Option<Vec<ProcessInfo>>) -> Self {
        let text = |path| member::text(document, path).map(str::to_owned);
        Self {
            name: name.to_owned(),
            status: text("status").unwrap_or_default(),
            state: text("state"),
            image: text("spec/runtime/image"),
            memory: member::get(document, "spec/runtime/memory").and_then(Value::as_u64),
            region: text("spec/region"),
            last_used_at: text("lastUsedAt"),
            has_machine: processes.is_some(),
            processes: processes
                .unwrap_or_default()
                .into_iter()
                .map(Process::of)
                .collect(),
        }
    }
}

/// Returns the output of a process of a running machine, and a receiver that is closed when the machine ends.
pub(super) fn output(
    engine: &Engine,
    sandbox: &str,
    pid: u32,
) -> Result<(ProcessOutput, watch::Receiver<()>), Refused> {
    let machine = engine.guests.running(&engine.store.open(), sandbox);
    let (server, ended) = machine.ok_or_else(|| {
        Refused::new(
            StatusCode::NOT_FOUND,
            format!("no machine of a sandbox {sandbox:?} runs"),
        )
    })?;
    let output = server.process_output(pid).ok_or_else(|| {
        Refused::new(
            StatusCode::NOT_FOUND,
            format!("the sandbox {sandbox:?} has no process {pid}"),
        )
    })?;
    Ok((output, ended))
}

async fn list(Extension(engine): Of) -> Json<Value> {
    Json(json!({"sandboxes": all(&engine)}))
}

async fn follow(
    Extension(engine): Of,
    Path((sandbox, pid)): Path<(String, u32)>,
) -> Result<Response, Refused> {
    let (output, ended) = output(&engine, &sandbox, pid)?;
    let follow = Follow {
        output,
        ended,
        rest: [Vec::new(), Vec::new()],
        is_over: false,
    };
    Ok(response(unfold(follow, |mut follow| async move {
        let events = follow.next().await?;
        Some((events, follow))
    })))
}

/// The output of a process as events.
struct Follow {
    output: ProcessOutput,
    ended: watch::Receiver<()>,
    /// The beginnings of characters whose rest was not written yet, of standard output and standard error.
    rest: [Vec<u8>; 2],
    is_over: bool,
}

impl Follow {
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        let mut events = String::new();
        let mut next = tokio::select! {
            biased;
            output = self.output.wait() => output,
            () = wait_for_end(self.ended.clone()) => None,
        };
        self.is_over = next.is_none();
        while let Some(output) = next {
            self.write(&output, &mut events);
            next = match events.len() < CHUNK {
                true => self.output.read(),
                false => None,
            };
        }
        if self.is_over {
            push(&mut events, "end", None, &json!({}));
        }
        Some(events)
    }

    fn write(&mut self, output: &Output, events: &mut String) {
        let (name, rest) = match output.stream {
            Stream::Stdout => ("stdout", &mut self.rest[0]),
            Stream::Stderr => ("stderr", &mut self.rest[1]),
        };
        let text = decode(rest, &output.bytes);
        if !text.is_empty() {
            push(events, name, None, &json!({"text": text}));
        }
    }
}

/// Returns the text of a stream that arrives in parts. A character that is not whole at the end is kept in `rest`.
fn decode(rest: &mut Vec<u8>, bytes: &[u8]) -> String {
    rest.extend_from_slice(bytes);
    let whole = match std::str::from_utf8(rest) {
        // Without a length the error is an end that may still become a character.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => rest.len(),
    };
    let kept = rest.split_off(whole);
    let decoded = std::mem::replace(rest, kept);
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_arrive_in_parts_stay_whole() {
        let mut rest = Vec::new();
        let text: String = "h\u{e9}\u{1f600}!"
            .as_bytes()
            .iter()
            .map(|byte| decode(&mut rest, &[*byte]))
            .collect();
        assert_eq!(text, "h\u{e9}\u{1f600}!");
        assert!(rest.is_empty());
        assert_eq!(decode(&mut rest, b"a\xffb"), "a\u{fffd}b");
    }
}
