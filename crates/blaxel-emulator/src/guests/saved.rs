//! [`Saved`], the processes of an earlier machine that the new one starts again.

use std::collections::VecDeque;
use std::sync::Mutex as SyncMutex;

use blaxel_guest::{SavedProcess, Server};
use tokio::sync::Mutex;

use crate::lock::lock;

/// The processes of an earlier machine that the new one starts before it is used.
#[derive(Debug)]
pub(super) struct Saved {
    waiting: SyncMutex<VecDeque<SavedProcess>>,
    /// Held by the caller that prepares the machine, for which the others wait.
    turn: Mutex<()>,
}

impl Saved {
    pub(super) fn new(processes: Vec<SavedProcess>) -> Self {
        Self {
            waiting: SyncMutex::new(processes.into()),
            turn: Mutex::new(()),
        }
    }

    /// Returns the processes that are not started yet.
    pub(super) fn processes(&self) -> Vec<SavedProcess> {
        lock(&self.waiting).iter().cloned().collect()
    }

    /// Starts the processes. One that cannot be started is left out.
    pub(super) async fn start(&self, server: &Server) {
        // Each call comes here. One that is being started is still in the list, so the others wait for it.
        if lock(&self.waiting).is_empty() {
            return;
        }
        let _turn = self.turn.lock().await;
        loop {
            let Some(first) = lock(&self.waiting).front().cloned() else {
                return;
            };
            // If this future is dropped here, the next caller finds the process running.
            server.start_again(&first).await;
            lock(&self.waiting).pop_front();
        }
    }
}
