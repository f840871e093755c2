//! [`Members`], the processes of a sandbox.

use std::ffi::OsString;
use std::fs;

use rustix::process::Pid;

use super::proc_table::{Process, processes, related};

/// The property that tells the processes of a sandbox from others.
#[derive(Clone, Debug)]
pub(super) enum Members {
    /// They have their own process ids, in this namespace.
    Namespace(OsString),
    /// Their environment contains this text, or that of the process they descend from does.
    Mark(String),
}

/// A process of a sandbox.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The process as the host sees it.
    pub(super) host: Process,
    /// Its id in the sandbox.
    pub(super) inside: u32,
}

/// The id of the first process of a namespace, which adopts those whose parents have ended.
pub(super) const INIT: u32 = 1;
/// The sessions in each other that [`command_of`] goes through.
const MAX_SESSIONS: usize = 64;

/// Returns the id in the sandbox of the command that a member belongs to: the leader of its session,
/// or of the session that this leader was started in.
///
/// A member whose parents have ended, such as a daemon, is a command of its own.
pub(super) fn command_of(member: &Member, all: &[Member]) -> u32 {
    let find = |host: i32| all.iter().find(|other| other.host.pid.as_raw_pid() == host);
    let mut member = member;
    for _ in 0..MAX_SESSIONS {
        let Some(leader) = find(member.host.stat.session) else {
            return member.inside;
        };
        match find(leader.host.stat.parent) {
            Some(parent) if parent.inside != INIT => member = parent,
            _ => return leader.inside,
        }
    }
    member.inside
}

impl Members {
    /// Returns those whose process ids are in the same namespace as those of `init`.
    pub(super) fn of_namespace(init: Pid) -> Option<Self> {
        let path = format!("/proc/{init}/ns/pid");
        Some(Self::Namespace(fs::read_link(path).ok()?.into_os_string()))
    }

    /// Returns `false` if a process is certainly none of the members.
    pub(super) fn may_contain(&self, pid: Pid) -> bool {
        match self {
            Self::Namespace(id) => id_in(id, pid).is_some(),
            Self::Mark(mark) => {
                let environment = environment(pid);
                environment.is_empty() || contains(&environment, mark)
            }
        }
    }

    /// Returns all members that have not ended.
    pub(super) fn all(&self) -> Vec<Member> {
        match self {
            Self::Namespace(id) => processes()
                .filter_map(|host| {
                    let inside = id_in(id, host.pid)?;
                    Some(Member { host, inside })
                })
                .collect(),
            Self::Mark(mark) => {
                let (marked, others): (Vec<_>, Vec<_>) =
                    processes().partition(|process| contains(&environment(process.pid), mark));
                let known = marked.iter().map(|process| process.pid.as_raw_pid());
                // A process that is becoming another program has no environment for a moment, and
                // some clear theirs.
                let unmarked = related(others, known.collect(), |_| false);
                let all = marked.into_iter().chain(unmarked);
                all.map(|host| Member {
                    inside: host.pid.as_raw_pid().unsigned_abs(),
                    host,
                })
                .collect()
            }
        }
    }
}

/// Returns the id of a process in a namespace, if it is there and not in one further inside.
fn id_in(namespace: &OsString, pid: Pid) -> Option<u32> {
    let own = fs::read_link(format!("/proc/{pid}/ns/pid")).ok()?;
    if own.as_os_str() != namespace {
        return None;
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let ids = lines.find_map(|line| line.strip_prefix("NSpid:"))?;
    ids.split_whitespace().next_back()?.parse().ok()
}

/// Returns the variables of a process, each with a zero byte at its end.
fn environment(pid: Pid) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()
}

fn contains(environment: &[u8], variable: &str) -> bool {
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|own| own == variable.as_bytes())
}
