//! [`Members`], the processes of a sandbox as `/proc` shows them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The rounds in which processes are killed: one that is starting another may be missed.
const ROUNDS: usize = 5;

/// The property that tells the processes of a sandbox from others.
#[derive(Clone, Debug)]
pub(super) enum Members {
    /// They have their own process ids, in this namespace.
    Namespace(OsString),
    /// Their environment contains this text.
    Mark(String),
}

/// A process of a sandbox.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its id on the host.
    pub(super) host: Pid,
    /// Its id in the sandbox.
    pub(super) inside: u32,
    pub(super) name: String,
    /// The id of its parent on the host.
    pub(super) parent: i32,
    session: i32,
    state: char,
}

impl Member {
    /// Returns `true` if a signal or a debugger has stopped it.
    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }
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
    let find = |host: i32| all.iter().find(|other| other.host.as_raw_pid() == host);
    let mut member = member;
    for _ in 0..MAX_SESSIONS {
        let Some(leader) = find(member.session) else {
            return member.inside;
        };
        match find(leader.parent) {
            Some(parent) if parent.inside != INIT => member = parent,
            _ => return leader.inside,
        }
    }
    member.inside
}

/// The last part of `/proc/PID/stat`.
pub(super) struct Stat {
    name: String,
    state: char,
    parent: i32,
    session: i32,
    /// The status that the parent will see, once the process has ended.
    pub(super) exit: i32,
}

impl Members {
    /// Returns those whose process ids are in the same namespace as those of `init`.
    pub(super) fn of_namespace(init: Pid) -> Option<Self> {
        let path = format!("/proc/{init}/ns/pid");
        Some(Self::Namespace(fs::read_link(path).ok()?.into_os_string()))
    }

    /// Returns all members that have not ended.
    pub(super) fn all(&self) -> Vec<Member> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| self.member(&entry.path()))
            .collect()
    }

    /// Returns the process of a directory of `/proc` if it is a member.
    fn member(&self, path: &Path) -> Option<Member> {
        let number: i32 = path.file_name()?.to_str()?.parse().ok()?;
        let host = Pid::from_raw(number)?;
        let inside = match self {
            Self::Namespace(id) => {
                let namespace = fs::read_link(path.join("ns/pid")).ok()?;
                if namespace.as_os_str() != id {
                    return None;
                }
                inner_pid(path)?
            }
            Self::Mark(mark) => {
                let environment = fs::read(path.join("environ")).ok()?;
                let mut variables = environment.split(|byte| *byte == 0);
                if !variables.any(|variable| variable == mark.as_bytes()) {
                    return None;
                }
                u32::try_from(number).ok()?
            }
        };
        let stat = Stat::of(host)?;
        (stat.state != 'Z').then_some(Member {
            host,
            inside,
            name: stat.name,
            parent: stat.parent,
            session: stat.session,
            state: stat.state,
        })
    }

    /// Returns those that the leader of a session started: its session, and what descends from it.
    pub(super) fn started_by(&self, leader: Pid) -> Vec<Member> {
        let leader = leader.as_raw_pid();
        let mut others = self.all();
        let mut found: Vec<Member> = Vec::new();
        let mut known = BTreeSet::from([leader]);
        loop {
            let is_own = |member: &Member| {
                let host = member.host.as_raw_pid();
                host == leader || member.session == leader || known.contains(&member.parent)
            };
            let (own, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(is_own);
            if own.is_empty() {
                return found;
            }
            known.extend(own.iter().map(|member| member.host.as_raw_pid()));
            found.extend(own);
            others = rest;
        }
    }

    /// Sends a signal to what the leader of a session started, itself included.
    pub(super) fn signal(&self, leader: Pid, signal: Signal) {
        let rounds = if signal == Signal::KILL { ROUNDS } else { 1 };
        for _ in 0..rounds {
            let members = self.started_by(leader);
            if members.is_empty() {
                return;
            }
            for member in members {
                // It may have ended.
                let _ = kill_process(member.host, signal);
            }
        }
    }
}

/// Returns the id of a process in its own namespace.
fn inner_pid(path: &Path) -> Option<u32> {
    let status = fs::read_to_string(path.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().next_back()?.parse().ok()
}

impl Stat {
    /// Reads the facts about a process. Returns `None` if it does not exist.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Option<Self> {
        // The name is in parentheses, and may contain any character.
        let (before, rest) = text.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
        Some(Self {
            name: name.to_owned(),
            state: fields.first()?.chars().next()?,
            parent: number(1)?,
            session: number(3)?,
            exit: number(49)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let stat = Stat::parse(&format!("17 (a) (b c) S {}\n", fields.join(" "))).unwrap();
        assert_eq!(stat.name, "a) (b c");
        assert_eq!((stat.state, stat.parent, stat.session), ('S', 4, 6));
        assert_eq!(stat.exit, 52);
    }
}
