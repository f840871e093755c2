//! Background tasks. None of them outlives the emulator.

use std::future::Future;
use std::sync::Mutex;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::lock::lock;

/// Maximum number of concurrent tasks.
const LIMIT: usize = 256;

/// The running tasks, or `None` once the emulator is dropped.
pub(crate) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Default for Tasks {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl Tasks {
    /// Spawns a task. Returns `false` if it cannot: the limit is reached, there is no tokio
    /// runtime, or the emulator is dropped.
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

    /// Aborts the running tasks.
    pub(crate) fn abort(&self) {
        // The tasks are dropped outside of the lock, as in `end`.
        let running = lock(&self.0).as_mut().map(std::mem::take);
        drop(running);
    }

    /// Aborts the running tasks and refuses new ones.
    pub(crate) fn end(&self) {
        // The tasks are dropped outside of the lock: dropping what they hold may take it.
        let running = lock(&self.0).take();
        drop(running);
    }
}
