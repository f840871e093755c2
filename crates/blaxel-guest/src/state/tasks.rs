//! [`Tasks`], the background work of a server.

use std::sync::Mutex;

use tokio::task::{AbortHandle, JoinSet};

use crate::lock::lock;

/// Tasks that end with their owner.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    /// Starts a task.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }
}
