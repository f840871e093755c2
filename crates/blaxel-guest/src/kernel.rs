//! [`Kernel`], what the processes of a simulated machine share.

mod group;
mod ports;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) use self::group::{Group, JobEnd, Slot, is_harmless};
use self::ports::Ports;
use crate::clock::Clock;
use crate::code_script::CodeScript;
use crate::lock::lock;
use crate::script::{CommandPattern, Script};

/// The first process id that is given out.
const FIRST_PID: u32 = 100;

/// Time, programs and process ids of a simulated machine.
pub(crate) struct Kernel {
    pub(crate) clock: Clock,
    pub(crate) ports: Arc<Ports>,
    scripts: Mutex<Arc<Vec<(CommandPattern, Script)>>>,
    codes: Mutex<Arc<Vec<(CommandPattern, CodeScript)>>>,
    next_pid: AtomicU32,
    groups: Mutex<BTreeMap<u32, Arc<Group>>>,
}

impl Kernel {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            ports: Arc::default(),
            scripts: Mutex::default(),
            codes: Mutex::default(),
            next_pid: AtomicU32::new(FIRST_PID),
            groups: Mutex::default(),
        }
    }

    /// Adds a script. Of several that match a command, the last one counts.
    pub(crate) fn add_script(&self, pattern: CommandPattern, script: Script) {
        Arc::make_mut(&mut lock(&self.scripts)).push((pattern, script));
    }

    /// Returns the script of a command.
    pub(crate) fn script(&self, command: &str) -> Option<Script> {
        // The patterns run code of the test, which may add scripts.
        let scripts = Arc::clone(&lock(&self.scripts));
        let mut matching = scripts.iter().rev().filter(|(p, _)| p.matches(command));
        matching.next().map(|(_, script)| script.clone())
    }

    /// Adds a script for code. Of several that match, the last one counts.
    pub(crate) fn add_code(&self, pattern: CommandPattern, script: CodeScript) {
        Arc::make_mut(&mut lock(&self.codes)).push((pattern, script));
    }

    /// Returns the script of code.
    pub(crate) fn code_script(&self, code: &str) -> Option<CodeScript> {
        // The patterns run code of the test, which may add scripts.
        let scripts = Arc::clone(&lock(&self.codes));
        let mut matching = scripts.iter().rev().filter(|(p, _)| p.matches(code));
        matching.next().map(|(_, script)| script.clone())
    }

    pub(crate) fn new_pid(&self) -> u32 {
        self.next_pid.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a group of processes, until it is dropped by `remove`.
    pub(crate) fn add_group(&self, group: &Arc<Group>) {
        lock(&self.groups).insert(group.pid(), Arc::clone(group));
    }

    pub(crate) fn remove_group(&self, group: &Group) {
        lock(&self.groups).remove(&group.pid());
    }

    /// Returns the running groups.
    pub(crate) fn groups(&self) -> Vec<Arc<Group>> {
        lock(&self.groups).values().cloned().collect()
    }
}
