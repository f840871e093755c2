//! [`Saved`], what a machine gets from an earlier one before it is used.

use std::collections::VecDeque;
use std::sync::Mutex as SyncMutex;

use blaxel_guest::{FileError, SavedProcess, Server, Volume};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::tree;
use crate::lock::lock;

/// The files and processes of an earlier machine that the new one gets before it is used.
#[derive(Debug)]
pub(super) struct Saved {
    waiting: SyncMutex<Waiting>,
    /// The paths of the volumes, whose files are not those of the machine.
    mounts: Vec<String>,
    /// Held by the caller that prepares the machine, for which the others wait.
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    /// The files, if the machine's disk is not a volume, which would have them from the start.
    files: Option<Volume>,
    processes: VecDeque<SavedProcess>,
}

impl Saved {
    pub(super) fn new(
        files: Option<Volume>,
        processes: Vec<SavedProcess>,
        mounts: Vec<String>,
    ) -> Self {
        Self {
            waiting: SyncMutex::new(Waiting {
                files,
                processes: processes.into(),
            }),
            mounts,
            turn: Mutex::new(()),
        }
    }

    /// Returns the files that the machine does not have yet.
    pub(super) fn files(&self) -> Option<Volume> {
        lock(&self.waiting).files.as_ref().map(Volume::snapshot)
    }

    /// Returns the processes that are not started yet.
    pub(super) fn processes(&self) -> Vec<SavedProcess> {
        lock(&self.waiting).processes.iter().cloned().collect()
    }

    /// Writes the files, and starts the processes if they may run. One that cannot be started is left out.
    pub(super) async fn prepare(&self, server: &Server, may_run: bool) -> Result<(), FileError> {
        let _turn = self.turn.lock().await;
        let files = lock(&self.waiting).files.clone();
        if let Some(copy) = files {
            let (files, mounts) = (server.guest().files(), self.mounts.clone());
            // If this future is dropped here, the next caller writes them again.
            let loaded = spawn_blocking(move || tree::load(&copy, &*files, &mounts)).await;
            loaded.unwrap_or(Ok(()))?;
            lock(&self.waiting).files = None;
        }
        while may_run {
            let Some(first) = lock(&self.waiting).processes.front().cloned() else {
                break;
            };
            // If this future is dropped here, the next caller finds the process running.
            server.start_again(&first).await;
            lock(&self.waiting).processes.pop_front();
        }
        Ok(())
    }

    /// Copies the files of the machine, on a thread for blocking work.
    pub(super) async fn copy(&self, server: &Server) -> Result<Option<Volume>, FileError> {
        let (files, mounts) = (server.guest().files(), self.mounts.clone());
        let save = move || tree::save(&*files, &mounts).map(Some);
        match Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(save).await.unwrap_or(Ok(None)),
            Err(_) => save(),
        }
    }
}
