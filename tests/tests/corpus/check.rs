//! Reads each response as a whole and in parts, and reports all differences at once.

use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use blaxel_core::BoxService;
use futures_util::FutureExt;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::case::Case;
use crate::outcome::DISPLAY;
use crate::wire::{Chunks, Remote, service};

/// The time after which a call counts as one that never ends. In most tests the clock is paused, so nobody
/// waits for it.
const LIMIT: Duration = Duration::from_secs(3600);

/// The outcomes that are accepted if a response is cut off.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// An error, or the outcome of the whole.
    Complete,
    /// An error, or the first items of the whole, of which the last one may be cut off too.
    Prefix,
    /// An error with the status of the response.
    Status,
    /// The response is not cut.
    Never,
}

/// Checks that each case is read as its file says.
pub(crate) fn check(
    cases: &[Case],
    cut: Cut,
    read: impl AsyncFn(BoxService, &Case) -> Value + Sync,
) {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let paused = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        let paused = paused.unwrap();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let problems = problems(case, cut, &paused, &read);
            let problems = problems
                .into_iter()
                .map(|problem| (case.name.clone(), problem));
            found.lock().unwrap().extend(problems);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    report(cases.len(), found.into_inner().unwrap());
}

/// Fails with a list of all problems, unless there are none.
pub(crate) fn report(cases: usize, mut problems: Vec<(String, String)>) {
    problems.sort();
    let mut list = String::new();
    let mut names = Vec::new();
    for (name, problem) in &problems {
        if names.last() != Some(&name) {
            names.push(name);
            writeln!(list, "\n{name}").unwrap();
        }
        writeln!(list, "    {problem}").unwrap();
    }
    assert!(
        problems.is_empty(),
        "{} of {cases} cases are not read as their files say:\n{list}",
        names.len()
    );
}

fn problems(
    case: &Case,
    cut: Cut,
    paused: &Runtime,
    read: &impl AsyncFn(BoxService, &Case) -> Value,
) -> Vec<String> {
    if case.head.header("content-encoding").is_some() {
        // With sockets the clock must run.
        let running = Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = running.block_on(async {
            let remote = Remote::start(case).await;
            outcome(read(remote.service.clone(), case)).await
        });
        return differences(&case.expected, &outcome);
    }
    let run = |body: bytes::Bytes, chunks| {
        let service = service(&case.head, body, chunks);
        paused.block_on(outcome(read(service, case)))
    };
    let whole = run(case.body.clone(), Chunks::Whole);
    let mut found = differences(&case.expected, &whole);
    let single = run(case.body.clone(), Chunks::Single);
    if single != whole {
        found.push(format!("byte by byte: wanted {whole}, got {single}"));
    }
    if cut == Cut::Never {
        return found;
    }
    let wrong = |at: &usize| {
        let part = run(case.body.slice(..*at), Chunks::Whole);
        let problem = match cut {
            Cut::Status => (part["error"].is_null()
                || part["error"]["status"] != whole["error"]["status"])
                .then_some("wanted an error with the status"),
            Cut::Prefix => (!is_prefix(&part, &whole)).then_some("wanted an error or a part"),
            Cut::Complete | Cut::Never => {
                (part != whole && !is_honest(&part, &whole)).then_some("wanted an error")
            }
        };
        let problem = problem.or_else(|| unsafe_text(&part).then_some("wanted safe text"));
        problem.map(|problem| {
            let end = case.body[..*at].escape_ascii().to_string();
            let end = &end[end.len().saturating_sub(30)..];
            format!("cut at {at} after `{end}`: {problem}, got {part}")
        })
    };
    let cuts: Vec<String> = (0..case.body.len()).filter_map(|at| wrong(&at)).collect();
    if let Some(first) = cuts.first() {
        found.push(format!("{first} (and at {} other places)", cuts.len() - 1));
    }
    found
}

/// Waits for an outcome. A panic and a call that never ends are outcomes too.
async fn outcome(call: impl Future<Output = Value>) -> Value {
    let call = AssertUnwindSafe(tokio::time::timeout(LIMIT, call)).catch_unwind();
    match call.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => "the call never ends".into(),
        Err(_) => "the call panics".into(),
    }
}

/// Returns `true` for an error, with a part of the text at most.
fn is_honest(part: &Value, whole: &Value) -> bool {
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let all = match &whole["before"] {
        Value::Null => text(&whole["answer"]["text"]),
        before => text(before),
    };
    part["error"].is_object() && all.starts_with(&text(&part["before"]))
}

/// Returns `true` if a stream has the first items of another one, of which the last one may be cut off.
fn is_prefix(part: &Value, whole: &Value) -> bool {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let list = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
    let (items, all) = (list(part, "items"), list(whole, "items"));
    let same = items
        .iter()
        .zip(&all)
        .take_while(|(one, other)| one == other)
        .count();
    let last_is_cut = || match (items.last(), all.get(same)) {
        (Some(Value::String(one)), Some(Value::String(other))) => other.starts_with(one.as_str()),
        (Some(one), Some(other)) => {
            let starts = |name| text(other, name).starts_with(&text(one, name));
            starts("data") && (starts("event") || one["event"] == "message")
        }
        _ => false,
    };
    let items_fit = same == items.len() || (same + 1 == items.len() && last_is_cut());
    // The part before the fault of a text that is faulty.
    let text_fits = text(whole, "text").starts_with(&text(part, "text")) || whole["text"].is_null();
    let bytes_fit = list(whole, "bytes").starts_with(&list(part, "bytes"));
    part.is_object() && items_fit && text_fits && bytes_fit
}

/// Returns what an outcome lacks of an expectation. Members that are not expected may have any value.
pub(crate) fn differences(expected: &Value, outcome: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if !outcome.is_object() {
        found.push(format!("{outcome}"));
    }
    if unsafe_text(outcome) {
        found.push(format!("control characters in {outcome}"));
    }
    compare("", expected, outcome, &mut found);
    found
}

fn compare(path: &str, expected: &Value, outcome: &Value, found: &mut Vec<String>) {
    match (expected, outcome) {
        (Value::Object(members), Value::Object(_)) => {
            let display = outcome[DISPLAY].as_str().unwrap_or_default();
            for (name, value) in members {
                match name.as_str() {
                    // About the case, and not about its outcome.
                    "about" | "read" | "call" | "dialect" | "set" | "any" if path.is_empty() => {}
                    "says" | "hides" if outcome.get(DISPLAY).is_some() => {
                        let texts = value.as_array().into_iter().flatten();
                        let texts = texts.filter_map(Value::as_str);
                        for text in texts.filter(|text| display.contains(text) != (name == "says"))
                        {
                            found.push(format!("{path}.{name}: `{text}`, got `{display}`"));
                        }
                    }
                    // Without this member, only the others say what happened.
                    _ if path.is_empty() && outcome[name].is_null() && !value.is_null() => {
                        found.push(format!("wanted {name} {value}, got {outcome}"));
                    }
                    _ => compare(&format!("{path}.{name}"), value, &outcome[name], found),
                }
            }
        }
        (Value::Array(all), Value::Array(others)) if all.len() == others.len() => {
            for (at, (one, other)) in all.iter().zip(others).enumerate() {
                compare(&format!("{path}[{at}]"), one, other, found);
            }
        }
        _ if expected == outcome => {}
        _ => found.push(format!("{path}: wanted {expected}, got {outcome}")),
    }
}

/// Returns `true` if the text of an error could harm a terminal or a log of lines.
fn unsafe_text(outcome: &Value) -> bool {
    let harms = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    match outcome {
        Value::Object(members) => members.iter().any(|(name, value)| match value {
            Value::String(text) if name == DISPLAY => text.contains(harms),
            other => unsafe_text(other),
        }),
        _ => false,
    }
}
