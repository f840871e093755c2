//! [`SavedProcess`], a process that another machine can start again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Server;
use crate::state::Order;

/// A process of a sandbox as it was asked for, to be started again on another machine. Its memory is not part of it.
///
/// ```
/// use blaxel_guest::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (old, new) = (Server::simulated().build(), Server::simulated().build());
/// for process in old.running_processes() {
///     assert!(new.start_again(&process).await);
/// }
/// # }
/// ```
///
/// As a document, `name` and `command` are required. The environment is in it, with its secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedProcess(Order);

impl Server {
    /// Returns the processes that run now, in the order in which they were started.
    #[must_use]
    pub fn running_processes(&self) -> Vec<SavedProcess> {
        let all = self.0.processes.all();
        let running = all.iter().filter(|record| record.is_running());
        running
            .map(|record| SavedProcess(record.order.clone()))
            .collect()
    }

    /// Starts a process of another machine again, under its name and with its settings. Returns `false` if it cannot be
    /// started, or if a process of that name runs already.
    ///
    /// It has a new process id, and starts from the beginning. Needs a tokio runtime.
    pub async fn start_again(&self, process: &SavedProcess) -> bool {
        let state = &self.0;
        let order = process.0.clone();
        let namesake = state.processes.find(&order.name);
        if namesake.is_some_and(|record| record.is_running()) {
            return false;
        }
        state.start_process(order).await.is_ok()
    }
}

impl fmt::Debug for SavedProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its command and its environment may have secrets.
        f.debug_struct("SavedProcess")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}
