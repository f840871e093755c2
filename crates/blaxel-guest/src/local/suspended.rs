//! [`Suspended`], the processes that stand still during a standby.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};

use super::members::{INIT, Member, Members};
use crate::lock::lock;

/// The rounds in which processes are stopped: one that is starting another may be missed.
const ROUNDS: usize = 5;

/// The processes of a sandbox that were stopped for its standby, parents before their children.
///
/// A parent is stopped before its children, and goes on after them. So it cannot see that they were
/// stopped, and a shell with job control does not report it.
#[derive(Default)]
pub(super) struct Suspended(Mutex<Vec<Pid>>);

impl Suspended {
    /// Stops all processes but those that have been stopped before.
    pub(super) fn suspend(&self, members: &Members) {
        let mut suspended = lock(&self.0);
        for _ in 0..ROUNDS {
            let all = members.all();
            let mut running: Vec<&Member> = all
                .iter()
                .filter(|member| member.inside != INIT && !member.host.stat.is_stopped())
                .filter(|member| !suspended.contains(&member.host.pid))
                .collect();
            if running.is_empty() {
                return;
            }
            let depths = depths(&all);
            running.sort_by_key(|member| depths.get(&member.host.pid.as_raw_pid()).copied());
            for member in running {
                // It may have ended.
                if kill_process(member.host.pid, Signal::STOP).is_ok() {
                    suspended.push(member.host.pid);
                }
            }
        }
    }

    /// Lets the processes go on that were stopped by [`suspend`](Self::suspend).
    pub(super) fn resume(&self, members: &Members) {
        let mut suspended = lock(&self.0);
        if suspended.is_empty() {
            return;
        }
        let all = members.all();
        for pid in suspended.drain(..).rev() {
            // The id of one that was killed may be another's now.
            let own = all.iter().find(|member| member.host.pid == pid);
            if own.is_some_and(|own| own.host.stat.is_stopped()) {
                let _ = kill_process(pid, Signal::CONT);
            }
        }
    }
}

/// Returns the number of ancestors of each process.
fn depths(all: &[Member]) -> BTreeMap<i32, usize> {
    let parents: BTreeMap<i32, i32> = all
        .iter()
        .map(|member| (member.host.pid.as_raw_pid(), member.host.stat.parent))
        .collect();
    let depth = |pid: &i32| {
        let ancestors = std::iter::successors(parents.get(pid), |parent| parents.get(parent));
        // Ids that were used twice meanwhile may form a circle.
        (*pid, ancestors.take(parents.len()).count())
    };
    parents.keys().map(depth).collect()
}
