//! The workloads of an emulator: what a test scripts of them, where they are passed on to, and what
//! they do in the background.

mod behaviour;
mod callback;
mod name;
mod script;
mod target;
mod tasks;

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use crate::clock::Clock;
use crate::lock::lock;

pub use self::behaviour::Behaviour;
pub(crate) use self::behaviour::{Action, ScriptedReply};
pub use self::callback::{Callback, CallbackOutcome};
pub(crate) use self::callback::{PendingCallback, WorkloadResult};
pub use self::name::{InvalidWorkload, Workload};
pub use self::script::{Script, ScriptedCall};
pub use self::target::InvalidTarget;
pub(crate) use self::target::{SendError, Target};
pub(crate) use self::tasks::Tasks;

/// How many callbacks are remembered; older ones are forgotten.
const CAPACITY: usize = 10_000;

/// What an emulator knows of its workloads besides their resources.
#[derive(Default)]
pub(crate) struct Workloads {
    /// Where workloads run that are not the emulator's own.
    targets: HashMap<Workload, Target>,
    scripts: Mutex<HashMap<Workload, Script>>,
    callbacks: Mutex<VecDeque<Callback>>,
    pub(crate) tasks: Tasks,
}

impl Workloads {
    pub(crate) fn new(targets: HashMap<Workload, Target>) -> Self {
        Self {
            targets,
            ..Self::default()
        }
    }

    /// Where a workload runs, if not here.
    pub(crate) fn target(&self, workload: &Workload) -> Option<&Target> {
        self.targets.get(workload)
    }

    /// The script of a workload, if it has one.
    pub(crate) fn script(&self, workload: &Workload) -> Option<Script> {
        lock(&self.scripts).get(workload).cloned()
    }

    /// The script of a workload, made if it has none.
    pub(crate) fn script_of(&self, workload: &Workload, clock: &Clock) -> Script {
        let mut scripts = lock(&self.scripts);
        let script = scripts.entry(workload.clone());
        script.or_insert_with(|| Script::new(clock.clone())).clone()
    }

    /// Writes down what became of a callback.
    pub(crate) fn called_back(&self, callback: Callback) {
        let mut callbacks = lock(&self.callbacks);
        if callbacks.len() == CAPACITY {
            callbacks.pop_front();
        }
        callbacks.push_back(callback);
    }

    /// What became of the callbacks so far, in the order they ended.
    pub(crate) fn callbacks(&self) -> Vec<Callback> {
        lock(&self.callbacks).iter().cloned().collect()
    }
}
