//! [`Group`], a started program and all that it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use blaxel_core::BoxFuture;
use tokio::sync::{Notify, watch};

use crate::lock::lock;
use crate::process::TerminalSize;

/// The signals that do nothing by default: `SIGCHLD`, `SIGCONT`, `SIGSTOP` and its relatives,
/// `SIGURG`, `SIGWINCH`.
const HARMLESS: &[i32] = &[17, 18, 19, 20, 21, 22, 23, 28];
const SIGKILL: i32 = 9;
const SIGWINCH: i32 = 28;
/// The number of programs and shells that a group may have at once.
const PROGRAMS: usize = 1024;
/// The number of jobs that a group may have at once.
const JOBS: usize = 512;

/// A process group: the shell that the server started, and what it runs.
pub(crate) struct Group {
    pid: u32,
    /// The text of the command.
    pub(crate) command: String,
    /// The signals that shells of the group handle, with the number of such shells.
    caught: Mutex<BTreeMap<i32, usize>>,
    ignored: Mutex<BTreeSet<i32>>,
    /// Counts the raised signals, and keeps the last one.
    raised: watch::Sender<(u64, i32)>,
    /// A signal that ends the group.
    fatal: watch::Sender<Option<i32>>,
    new_jobs: Mutex<Vec<BoxFuture<()>>>,
    has_new_jobs: Notify,
    jobs: Mutex<BTreeMap<u32, Arc<Job>>>,
    programs: Arc<()>,
    /// The size of the terminal, if the group has one.
    terminal: Mutex<Option<TerminalSize>>,
}

/// A place among the running programs of a group, until it is dropped.
#[derive(Clone)]
pub(crate) struct Slot {
    // The number of clones is the number of programs.
    _count: Arc<()>,
}

/// A program in the background.
pub(crate) struct Job {
    pub(crate) pid: u32,
    end: watch::Sender<Option<(i32, bool)>>,
    kill: watch::Sender<Option<i32>>,
}

/// The receiver of a job's status.
#[derive(Clone)]
pub(crate) struct JobEnd(watch::Receiver<Option<(i32, bool)>>);

/// Returns `true` if a signal does nothing to a program that does not handle it.
pub(crate) fn is_harmless(signal: i32) -> bool {
    HARMLESS.contains(&signal)
}

impl Group {
    pub(crate) fn new(pid: u32, command: String) -> Self {
        Self {
            pid,
            command,
            caught: Mutex::default(),
            ignored: Mutex::default(),
            raised: watch::Sender::new((0, 0)),
            fatal: watch::Sender::new(None),
            new_jobs: Mutex::default(),
            has_new_jobs: Notify::new(),
            jobs: Mutex::default(),
            programs: Arc::default(),
            terminal: Mutex::default(),
        }
    }

    /// Returns the size of the terminal, or `None` without a terminal.
    pub(crate) fn terminal(&self) -> Option<TerminalSize> {
        *lock(&self.terminal)
    }

    pub(crate) fn set_terminal(&self, size: Option<TerminalSize>) {
        *lock(&self.terminal) = size;
    }

    /// Changes the size of the terminal, and tells the group if it is another one.
    pub(crate) fn resize_terminal(&self, size: TerminalSize) {
        let before = lock(&self.terminal).replace(size);
        if before != Some(size) {
            self.signal(SIGWINCH);
        }
    }

    /// Takes a place for a program.
    pub(crate) fn slot(&self) -> Slot {
        Slot {
            _count: Arc::clone(&self.programs),
        }
    }

    /// Returns `true` if the group may not have more programs.
    pub(crate) fn is_full(&self) -> bool {
        Arc::strong_count(&self.programs) > PROGRAMS
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Delivers a signal to all processes of the group.
    pub(crate) fn signal(&self, signal: i32) {
        if signal != SIGKILL {
            if signal == 0 || lock(&self.ignored).contains(&signal) {
                return;
            }
            if lock(&self.caught).contains_key(&signal) {
                self.raised
                    .send_modify(|(count, last)| (*count, *last) = (*count + 1, signal));
                return;
            }
            if is_harmless(signal) {
                return;
            }
        }
        self.fatal.send_replace(Some(signal));
    }

    /// Returns the signal that ended the group once there is one.
    pub(crate) async fn killed(&self) -> i32 {
        let mut fatal = self.fatal.subscribe();
        let Ok(signal) = fatal.wait_for(Option::is_some).await else {
            return SIGKILL;
        };
        signal.unwrap_or(SIGKILL)
    }

    /// Returns a receiver of the signals that are handled.
    pub(crate) fn raised(&self) -> watch::Receiver<(u64, i32)> {
        self.raised.subscribe()
    }

    /// Declares how a shell of the group takes a signal.
    pub(crate) fn set_action(&self, signal: i32, is_caught: bool, is_ignored: bool) {
        let mut caught = lock(&self.caught);
        let mut ignored = lock(&self.ignored);
        ignored.remove(&signal);
        caught.remove(&signal);
        if is_ignored {
            ignored.insert(signal);
        } else if is_caught {
            caught.insert(signal, 1);
        }
    }

    /// Starts a job. Returns `None` if there are too many.
    pub(crate) fn start(
        &self,
        pid: u32,
        program: impl Future<Output = i32> + Send + 'static,
    ) -> Option<Arc<Job>> {
        let job = Arc::new(Job {
            pid,
            end: watch::Sender::new(None),
            kill: watch::Sender::new(None),
        });
        {
            let mut jobs = lock(&self.jobs);
            jobs.retain(|_, job| job.end.borrow().is_none());
            if jobs.len() >= JOBS {
                return None;
            }
            jobs.insert(pid, Arc::clone(&job));
        }
        let own = Arc::clone(&job);
        lock(&self.new_jobs).push(Box::pin(async move {
            let mut kill = own.kill.subscribe();
            let status = tokio::select! {
                status = program => (status, false),
                // The sender lives in the job.
                Ok(signal) = kill.wait_for(Option::is_some) => {
                    (128 + signal.unwrap_or(SIGKILL), true)
                }
            };
            own.end.send_replace(Some(status));
        }));
        self.has_new_jobs.notify_one();
        Some(job)
    }

    /// Returns the jobs that have been started since the last call.
    pub(crate) fn take_new_jobs(&self) -> Vec<BoxFuture<()>> {
        std::mem::take(&mut *lock(&self.new_jobs))
    }

    /// Waits until a job has been started.
    pub(crate) async fn job_started(&self) {
        self.has_new_jobs.notified().await;
    }

    /// Returns a running job.
    pub(crate) fn job(&self, pid: u32) -> Option<Arc<Job>> {
        let jobs = lock(&self.jobs);
        jobs.get(&pid)
            .filter(|job| job.end.borrow().is_none())
            .cloned()
    }

    /// Returns the ids of the running jobs.
    pub(crate) fn running_jobs(&self) -> Vec<u32> {
        let jobs = lock(&self.jobs);
        let running = jobs.values().filter(|job| job.end.borrow().is_none());
        running.map(|job| job.pid).collect()
    }
}

impl Job {
    /// Returns a receiver of the status.
    pub(crate) fn end(&self) -> JobEnd {
        JobEnd(self.end.subscribe())
    }

    /// Ends the job with a signal.
    pub(crate) fn signal(&self, signal: i32) {
        if signal != 0 && !is_harmless(signal) {
            self.kill.send_replace(Some(signal));
        }
    }
}

impl JobEnd {
    /// Waits for the status. The flag tells that a signal ended the job.
    pub(crate) async fn wait(&mut self) -> (i32, bool) {
        let Ok(end) = self.0.wait_for(Option::is_some).await else {
            return (128 + SIGKILL, true);
        };
        end.unwrap_or((0, false))
    }

    /// Returns `true` if the job has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.borrow().is_some()
    }
}
