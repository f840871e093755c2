//! [`Monitors`], the background work of the server by process id.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::task::AbortHandle;
use tokio::task::JoinSet;

use crate::lock::lock;

/// The number of monitors of a process.
const LIMIT: usize = 16;

/// The tasks that watch the ports of processes. They end with the server.
#[derive(Default)]
pub(crate) struct Monitors(Mutex<Tasks>);

#[derive(Default)]
struct Tasks {
    set: JoinSet<()>,
    by_pid: BTreeMap<i64, Vec<AbortHandle>>,
}

impl Monitors {
    /// Runs a task until the monitors of `pid` are stopped. Beyond 16 of them, the oldest ends.
    pub(crate) fn start(&self, pid: i64, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.0);
        while tasks.set.try_join_next().is_some() {}
        let handle = tasks.set.spawn(task);
        for handles in tasks.by_pid.values_mut() {
            handles.retain(|handle| !handle.is_finished());
        }
        tasks.by_pid.retain(|_, handles| !handles.is_empty());
        let handles = tasks.by_pid.entry(pid).or_default();
        handles.push(handle);
        if handles.len() > LIMIT {
            handles.remove(0).abort();
        }
    }

    /// Ends the monitors of `pid`.
    pub(crate) fn stop(&self, pid: i64) {
        let stopped = lock(&self.0).by_pid.remove(&pid);
        for handle in stopped.into_iter().flatten() {
            handle.abort();
        }
    }
}
