//! [`Process`], a process of this machine as `/proc` shows it.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Pid;

/// A process that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) stat: Stat,
}

/// The part of `/proc/PID/stat` that is used here.
#[derive(Clone, Debug)]
pub(super) struct Stat {
    pub(super) name: String,
    state: char,
    /// The id of its parent.
    pub(super) parent: i32,
    pub(super) session: i32,
    /// The status that the parent will see, once the process has ended.
    pub(super) exit: i32,
}

/// Returns all processes of this machine that have not ended.
pub(super) fn processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let stat = Stat::of(pid)?;
        (stat.state != 'Z').then_some(Process { pid, stat })
    })
}

/// Returns those of `others` that `is_root` accepts or whose parents are `known`, and what descends
/// from them.
pub(super) fn related(
    mut others: Vec<Process>,
    mut known: BTreeSet<i32>,
    is_root: impl Fn(&Process) -> bool,
) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    loop {
        let is_own = |process: &Process| is_root(process) || known.contains(&process.stat.parent);
        let (own, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(is_own);
        if own.is_empty() {
            return found;
        }
        known.extend(own.iter().map(|process| process.pid.as_raw_pid()));
        found.extend(own);
        others = rest;
    }
}

impl Stat {
    /// Reads the facts about a process. Returns `None` if it does not exist.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Returns `true` if a signal or a debugger has stopped it.
    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
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
