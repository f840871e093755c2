//! What a test scripts, and what it can look at afterwards.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::Behaviour;
use crate::clock::Clock;
use crate::lock::lock;

/// How many calls are remembered; older ones are forgotten.
const CAPACITY: usize = 1_000;

/// The script of one workload; made by [`Emulator::script`](crate::Emulator::script).
///
/// It says how the next calls are answered, one after the other, and how all later ones are. It begins
/// empty, with [`Behaviour::usual`] for every call. A clone is the same script.
///
/// What comes before the workload stays in force: credentials, the workspace, whether the workload is
/// there and `DEPLOYED`, and faults of the operation.
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    clock: Clock,
    plan: Mutex<Plan>,
}

struct Plan {
    next: VecDeque<(Behaviour, u32)>,
    standing: Behaviour,
    /// Until when it is cold, by the emulator's clock.
    cold_until: Option<Duration>,
    calls: VecDeque<ScriptedCall>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            next: VecDeque::new(),
            standing: Behaviour::usual(),
            cold_until: None,
            calls: VecDeque::new(),
        }
    }
}

/// A call of a workload that has a script, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptedCall {
    /// The method.
    pub method: Method,
    /// The path below the workload's own as sent: empty, or with a leading slash.
    pub path: String,
    /// The query as sent, without the `?`.
    pub query: Option<String>,
    /// The headers, without those that carry credentials.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl ScriptedCall {
    /// A header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; `None` if it is none.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

#[expect(
    clippy::must_use_candidate,
    reason = "the methods return the script for chaining only"
)]
impl Script {
    pub(super) fn new(clock: Clock) -> Self {
        let plan = Mutex::default();
        Self(Arc::new(Inner { clock, plan }))
    }

    /// Answers one more call so, after those that are planned already.
    pub fn then(&self, behaviour: Behaviour) -> &Self {
        self.times(1, behaviour)
    }

    /// Answers so many more calls so, after those that are planned already.
    pub fn times(&self, count: u32, behaviour: Behaviour) -> &Self {
        if count > 0 {
            lock(&self.0.plan).next.push_back((behaviour, count));
        }
        self
    }

    /// Answers every call so for which nothing is planned.
    pub fn always(&self, behaviour: Behaviour) -> &Self {
        lock(&self.0.plan).standing = behaviour;
        self
    }

    /// A cold start: the next calls, so many of them, are answered as [`Behaviour::unavailable`]. What is
    /// planned comes after them.
    pub fn cold_calls(&self, count: u32) -> &Self {
        if count > 0 {
            let cold = (Behaviour::unavailable(), count);
            lock(&self.0.plan).next.push_front(cold);
        }
        self
    }

    /// A cold start: from now on and for so long, by the emulator's clock, every call is answered as
    /// [`Behaviour::unavailable`]. What is planned waits until then.
    pub fn cold_for(&self, time: Duration) -> &Self {
        let until = self.0.clock.since_epoch().saturating_add(time);
        lock(&self.0.plan).cold_until = Some(until);
        self
    }

    /// How many planned answers have not been given yet.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        let plan = lock(&self.0.plan);
        plan.next.iter().map(|(_, count)| count).sum()
    }

    /// The calls that came so far, in the order of arrival, those included that the workload was too
    /// cold for; of very many the last 1,000. A call that was refused before is not among them, and
    /// neither is one that met a fault instead.
    #[must_use]
    pub fn calls(&self) -> Vec<ScriptedCall> {
        lock(&self.0.plan).calls.iter().cloned().collect()
    }

    /// Forgets the calls and the plan: the workload behaves as usual again.
    pub fn clear(&self) {
        *lock(&self.0.plan) = Plan::default();
    }

    /// Writes a call down, and says how it is answered.
    pub(crate) fn take(&self, call: ScriptedCall) -> Behaviour {
        let now = self.0.clock.since_epoch();
        let mut plan = lock(&self.0.plan);
        if plan.calls.len() == CAPACITY {
            plan.calls.pop_front();
        }
        plan.calls.push_back(call);
        if plan.cold_until.is_some_and(|until| now < until) {
            return Behaviour::unavailable();
        }
        let Some((behaviour, count)) = plan.next.front_mut() else {
            return plan.standing.clone();
        };
        let behaviour = behaviour.clone();
        *count -= 1;
        if *count == 0 {
            plan.next.pop_front();
        }
        behaviour
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
