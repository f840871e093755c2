//! A process in JSON.

use std::time::{Duration, UNIX_EPOCH};

use httpdate::fmt_http_date;
use serde::Serialize;

use crate::process::Stream;
use crate::state::{Record, Run};
use crate::version::ServerVersion;

/// The bytes of a stream in the view of a process: 64 KiB.
const VIEW_LIMIT: usize = 64 << 10;
/// The bytes of a stream in a response that is about its output: 4 MiB.
const LOGS_LIMIT: usize = 4 << 20;

/// A process as the API shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::router) struct View {
    pub(in crate::router) pid: String,
    pub(in crate::router) name: String,
    command: String,
    pub(in crate::router) status: &'static str,
    started_at: String,
    completed_at: Option<String>,
    pub(in crate::router) exit_code: i32,
    working_dir: String,
    pub(in crate::router) logs: Option<String>,
    stdout: String,
    stderr: String,
    restart_on_failure: bool,
    max_restarts: i64,
    restart_count: i64,
    keep_alive: bool,
    /// The server of August does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdin: Option<bool>,
}

/// The output of a process.
#[derive(Serialize)]
pub(in crate::router) struct Logs {
    stdout: String,
    stderr: String,
    pub(in crate::router) logs: String,
}

impl Logs {
    /// Reads the output for `GET /process/{identifier}/logs`.
    pub(super) fn of(record: &Record) -> Self {
        Self::tail(record, LOGS_LIMIT)
    }

    fn tail(record: &Record, limit: usize) -> Self {
        let stdout = record.history.tail(Stream::Stdout, limit);
        let stderr = record.history.tail(Stream::Stderr, limit);
        let logs = format!("{stdout}{stderr}");
        Self {
            stdout,
            stderr,
            logs,
        }
    }
}

impl View {
    /// Returns the view for `GET /process/{identifier}`.
    pub(super) fn single(record: &Record) -> Self {
        Self::with(record, Logs::tail(record, VIEW_LIMIT), true)
    }

    /// Returns the view for `GET /process`.
    pub(super) fn listed(record: &Record) -> Self {
        Self::with(record, Logs::tail(record, VIEW_LIMIT), false)
    }

    /// Returns the view for a request that waited for the end.
    pub(in crate::router) fn completed(record: &Record) -> Self {
        Self::with(record, Logs::of(record), true)
    }

    /// Returns the view for a request that did not wait.
    pub(in crate::router) fn started(record: &Record) -> Self {
        let is_empty = record.history.is_empty();
        let mut view = Self::single(record);
        if is_empty {
            view.logs = None;
        }
        view
    }

    fn with(record: &Record, logs: Logs, is_single: bool) -> Self {
        let run: Run = record.run();
        let order = &record.order;
        let completed_at = match run.completed {
            Some(completed) => Some(date(completed)),
            None => is_single.then(String::new),
        };
        Self {
            pid: record.pid.to_string(),
            name: order.name.clone(),
            command: order.command.clone(),
            status: run.status.text(),
            started_at: date(run.started),
            completed_at,
            exit_code: run.exit_code,
            working_dir: order.working_dir.clone(),
            logs: Some(logs.logs),
            stdout: logs.stdout,
            stderr: logs.stderr,
            restart_on_failure: order.restarts.on_failure,
            max_restarts: order.restarts.max,
            restart_count: run.restarts,
            keep_alive: run.keep_alive,
            stdin: (order.version >= ServerVersion::Current).then_some(order.has_stdin),
        }
    }
}

/// Returns a time in the format of the API, such as `Wed, 01 Jan 2025 12:00:00 GMT`.
fn date(since_epoch: Duration) -> String {
    // The library cannot print years after 9999.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    UNIX_EPOCH
        .checked_add(since_epoch.min(LAST))
        .map(fmt_http_date)
        .unwrap_or_default()
}
