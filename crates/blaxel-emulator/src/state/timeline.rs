//! The way of a resource through its states: a plan on the clock, looked up when it is read. Nothing
//! runs in the meantime, so a clock that stands still holds every resource where it is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Document, member, rule, status};
use crate::clock::timestamp;

/// How many steps are remembered, and so how many events a resource has at most.
const MAX_STEPS: usize = 100;

/// A state that is reached at a time.
#[derive(Clone, Debug)]
struct Step {
    at: Duration,
    /// What is under way, such as a `deployment`.
    event: &'static str,
    status: &'static str,
    message: &'static str,
    revision: Option<String>,
}

/// How a resource ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// When it stops, and is `TERMINATED` from then on. `None` where it only vanishes.
    pub(crate) terminated: Option<Duration>,
    /// When it is gone.
    pub(crate) removed: Duration,
}

/// How long something stays as `TERMINATED` unless it says otherwise.
const RETENTION: Duration = Duration::from_secs(5 * 60);

impl End {
    /// It stops, and is gone when the time is over for which its document wants to be kept.
    pub(crate) fn retained(document: &Document, at: Duration) -> Self {
        let retention = member::text(document, "spec/lifecycle/terminatedRetention");
        let retention = retention.and_then(rule::seconds).unwrap_or(RETENTION);
        Self {
            terminated: Some(at),
            removed: at.saturating_add(retention),
        }
    }

    /// It is gone at once.
    pub(crate) fn immediate(at: Duration) -> Self {
        Self {
            terminated: None,
            removed: at,
        }
    }
}

/// What a deployment leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeploymentGoal {
    Deployed,
    Failed,
    Deactivated,
}

/// The states of one resource, past and to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    steps: Vec<Step>,
    end: Option<End>,
}

impl Timeline {
    /// Where it is; `None` for a resource that knows no states.
    pub(crate) fn status(&self, now: Duration) -> Option<&'static str> {
        if self.is_terminated(now) {
            return Some(status::TERMINATED);
        }
        self.past(now).next_back().map(|step| step.status)
    }

    /// Where a revision got to; `None` if nothing is remembered of it.
    pub(crate) fn status_of(&self, revision: &str, now: Duration) -> Option<&'static str> {
        let own = |step: &&Step| step.revision.as_deref() == Some(revision);
        self.past(now).rfind(own).map(|step| step.status)
    }

    /// What happened so far, as `events` tells it.
    pub(crate) fn events(&self, now: Duration) -> Value {
        let end = self.terminated_at().filter(|at| *at <= now).map(|at| Step {
            at,
            event: "deletion",
            status: status::TERMINATED,
            message: "It has ended.",
            revision: None,
        });
        self.past(now)
            .chain(end.as_ref())
            .map(Step::event)
            .collect()
    }

    /// When it stops by itself, as far as is known.
    pub(crate) fn terminated_at(&self) -> Option<Duration> {
        self.end.and_then(|end| end.terminated)
    }

    /// Whether its deletion was asked for.
    pub(crate) fn is_deleting(&self) -> bool {
        let last = self.steps.last();
        last.is_some_and(|step| step.status == status::DELETING)
    }

    /// When it is gone, as far as is known.
    pub(crate) fn removed_at(&self) -> Option<Duration> {
        self.end.map(|end| end.removed)
    }

    pub(crate) fn is_terminated(&self, now: Duration) -> bool {
        self.terminated_at().is_some_and(|at| at <= now)
    }

    /// Starts a deployment, whose every step lasts so long. A deployment that is under way is broken
    /// off.
    pub(crate) fn deploy(
        &mut self,
        at: Duration,
        step: Duration,
        goal: DeploymentGoal,
        revision: Option<&str>,
    ) {
        let (event, [first, last]) = match goal {
            DeploymentGoal::Deployed => (
                "deployment",
                [
                    (status::DEPLOYING, "The deployment has begun."),
                    (status::DEPLOYED, "The deployment is complete."),
                ],
            ),
            DeploymentGoal::Failed => (
                "deployment",
                [
                    (status::DEPLOYING, "The deployment has begun."),
                    (status::FAILED, "The deployment has failed, as asked for."),
                ],
            ),
            DeploymentGoal::Deactivated => (
                "deactivation",
                [
                    (status::DEACTIVATING, "The deactivation has begun."),
                    (status::DEACTIVATED, "The deactivation is complete."),
                ],
            ),
        };
        self.cancel_pending(at);
        self.push(at, event, first, revision);
        self.push(at.saturating_add(step), event, last, revision);
    }

    /// Waits for an upload, which [`build`](Self::build) follows.
    pub(crate) fn await_upload(&mut self, at: Duration, revision: Option<&str>) {
        self.cancel_pending(at);
        let what = (status::UPLOADING, "The upload is awaited.");
        self.push(at, "deployment", what, revision);
    }

    /// Builds what was uploaded and deploys it. The build lasts as long as the first of the steps, and
    /// the deployment as the second.
    pub(crate) fn build(
        &mut self,
        at: Duration,
        (build, deploy): (Duration, Duration),
        goal: DeploymentGoal,
        revision: Option<&str>,
    ) {
        self.cancel_pending(at);
        let what = (status::BUILDING, "The build has begun.");
        self.push(at, "deployment", what, revision);
        // The plan so far lies in the past, and what is planned next comes behind it.
        let mut rest = Self::default();
        rest.deploy(at.saturating_add(build), deploy, goal, revision);
        self.steps.append(&mut rest.steps);
    }

    /// Comes to a state at a time, which must be no earlier than that of the state before: for what
    /// is not deployed and has states of its own.
    pub(crate) fn add_state(
        &mut self,
        at: Duration,
        event: &'static str,
        state: (&'static str, &'static str),
    ) {
        self.push(at, event, state, None);
    }

    /// When it comes to its last state, as things stand.
    pub(crate) fn last_change(&self) -> Option<Duration> {
        self.steps.last().map(|step| step.at)
    }

    /// When it came to a state, if it did.
    pub(crate) fn reached_at(&self, state: &str, now: Duration) -> Option<Duration> {
        self.past(now)
            .find(|step| step.status == state)
            .map(|step| step.at)
    }

    /// Starts a deletion.
    pub(crate) fn delete(&mut self, at: Duration, end: End) {
        self.cancel_pending(at);
        let what = (status::DELETING, "The deletion has begun.");
        self.push(at, "deletion", what, None);
        self.end = Some(end);
    }

    /// Lets it end at a time, or lifts an end that was set before.
    pub(crate) fn end(&mut self, end: Option<End>) {
        self.end = end;
    }

    /// Drops what has not happened yet, and what happened too long ago.
    pub(crate) fn cancel_pending(&mut self, at: Duration) {
        self.steps.retain(|step| step.at <= at);
        let forgotten = self.steps.len().saturating_sub(MAX_STEPS);
        self.steps.drain(..forgotten);
    }

    fn push(
        &mut self,
        at: Duration,
        event: &'static str,
        (status, message): (&'static str, &'static str),
        revision: Option<&str>,
    ) {
        self.steps.push(Step {
            at,
            event,
            status,
            message,
            revision: revision.map(str::to_owned),
        });
    }

    fn past(&self, now: Duration) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.at <= now)
    }
}

impl Step {
    fn event(&self) -> Value {
        let mut event = json!({
            "type": self.event,
            "status": self.status,
            "message": self.message,
            "time": timestamp(self.at).as_str(),
        });
        if let Some(revision) = &self.revision {
            event["revision"] = revision.as_str().into();
        }
        event
    }
}
