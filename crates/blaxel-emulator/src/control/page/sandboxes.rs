//! Sandboxes, their processes and the live output of these.

use std::collections::VecDeque;

use axum::Extension;
use axum::extract::Query;
use axum::response::Response;
use blaxel_guest::{Output, Stream};
use http::StatusCode;
use serde::Deserialize;

use super::error::{problem, refusal};
use super::html::{Html, InLink, html};
use super::layout::{badge, page, time};
use super::resources::tone;
use crate::control::Of;
use crate::control::sandboxes::{Process, Shown, first, one, output};
use crate::engine::Engine;

/// The bytes of a process's output in the list.
const GLIMPSE: usize = 4 << 10;
/// The bytes of a process's output on its own page, before the script takes over.
const TAIL: usize = 64 << 10;
/// Maximum number of processes of a sandbox that are shown: of more, the newest ones.
const PROCESSES: usize = 20;
/// Maximum number of sandboxes that are shown.
const SANDBOXES: usize = 50;

pub(super) async fn list(Extension(engine): Of) -> Response {
    let sandboxes = first(&engine, SANDBOXES);
    let cards: Html = sandboxes
        .iter()
        .map(|sandbox| card(&engine, sandbox))
        .collect();
    let cards = match cards.is_empty() {
        true => html(
            "<p class=\"empty card\">No sandboxes yet. Create one with an SDK, or <a href=\"/_emulator/page/resources\">add one</a>.</p>",
            &[],
        ),
        false => cards,
    };
    let run = match sandboxes.is_empty() {
        true => Html::default(),
        false => run_form(&sandboxes),
    };
    let main = html(
        "<div id=\"run\" data-live>{}</div><div id=\"sandboxes\" data-live>{}</div>",
        &[&run, &cards],
    );
    page(&engine, "/sandboxes", "Sandboxes", &main)
}

fn run_form(sandboxes: &[Shown]) -> Html {
    let options: Html = sandboxes
        .iter()
        .map(|sandbox| html("<option>{}</option>", &[&sandbox.name]))
        .collect();
    html(
        "<form class=\"card fields\" method=\"post\" action=\"/_emulator/page/sandboxes/run\"><h2>Run a command</h2>\
         <label>Sandbox <select name=\"name\">{}</select></label>\
         <label class=\"grow\">Command <input name=\"command\" required autocomplete=\"off\" spellcheck=\"false\" class=\"code\" \
         placeholder=\"for i in 1 2 3; do echo $i; sleep 1; done\"></label>\
         <button class=\"primary\">Run</button>\
         <p class=\"quiet\">It is a call like that of any client: it is in the journal, and wakes the sandbox up.</p></form>",
        &[&options],
    )
}

fn card(engine: &Engine, sandbox: &Shown) -> Html {
    let state = sandbox.state.as_ref();
    let state = state.map(|state| badge(tone(state), &state.to_lowercase()));
    let facts = [
        ("Image", sandbox.image.clone()),
        ("Memory", sandbox.memory.map(|size| format!("{size} MB"))),
        ("Region", sandbox.region.clone()),
        ("Last used", sandbox.last_used_at.as_deref().map(time)),
    ];
    let facts: Html = facts
        .iter()
        .filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some(html("<div><dt>{}</dt><dd>{}</dd></div>", &[name, value]))
        })
        .collect();
    let newest = sandbox.processes.iter().rev().take(PROCESSES);
    let processes: Html = newest
        .map(|process| process_row(engine, &sandbox.name, process))
        .collect();
    let processes = match (processes.is_empty(), sandbox.has_machine) {
        (false, _) => processes,
        (true, true) => html("<p class=\"empty\">No processes.</p>", &[]),
        (true, false) => html(
            "<p class=\"empty\">Its machine starts with the first call.</p>",
            &[],
        ),
    };
    html(
        "<section class=\"card\"><div class=\"head\"><h2><a href=\"/_emulator/page/resource?collection=sandboxes&amp;name={}\">{}</a></h2>\
         <span>{} {}</span></div><dl class=\"facts\">{}</dl>{}</section>",
        &[
            &InLink(&sandbox.name),
            &sandbox.name,
            &badge(tone(&sandbox.status), &sandbox.status.to_lowercase()),
            &state,
            &facts,
            &processes,
        ],
    )
}

/// Returns a process of the list, with the end of its output.
fn process_row(engine: &Engine, sandbox: &str, process: &Process) -> Html {
    let open = match process.status {
        "running" => html(" open", &[]),
        _ => Html::default(),
    };
    let seen = output(engine, sandbox, process.pid).ok();
    let seen = seen.map(|(mut output, _)| tail(std::iter::from_fn(|| output.read()), GLIMPSE));
    let seen = match seen.unwrap_or_default() {
        text if text.is_empty() => html("<p class=\"empty\">No output.</p>", &[]),
        text => html(
            "<pre class=\"output\" tabindex=\"0\" role=\"region\" aria-label=\"Output\">{}</pre>",
            &[&text],
        ),
    };
    html(
        "<details class=\"process\" id=\"process-{}-{}\"{}><summary>{} <code>{}</code> <span class=\"quiet\">{}</span></summary>\
         <p class=\"quiet\">Process {}, started {}{} · <a href=\"/_emulator/page/process?sandbox={}&amp;pid={}\">live output</a></p>{}</details>",
        &[
            &sandbox,
            &process.pid,
            &open,
            &badge(tone(process.status), process.status),
            &process.command,
            &process.name,
            &process.pid,
            &time(&process.started_at),
            &exit(process),
            &InLink(sandbox),
            &process.pid,
            &seen,
        ],
    )
}

fn exit(process: &Process) -> Html {
    match (&process.completed_at, process.exit_code) {
        (Some(at), Some(code)) => html(", ended {} with exit code {}", &[&time(at), &code]),
        _ => Html::default(),
    }
}

/// Returns the end of an output, with standard error marked.
fn tail(all: impl Iterator<Item = Output>, limit: usize) -> Html {
    let mut kept = VecDeque::new();
    let mut size = 0;
    for output in all {
        size += output.bytes.len();
        kept.push_back(output);
        while size > limit
            && kept.len() > 1
            && let Some(first) = kept.pop_front()
        {
            size -= first.bytes.len();
        }
    }
    // Neighbors are joined first, since a character may be divided between them.
    let mut parts: Vec<(Stream, Vec<u8>)> = Vec::new();
    for output in kept {
        match parts.last_mut() {
            Some((stream, bytes)) if *stream == output.stream => bytes.extend(output.bytes),
            _ => parts.push((output.stream, output.bytes.to_vec())),
        }
    }
    let parts = parts.iter().map(|(stream, bytes)| {
        let text: &str = &String::from_utf8_lossy(bytes);
        match stream {
            Stream::Stdout => html("{}", &[&text]),
            Stream::Stderr => html("<span class=\"stderr\">{}</span>", &[&text]),
        }
    });
    parts.collect()
}

/// The process to show.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    sandbox: String,
    #[serde(default)]
    pid: u32,
}

pub(super) async fn process(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Response {
    let mut output = match output(&engine, &wanted.sandbox, wanted.pid) {
        Ok((output, _)) => output,
        Err(refused) => return problem(&engine, refused),
    };
    let sandbox = one(&engine, &wanted.sandbox);
    let process = sandbox.as_ref().and_then(|sandbox| {
        let mut processes = sandbox.processes.iter();
        processes.find(|process| process.pid == wanted.pid)
    });
    let Some(process) = process else {
        return refusal(&engine, StatusCode::NOT_FOUND, "The process is gone.");
    };
    let main = html(
        "<p class=\"lead\"><a href=\"/_emulator/page/sandboxes\">Sandboxes</a> / {}</p>\
         <section class=\"card\"><div id=\"process\" data-live><p>{} <code>{}</code></p>\
         <p class=\"quiet\">Process {}, started {}{}</p></div>\
         <pre class=\"output tall\" tabindex=\"0\" role=\"log\" aria-label=\"Output\" \
         data-output=\"/_emulator/sandboxes/{}/processes/{}/output\">{}</pre>\
         <p class=\"quiet\">Standard error is <span class=\"stderr\">marked</span>. Looking at it is no call, and keeps nothing awake.</p></section>",
        &[
            &wanted.sandbox,
            &badge(tone(process.status), process.status),
            &process.command,
            &process.pid,
            &time(&process.started_at),
            &exit(process),
            &InLink(&wanted.sandbox),
            &process.pid,
            &tail(std::iter::from_fn(|| output.read()), TAIL),
        ],
    );
    let title = format!("Output of {}", process.name);
    page(&engine, "/sandboxes", &title, &main)
}
