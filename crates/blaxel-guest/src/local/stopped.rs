//! [`Stopped`], the programs that are stopped while their commands run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

use crate::errno::Errno;
use crate::host::errors;
use crate::lock::lock;

/// The stopped children of this program for one sandbox. Clones share them.
///
/// A command that has ended stays in the sandbox until its parent has waited for it, and the first
/// process of the sandbox cannot end before. So all parents go on when the sandbox ends.
#[derive(Clone, Default)]
pub(super) struct Stopped(Arc<Mutex<BTreeSet<i32>>>);

/// A stopped child, which goes on when this is dropped. It must not have been waited for.
pub(super) struct Stop {
    all: Stopped,
    pid: Pid,
}

impl Stopped {
    /// Stops a child of this program.
    pub(super) fn stop(&self, pid: Pid) -> Result<Stop, Errno> {
        let all = self.clone();
        lock(&all.0).insert(pid.as_raw_pid());
        let stop = Stop { all, pid };
        kill_process(pid, Signal::STOP).map_err(errors::of_kernel)?;
        Ok(stop)
    }

    /// Lets all children go on.
    pub(super) fn resume(&self) {
        for pid in std::mem::take(&mut *lock(&self.0)) {
            resume(Pid::from_raw(pid));
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let mut all = lock(&self.all.0);
        all.remove(&self.pid.as_raw_pid());
        resume(Some(self.pid));
    }
}

fn resume(pid: Option<Pid>) {
    if let Some(pid) = pid {
        // It may have been killed.
        let _ = kill_process(pid, Signal::CONT);
    }
}
