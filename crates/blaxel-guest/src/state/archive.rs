//! The export of the changed files, their restoration, and the state that they leave the sandbox in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::lock::lock;

/// The archive of a sandbox. Dropping it ends what is running.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    /// Shared with the task of an export or a restoration.
    pub(crate) shared: Arc<Mutex<ArchiveState>>,
    has_started: AtomicBool,
    task: Mutex<Option<AbortHandle>>,
}

impl Archive {
    /// Returns `true` for the first call.
    pub(crate) fn starts(&self) -> bool {
        !self.has_started.swap(true, Ordering::Relaxed)
    }

    /// Keeps the task of an export or a restoration, to end it with the server.
    pub(crate) fn keep(&self, task: AbortHandle) {
        *lock(&self.task) = Some(task);
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

/// The state of the sandbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArchiveState {
    pub(crate) phase: Quiescence,
    /// The time since which the sandbox is in this state; zero for its start.
    pub(crate) since: Duration,
    /// The reason of the state, if it is not what a client has asked for.
    pub(crate) reason: Option<String>,
    pub(crate) export: Option<Export>,
    pub(crate) restore: Option<Restore>,
    /// The number of processes that the last export stopped.
    pub(crate) stopped: usize,
    /// `true` while an export, a dry run or a restoration is in progress.
    pub(crate) is_busy: bool,
}

/// The state of the sandbox with regard to its archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quiescence {
    #[default]
    Active,
    /// An export is in progress.
    Quiescing,
    /// The sandbox refuses writes.
    Quiesced,
    /// An archive is being restored.
    Restoring,
}

/// The restoration of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Restore {
    pub(crate) phase: RestorePhase,
    pub(crate) started: Duration,
    pub(crate) finished: Option<Duration>,
    /// The size of the archive; 0 if it is not known.
    pub(crate) size: u64,
    pub(crate) downloaded: u64,
    pub(crate) restored: usize,
    pub(crate) deleted: usize,
    pub(crate) error: Option<String>,
}

/// The progress of a restoration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestorePhase {
    Downloading,
    Extracting,
    Relaunching,
    Succeeded,
    Failed,
}

impl Restore {
    pub(crate) fn new(started: Duration) -> Self {
        Self {
            phase: RestorePhase::Downloading,
            started,
            finished: None,
            size: 0,
            downloaded: 0,
            restored: 0,
            deleted: 0,
            error: None,
        }
    }
}

/// An export that is in progress or has ended.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) started: Duration,
    pub(crate) outcome: Option<Result<(), String>>,
    pub(crate) finished: Option<Duration>,
    pub(crate) size: u64,
    pub(crate) uploaded: u64,
}
