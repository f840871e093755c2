//! The workloads of an emulator: scripts, forwarding targets, background tasks and callbacks.
//!
//! [`Workload`] names one. [`Script`] holds the [`Behavior`]s that a test planned for it, `Target`
//! is a server that calls are forwarded to, and [`Callback`] is the result of an asynchronous
//! call's callback.

mod behavior;
mod callback;
mod name;
mod script;
mod target;
mod tasks;

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use crate::clock::Clock;
use crate::lock::lock;

pub use self::behavior::Behavior;
pub(crate) use self::behavior::{Action, ScriptedReply};
pub use self::callback::{Callback, CallbackOutcome};
pub(crate) use self::callback::{PendingCallback, WorkloadResult};
pub use self::name::{InvalidWorkload, Workload};
pub use self::script::{Script, ScriptedCall};
pub use self::target::InvalidTarget;
pub(crate) use self::target::{SendError, Target};
pub(crate) use self::tasks::Tasks;

/// Maximum number of callbacks that are kept. Older ones are removed.
const CAPACITY: usize = 10_000;

/// The state of all workloads besides their resources.
#[derive(Default)]
pub(crate) struct Workloads {
    /// The servers of workloads that are forwarded.
    targets: HashMap<Workload, Target>,
    scripts: Mutex<HashMap<Workload, Script>>,
    callbacks: Mutex<VecDeque<Callback>>,
    pub(crate) tasks: Tasks,
    /// Set if one of the tasks fires the cron triggers.
    pub(crate) has_cron_task: AtomicBool,
}

impl Workloads {
    pub(crate) fn new(targets: HashMap<Workload, Target>) -> Self {
        Self {
            targets,
            ..Self::default()
        }
    }

    /// Returns the server that the calls of a workload are forwarded to, if any.
    pub(crate) fn target(&self, workload: &Workload) -> Option<&Target> {
        self.targets.get(workload)
    }

    /// Returns the script of a workload, if it has one.
    pub(crate) fn script(&self, workload: &Workload) -> Option<Script> {
        lock(&self.scripts).get(workload).cloned()
    }

    /// Returns the script of a workload, creating it if it does not exist.
    pub(crate) fn script_of(&self, workload: &Workload, clock: &Clock) -> Script {
        let mut scripts = lock(&self.scripts);
        let script = scripts.entry(workload.clone());
        script.or_insert_with(|| Script::new(clock.clone())).clone()
    }

    /// Ends all tasks, and removes all plans, recorded calls and callbacks.
    pub(crate) fn clear(&self) {
        self.tasks.abort();
        // A test may still hold a script.
        for script in lock(&self.scripts).values() {
            script.clear();
        }
        lock(&self.callbacks).clear();
    }

    /// Records a finished callback.
    pub(crate) fn called_back(&self, callback: Callback) {
        let mut callbacks = lock(&self.callbacks);
        if callbacks.len() == CAPACITY {
            callbacks.pop_front();
        }
        callbacks.push_back(callback);
    }

    /// Returns the finished callbacks, in the order in which they finished.
    pub(crate) fn callbacks(&self) -> Vec<Callback> {
        lock(&self.callbacks).iter().cloned().collect()
    }
}
