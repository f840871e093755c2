//! Scripts: the responses that a test plans for a workload, and the calls it received.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use super::Behavior;
use crate::clock::Clock;
use crate::lock::lock;

/// Maximum number of calls that are kept. Older ones are removed.
const CAPACITY: usize = 1_000;

/// The planned responses of one workload. Created by [`Emulator::script`](crate::Emulator::script).
///
/// Each call takes the next planned [`Behavior`]; when none is left the standing one applies,
/// which is [`Behavior::usual`] at first. Clones share the same plan.
///
/// The checks in front of the workload still apply: credentials, the workspace, the workload must
/// exist and be `DEPLOYED`, and faults of the operation.
///
/// ```
/// use blaxel_emulator::{Behavior, Emulator, Workload};
///
/// let emulator = Emulator::offline();
/// let script = emulator.script(&Workload::agent("support-bot"));
/// script
///     .cold_calls(2)
///     .times(3, Behavior::text("Busy."))
///     .then(Behavior::text("Hello."))
///     .always(Behavior::text("Enough for today."));
/// assert_eq!(script.waiting(), 6);
/// assert!(script.calls().is_empty());
/// ```
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    clock: Clock,
    plan: Mutex<Plan>,
}

struct Plan {
    next: VecDeque<(Behavior, u32)>,
    standing: Behavior,
    /// The time until which the workload is cold, on the emulator's clock.
    cold_until: Option<Duration>,
    calls: VecDeque<ScriptedCall>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            next: VecDeque::new(),
            standing: Behavior::usual(),
            cold_until: None,
            calls: VecDeque::new(),
        }
    }
}

/// A call to a workload that has a script, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptedCall {
    /// The method.
    pub method: Method,
    /// The path below the workload's own, as sent: empty, or with a leading slash.
    pub path: String,
    /// The query as sent, without the `?`.
    pub query: Option<String>,
    /// The headers, without those that carry credentials.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl ScriptedCall {
    /// Returns a header, or `None` if it is absent or not text.
    ///
    /// ```
    /// use blaxel_emulator::{Emulator, Workload};
    ///
    /// let emulator = Emulator::offline();
    /// let script = emulator.script(&Workload::agent("support-bot"));
    /// for call in script.calls() {
    ///     println!("{:?} {:?}", call.header("content-type"), call.json());
    /// }
    /// ```
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as JSON, or `None` if it is not JSON. See [`header`](Self::header).
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

    /// Plans the response to one more call, after those that are already planned. See [`Script`]
    /// for an example.
    pub fn then(&self, behavior: Behavior) -> &Self {
        self.times(1, behavior)
    }

    /// Plans the response to `count` more calls, after those that are already planned. See
    /// [`Script`] for an example.
    pub fn times(&self, count: u32, behavior: Behavior) -> &Self {
        if count > 0 {
            lock(&self.0.plan).next.push_back((behavior, count));
        }
        self
    }

    /// Sets the response to every call for which nothing is planned. See [`Script`] for an example.
    pub fn always(&self, behavior: Behavior) -> &Self {
        lock(&self.0.plan).standing = behavior;
        self
    }

    /// Simulates a cold start: the next `count` calls get [`Behavior::unavailable`]. Responses
    /// that are already planned follow after them. See [`Script`] for an example.
    pub fn cold_calls(&self, count: u32) -> &Self {
        if count > 0 {
            let cold = (Behavior::unavailable(), count);
            lock(&self.0.plan).next.push_front(cold);
        }
        self
    }

    /// Simulates a cold start: from now on every call gets [`Behavior::unavailable`], until `time`
    /// has passed on the emulator's clock. Planned responses are kept until then.
    ///
    /// ```
    /// use std::time::Duration;
    /// use blaxel_emulator::{Emulator, Workload};
    ///
    /// let emulator = Emulator::offline();
    /// emulator.script(&Workload::agent("support-bot")).cold_for(Duration::from_secs(5));
    /// emulator.clock().advance(Duration::from_secs(5)); // warm again
    /// ```
    pub fn cold_for(&self, time: Duration) -> &Self {
        let until = self.0.clock.since_epoch().saturating_add(time);
        lock(&self.0.plan).cold_until = Some(until);
        self
    }

    /// Returns the number of planned responses that are left. See [`Script`] for an example.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        let plan = lock(&self.0.plan);
        plan.next.iter().map(|(_, count)| count).sum()
    }

    /// Returns the calls so far, in order of arrival. At most the last 1,000 are kept.
    ///
    /// Calls that found the workload cold are included. Calls that were rejected before they
    /// reached the workload and calls that met a fault are not. See [`ScriptedCall::header`] for an
    /// example.
    #[must_use]
    pub fn calls(&self) -> Vec<ScriptedCall> {
        lock(&self.0.plan).calls.iter().cloned().collect()
    }

    /// Removes the recorded calls and the plan, so that the workload behaves as usual again.
    pub fn clear(&self) {
        *lock(&self.0.plan) = Plan::default();
    }

    /// Records a call and returns its response.
    pub(crate) fn take(&self, call: ScriptedCall) -> Behavior {
        let now = self.0.clock.since_epoch();
        let mut plan = lock(&self.0.plan);
        if plan.calls.len() == CAPACITY {
            plan.calls.pop_front();
        }
        plan.calls.push_back(call);
        if plan.cold_until.is_some_and(|until| now < until) {
            return Behavior::unavailable();
        }
        let Some((behavior, count)) = plan.next.front_mut() else {
            return plan.standing.clone();
        };
        let behavior = behavior.clone();
        *count -= 1;
        if *count == 0 {
            plan.next.pop_front();
        }
        behavior
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
