//! [`ProcessInfo`] and [`ProcessOutput`], the processes of a server as somebody sees them who is not its client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::Server;
use crate::process::{Output, Stream};
use crate::state::{Entry, Phase, Position, Record, TRUNCATED};

/// A process of a server. Returned by [`Server::processes`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process id of its first start, which the API shows.
    pub pid: u32,
    /// Its name, which the client or the server chose.
    pub name: String,
    /// The command. It may have secrets.
    pub command: String,
    /// The status as the API has it: `running`, `completed`, `failed`, `stopped` or `killed`.
    pub status: &'static str,
    /// The time of its last start, since 1970-01-01T00:00:00Z on the clock of the machine.
    pub started: Duration,
    /// The time of its end. `None` while it runs.
    pub completed: Option<Duration>,
    /// Its exit code. `None` while it runs.
    pub exit_code: Option<i32>,
}

/// The output of a process, from its beginning. Returned by [`Server::process_output`].
///
/// It does not use the machine: reading it wakes nothing up, and the machine may end meanwhile.
#[must_use]
pub struct ProcessOutput {
    record: Arc<Record>,
    position: Position,
    changes: watch::Receiver<u64>,
    phase: watch::Receiver<Phase>,
}

impl Server {
    /// Returns the processes that were started so far, oldest first. The machine is not used: one on standby
    /// stays so.
    ///
    /// ```
    /// let server = blaxel_guest::Server::simulated().build();
    /// assert!(server.processes().is_empty());
    /// assert!(server.process_output(1).is_none());
    /// ```
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let all = self.0.processes.all();
        all.iter().map(|record| ProcessInfo::of(record)).collect()
    }

    /// Returns the output of the process with this id, or `None` if there is none. See
    /// [`processes`](Self::processes).
    #[must_use]
    pub fn process_output(&self, pid: u32) -> Option<ProcessOutput> {
        let record = self.0.processes.find(&pid.to_string())?;
        Some(ProcessOutput {
            position: record.history.start(),
            changes: record.history.changes(),
            phase: record.phase(),
            record,
        })
    }
}

impl ProcessInfo {
    fn of(record: &Record) -> Self {
        let run = record.run();
        Self {
            pid: record.pid,
            name: record.order.name.clone(),
            command: record.order.command.clone(),
            status: run.status.text(),
            started: run.started,
            completed: run.completed,
            exit_code: run.completed.map(|_| run.exit_code),
        }
    }
}

impl ProcessOutput {
    /// Returns the next output that is there already, or `None` if all of it was read. A text in place of output
    /// that is not kept any more counts as standard output.
    pub fn read(&mut self) -> Option<Output> {
        let (stream, bytes) = loop {
            match self.record.history.read(&mut self.position)?.entry {
                Entry::Output(stream, bytes) => break (stream, bytes),
                Entry::Restart(bytes) => break (Stream::Stdout, bytes),
                Entry::Gap => break (Stream::Stdout, Bytes::from_static(TRUNCATED.as_bytes())),
                // The announcement of a signal is only for those who sent it.
                Entry::Notice(_) => {}
            }
        };
        Some(Output { stream, bytes })
    }

    /// Waits for the next output and returns it, or `None` when the process has ended and all of its output was
    /// read. Cancel safe.
    pub async fn wait(&mut self) -> Option<Output> {
        loop {
            self.changes.borrow_and_update();
            // Read before the output, so that none is missed that was written before the end.
            let is_over = self.phase.borrow_and_update().is_over;
            if let Some(output) = self.read() {
                return Some(output);
            }
            if is_over {
                return None;
            }
            tokio::select! {
                // Both senders live in the record.
                _ = self.changes.changed() => {}
                _ = self.phase.changed() => {}
            }
        }
    }
}

impl fmt::Debug for ProcessInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessInfo")
            .field("pid", &self.pid)
            .field("name", &self.name)
            .field("status", &self.status)
            .field("exit_code", &self.exit_code)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProcessOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessOutput")
            .field("pid", &self.record.pid)
            .finish_non_exhaustive()
    }
}
