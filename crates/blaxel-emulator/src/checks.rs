//! Checks of the journal that tests make of their programs.

use std::fmt::Write as _;
use std::time::Duration;

use crate::connections::Connection;
use crate::engine::Engine;
use crate::fault::UnknownOperation;
use crate::journal::Entry;
use crate::router::check_operation;

/// Maximum number of calls in a message.
const SHOWN: usize = 20;

/// The reason why a check does not hold, with the calls concerned.
pub(crate) type Failed = String;

/// Returns an error unless an operation took place so many times.
pub(crate) fn times(
    engine: &Engine,
    operation: &str,
    expected: u64,
) -> Result<Result<(), Failed>, UnknownOperation> {
    check_operation(operation)?;
    let counts = engine.journal.counts();
    let count = counts.get(operation).copied().unwrap_or_default();
    if count.processed == expected {
        return Ok(Ok(()));
    }
    let entries = engine.journal.entries();
    let own = |entry: &&Entry| entry.operation.as_deref() == Some(operation);
    let mut message = format!(
        "expected {operation} to take place {}, but it took place {}, in {} requests",
        amount(expected),
        amount(count.processed),
        count.requests
    );
    let calls: Vec<_> = entries.iter().filter(own).map(Entry::line).collect();
    if calls.is_empty() && count.requests == 0 {
        let known: Vec<_> = counts.into_keys().collect();
        match known.is_empty() {
            true => message.push_str("; no request was received at all"),
            false => {
                let _ = write!(message, "; the requests were of {}", known.join(", "));
            }
        }
    }
    list(&mut message, &calls);
    Ok(Err(message))
}

fn amount(times: u64) -> String {
    match times {
        0 => "not at all".to_owned(),
        1 => "once".to_owned(),
        times => format!("{times} times"),
    }
}

/// Returns an error if the address of a request had a secret.
pub(crate) fn no_secret_in_url(engine: &Engine) -> Result<(), Failed> {
    let entries = engine.journal.entries();
    let leaked = entries.iter().filter_map(|entry| {
        let place = entry.secret_in_url.as_ref()?;
        Some(format!("{}: a secret in {place}", entry.line()))
    });
    let leaked: Vec<_> = leaked.collect();
    if leaked.is_empty() {
        return Ok(());
    }
    let mut message = format!(
        "expected no secret in the address of a request, but {} of {} requests had one; servers and \
         proxies log addresses, so send it in a header",
        leaked.len(),
        entries.len()
    );
    list(&mut message, &leaked);
    Err(message)
}

/// Returns an error if connections are open after some time, besides one.
pub(crate) async fn no_open_connections(
    engine: &Engine,
    within: Duration,
    without: Option<&Connection>,
) -> Result<(), Failed> {
    let mut ends = engine.connections.ends();
    let all_end = async {
        loop {
            ends.borrow_and_update();
            if engine.connections.open(without).is_empty() {
                return;
            }
            // The sender lives in the engine, so this is never an error.
            let _ = ends.changed().await;
        }
    };
    if tokio::time::timeout(within, all_end).await.is_ok() {
        return Ok(());
    }
    let open = engine.connections.open(without);
    let lines: Vec<_> = open.iter().map(|connection| connection.line()).collect();
    let mut message = format!(
        "expected no open connection after {within:?}, but {} are open; drop the clients, whose pools keep \
         idle connections, and the bodies of responses",
        open.len()
    );
    list(&mut message, &lines);
    let entries = engine.journal.entries();
    let running = entries.iter().filter(|entry| entry.end.is_none());
    let running: Vec<_> = running.map(Entry::line).collect();
    if !running.is_empty() {
        message.push_str("\ncalls that have not ended:");
        list(&mut message, &running);
    }
    Err(message)
}

/// Adds lines to a message: the last ones, if they are many.
fn list(message: &mut String, lines: &[String]) {
    let left_out = lines.len().saturating_sub(SHOWN);
    if left_out > 0 {
        let _ = write!(message, "\n  ({left_out} earlier ones are not shown)");
    }
    for line in lines.iter().skip(left_out) {
        let _ = write!(message, "\n  {line}");
    }
}
