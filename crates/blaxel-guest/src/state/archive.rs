//! The export of the changed files, and the state that it leaves the sandbox in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::lock::lock;

/// The archive of a sandbox. Dropping it ends a running export.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    /// Shared with the task of a running export.
    pub(crate) shared: Arc<Mutex<ArchiveState>>,
    task: Mutex<Option<AbortHandle>>,
}

impl Archive {
    /// Keeps the task of an export, to end it with the server.
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
    pub(crate) export: Option<Export>,
    /// The number of processes that the last export stopped.
    pub(crate) stopped: usize,
    /// `true` while an export or a dry run is in progress.
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
