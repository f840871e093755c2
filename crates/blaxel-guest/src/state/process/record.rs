//! [`Record`], a process that the server started.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc, watch};

use super::history::History;
use crate::lock::lock;
use crate::process::{Control, ExitStatus};
use crate::version::ServerVersion;

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// A process: what was asked for, and what became of it.
pub(crate) struct Record {
    /// The process id of the first start. It stays the same when the process is restarted.
    pub(crate) pid: u32,
    pub(crate) order: Order,
    pub(crate) history: History,
    /// Held while standard input is written, so that bodies are not mixed.
    pub(crate) stdin_turn: Semaphore,
    run: Mutex<Run>,
    phase: watch::Sender<Phase>,
}

/// A process that a client asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) command: String,
    /// As the client gave it; may be empty or relative.
    #[serde(default)]
    pub(crate) working_dir: String,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) restarts: Restarts,
    #[serde(default)]
    pub(crate) keep_alive: bool,
    /// The time after which a process that is kept alive is killed. Zero stands for none.
    #[serde(default)]
    pub(crate) timeout: Duration,
    #[serde(default)]
    pub(crate) has_stdin: bool,
    /// The version of the server that started it.
    #[serde(default)]
    pub(crate) version: ServerVersion,
}

impl Order {
    /// Returns the order of a command without settings.
    pub(crate) fn new(name: String, command: String, version: ServerVersion) -> Self {
        Self {
            name,
            command,
            working_dir: String::new(),
            env: BTreeMap::new(),
            restarts: Restarts::default(),
            keep_alive: false,
            timeout: Duration::ZERO,
            has_stdin: false,
            version,
        }
    }
}

/// The restarts of a process that fails.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Restarts {
    pub(crate) on_failure: bool,
    /// The maximum number; a negative one stands for no limit.
    pub(crate) max: i64,
}

/// The part of a record that changes.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) status: Status,
    pub(crate) started: Duration,
    pub(crate) completed: Option<Duration>,
    pub(crate) exit_code: i32,
    pub(crate) restarts: i64,
    pub(crate) keep_alive: bool,
    /// The process id of the current start.
    pub(crate) guest_pid: u32,
    stdin: Option<mpsc::Sender<Bytes>>,
    /// `None` if nothing of the process is left.
    control: Option<mpsc::Sender<Control>>,
}

/// The status of a process in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Completed,
    Failed,
    Stopped,
    Killed,
}

/// The progress of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Phase {
    /// The number of starts that have ended.
    pub(crate) ended: u64,
    /// `true` if it runs, or is about to be restarted by the current server.
    pub(crate) is_running: bool,
    /// `true` if it has ended for good.
    pub(crate) is_over: bool,
}

/// The channels of a started process.
pub(crate) struct Channels {
    pub(crate) guest_pid: u32,
    pub(crate) stdin: Option<mpsc::Sender<Bytes>>,
    pub(crate) control: mpsc::Sender<Control>,
}

/// A reason why a process cannot be signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalError {
    NotRunning,
    NoProcess,
}

/// A reason why standard input cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StdinError {
    Closed,
    Full,
}

impl Status {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
        }
    }
}

impl Record {
    pub(crate) fn new(pid: u32, order: Order, channels: Channels, now: Duration) -> Self {
        let run = Run {
            status: Status::Running,
            started: now,
            completed: None,
            exit_code: 0,
            restarts: 0,
            keep_alive: order.keep_alive,
            guest_pid: channels.guest_pid,
            stdin: channels.stdin,
            control: Some(channels.control),
        };
        let phase = Phase {
            is_running: true,
            ..Phase::default()
        };
        Self {
            pid,
            order,
            history: History::new(),
            stdin_turn: Semaphore::new(1),
            run: Mutex::new(run),
            phase: watch::Sender::new(phase),
        }
    }

    /// Returns a copy of the part that changes.
    pub(crate) fn run(&self) -> Run {
        lock(&self.run).clone()
    }

    /// Returns the time of the last start.
    pub(crate) fn started(&self) -> Duration {
        lock(&self.run).started
    }

    /// Returns a receiver of the progress.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Returns `true` if no other process may have its name.
    pub(crate) fn is_running(&self) -> bool {
        lock(&self.run).status == Status::Running
    }

    /// Waits until the process has ended for good.
    pub(crate) async fn wait(&self) {
        let mut phase = self.phase();
        // The sender lives in `self`, so this is never an error.
        let _ = phase.wait_for(|phase| phase.is_over).await;
    }

    /// Asks the process to end.
    pub(crate) async fn stop(&self) -> Result<(), SignalError> {
        if !self.is_running() {
            return Err(SignalError::NotRunning);
        }
        self.signal(
            SIGTERM,
            Status::Stopped,
            "\n[Process is being gracefully terminated]\n",
        )
        .await
    }

    /// Ends the process, or what it left in the background.
    pub(crate) async fn kill(&self) -> Result<(), SignalError> {
        self.signal(
            SIGKILL,
            Status::Killed,
            "\n[Process is being forcefully killed]\n",
        )
        .await
    }

    async fn signal(
        &self,
        signal: i32,
        status: Status,
        notice: &'static str,
    ) -> Result<(), SignalError> {
        let control = lock(&self.run).control.clone();
        let control = control.ok_or(SignalError::NoProcess)?;
        let permit = control.reserve().await;
        let permit = permit.map_err(|_| SignalError::NoProcess)?;
        self.history.push_notice(notice);
        {
            let mut run = lock(&self.run);
            run.status = status;
            run.keep_alive = false;
        }
        permit.send(Control::Signal(signal));
        Ok(())
    }

    /// Writes one chunk to standard input.
    pub(crate) async fn write_stdin(&self, chunk: Bytes) -> Result<(), StdinError> {
        let stdin = lock(&self.run).stdin.clone();
        let stdin = stdin.ok_or(StdinError::Closed)?;
        stdin.send(chunk).await.map_err(|_| StdinError::Closed)
    }

    /// Returns `true` if standard input can be written.
    pub(crate) fn has_open_stdin(&self) -> bool {
        let run = lock(&self.run);
        run.stdin.as_ref().is_some_and(|stdin| !stdin.is_closed())
    }

    /// Ends standard input.
    pub(crate) fn close_stdin(&self) {
        lock(&self.run).stdin = None;
    }

    /// Records the end of a start. Returns the announcement of a restart if there is to be one.
    pub(super) fn ended(&self, exit: ExitStatus, now: Duration) -> Option<String> {
        let notice = {
            let mut run = lock(&self.run);
            run.completed = Some(now);
            run.stdin = None;
            run.exit_code = match exit {
                ExitStatus::Code(code) => code,
                ExitStatus::Signal(_) => -1,
            };
            if exit == ExitStatus::Code(0) {
                run.status = Status::Completed;
            } else if run.status == Status::Running {
                run.status = Status::Failed;
            }
            let Restarts { on_failure, max } = self.order.restarts;
            let restarts =
                on_failure && run.status == Status::Failed && (max < 0 || run.restarts < max);
            restarts.then(|| {
                run.restarts += 1;
                let limit = match max {
                    ..0 => "unlimited".to_owned(),
                    max => max.to_string(),
                };
                format!(
                    "\n[Process failed with exit code {}. Attempting restart {}/{limit}...]\n",
                    run.exit_code, run.restarts
                )
            })
        };
        if let Some(notice) = &notice {
            self.history.push_restart(notice.clone());
        }
        self.phase.send_modify(|phase| {
            phase.ended += 1;
            phase.is_running = false;
            phase.is_over = notice.is_none();
        });
        notice
    }

    /// Records a restart.
    pub(super) fn restarted(&self, channels: Channels, now: Duration) {
        {
            let mut run = lock(&self.run);
            run.status = Status::Running;
            run.started = now;
            run.completed = None;
            run.exit_code = 0;
            run.guest_pid = channels.guest_pid;
            run.stdin = channels.stdin;
            run.control = Some(channels.control);
        }
        self.phase.send_modify(|phase| phase.is_running = true);
    }

    /// Records that nothing of the process is left. The channels would be the larger part of the
    /// memory of a process that has ended.
    pub(super) fn vanished(&self) {
        let mut run = lock(&self.run);
        (run.stdin, run.control) = (None, None);
    }

    /// Records that a restart was not possible.
    pub(super) fn restart_failed(&self, reason: &str) {
        self.history
            .push_restart(format!("\n[Failed to restart process: {reason}]\n"));
        self.phase.send_modify(|phase| phase.is_over = true);
    }
}
