//! What goes on in the background. None of it outlives the emulator.

use std::future::Future;
use std::sync::Mutex;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::lock::lock;

/// How many tasks run at a time; more are refused.
const LIMIT: usize = 256;

/// The tasks that run; `None` when the emulator is gone.
pub(crate) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Default for Tasks {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl Tasks {
    /// Starts a task. `false` if it cannot be: there are too many, there is no tokio runtime, or the
    /// emulator is gone.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut running = lock(&self.0);
        let (Some(running), Ok(runtime)) = (running.as_mut(), Handle::try_current()) else {
            return false;
        };
        while running.try_join_next().is_some() {}
        if running.len() >= LIMIT {
            return false;
        }
        running.spawn_on(task, &runtime);
        true
    }

    /// Ends the tasks, and starts no more.
    pub(crate) fn end(&self) {
        // The tasks are dropped outside of the lock: what they hold may want it.
        let running = lock(&self.0).take();
        drop(running);
    }
}
