//! [`Family`], a process and all that it started.

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, kill_process};

use super::members::Members;
use super::proc_table::{Process, processes, related};

/// The rounds in which processes are stopped before they are killed: one that was starting another
/// one is found in its round, and what it started in the next one.
const ROUNDS: usize = 16;

/// A process that leads a session, and all that it started: its session, and what descends from it.
/// Dropping it kills all of that.
///
/// They are told by who started whom. Their environment alone would not do: a process that is becoming
/// another program has none for a moment, and some clear theirs.
pub(super) struct Family {
    pub(super) leader: Pid,
    /// The leader is a child of this program, which has not waited for it. Its id may otherwise be
    /// another process's by now.
    pub(super) is_child: bool,
    pub(super) members: Members,
}

impl Family {
    /// Returns the processes that have not ended.
    fn processes(&self) -> Vec<Process> {
        let leader = self.leader.as_raw_pid();
        let is_own = |process: &Process| {
            (process.pid == self.leader || process.stat.session == leader)
                && (self.is_child || self.members.may_contain(process.pid))
        };
        related(processes().collect(), BTreeSet::new(), is_own)
    }

    /// Returns `true` if one of the processes has not ended.
    pub(super) fn is_left(&self) -> bool {
        !self.processes().is_empty()
    }

    /// Sends a signal to all of the processes.
    pub(super) fn signal(&self, number: i32) {
        match Signal::from_named_raw(number) {
            Some(Signal::KILL) => self.kill(),
            Some(signal) => send(signal, self.processes().iter().map(|process| process.pid)),
            None => {}
        }
    }

    /// Kills the processes, but stops them first: who descends from a process that has ended is
    /// nobody's child, and those that do not run start no others.
    fn kill(&self) {
        let mut stopped = BTreeSet::new();
        for _ in 0..ROUNDS {
            let found = self.processes().into_iter().map(|process| process.pid);
            let new: Vec<Pid> = found
                .filter(|pid| stopped.insert(pid.as_raw_pid()))
                .collect();
            if new.is_empty() {
                break;
            }
            send(Signal::STOP, new);
        }
        send(Signal::KILL, stopped.into_iter().filter_map(Pid::from_raw));
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
    }
}

fn send(signal: Signal, pids: impl IntoIterator<Item = Pid>) {
    for pid in pids {
        // It may have ended.
        let _ = kill_process(pid, signal);
    }
}
