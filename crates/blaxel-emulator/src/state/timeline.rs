//! [`Timeline`], the planned states of a resource, evaluated when they are read. Nothing runs in
//! the background, so nothing changes while the clock stands still.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{Document, member, rule, saved_time, status};

/// Maximum number of steps, and so of events of a resource.
const MAX_STEPS: usize = 100;

/// The message of a failed build.
pub(crate) const BUILD_FAILURE: &str = "The build has failed (requested by the test).";

/// A state that is reached at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(with = "saved_time")]
    at: Duration,
    /// The type of the event, such as `deployment`.
    event: Text,
    status: Text,
    message: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// The text of its event, from the first time that it is shown. A step never changes.
    #[serde(skip)]
    text: OnceLock<Box<RawValue>>,
}

/// A text of the emulator, or of a saved document.
type Text = Cow<'static, str>;

/// The end of a resource.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// The time from which it is `TERMINATED`. `None` if it is only removed.
    #[serde(
        default,
        with = "saved_time::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) terminated: Option<Duration>,
    /// The time at which it is removed.
    #[serde(with = "saved_time")]
    pub(crate) removed: Duration,
}

/// The default time for which a resource stays as `TERMINATED`.
const RETENTION: Duration = Duration::from_secs(5 * 60);

impl End {
    /// Terminates at `at` and is removed after the retention time of the document.
    pub(crate) fn retained(document: &Document, at: Duration) -> Self {
        let retention = member::text(document, "spec/lifecycle/terminatedRetention");
        let retention = retention.and_then(rule::seconds).unwrap_or(RETENTION);
        Self {
            terminated: Some(at),
            removed: at.saturating_add(retention),
        }
    }

    /// Is removed at `at`.
    pub(crate) fn immediate(at: Duration) -> Self {
        Self {
            terminated: None,
            removed: at,
        }
    }
}

/// The final state of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeploymentGoal {
    Deployed,
    Failed,
    Deactivated,
}

/// The past and planned states of one resource.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeline {
    steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

impl Timeline {
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.end.is_none()
    }

    /// Returns the current state, or `None` for a resource without states.
    pub(crate) fn status(&self, now: Duration) -> Option<&str> {
        if self.is_terminated(now) {
            return Some(status::TERMINATED);
        }
        self.past(now).next_back().map(|step| step.status.as_ref())
    }

    /// Returns the state that a revision reached, or `None` if no step of it is left.
    pub(crate) fn status_of(&self, revision: &str, now: Duration) -> Option<&str> {
        let own = |step: &&Step| step.revision.as_deref() == Some(revision);
        self.past(now).rfind(own).map(|step| step.status.as_ref())
    }

    /// Returns the past steps as the API's `events`.
    pub(crate) fn events(&self, now: Duration) -> Events<'_> {
        Events {
            timeline: self,
            now,
        }
    }

    /// Returns the time at which it terminates, if it is known.
    pub(crate) fn terminated_at(&self) -> Option<Duration> {
        self.end.and_then(|end| end.terminated)
    }

    /// Returns `true` if its deletion was requested.
    pub(crate) fn is_deleting(&self) -> bool {
        let last = self.steps.last();
        last.is_some_and(|step| step.status == status::DELETING)
    }

    /// Returns the time at which it is removed, if it is known.
    pub(crate) fn removed_at(&self) -> Option<Duration> {
        self.end.map(|end| end.removed)
    }

    pub(crate) fn is_terminated(&self, now: Duration) -> bool {
        self.terminated_at().is_some_and(|at| at <= now)
    }

    /// Starts a deployment with steps of this duration. A deployment in progress is cancelled.
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
                    (
                        status::FAILED,
                        "The deployment has failed (requested by the test).",
                    ),
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

    /// Starts waiting for an upload, after which [`build`](Self::build) is called.
    pub(crate) fn await_upload(&mut self, at: Duration, revision: Option<&str>) {
        self.cancel_pending(at);
        let what = (status::UPLOADING, "The upload is awaited.");
        self.push(at, "deployment", what, revision);
    }

    /// Builds and deploys an upload. The two durations are those of the build and of the
    /// deployment.
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
        // The steps so far are in the past, and the new ones follow them.
        let mut rest = Self::default();
        rest.deploy(at.saturating_add(build), deploy, goal, revision);
        self.steps.append(&mut rest.steps);
    }

    /// Builds an upload, which fails after this long.
    pub(crate) fn fail_build(&mut self, at: Duration, lasts: Duration, revision: Option<&str>) {
        self.cancel_pending(at);
        let begin = (status::BUILDING, "The build has begun.");
        self.push(at, "deployment", begin, revision);
        let end = (status::FAILED, BUILD_FAILURE);
        self.push(at.saturating_add(lasts), "deployment", end, revision);
    }

    /// Adds a state at a time that must not be earlier than that of the previous state. Used by
    /// resources that are not deployed and have their own states.
    pub(crate) fn add_state(
        &mut self,
        at: Duration,
        event: &'static str,
        state: (&'static str, &'static str),
    ) {
        self.push(at, event, state, None);
    }

    /// Returns the time of the last planned state.
    pub(crate) fn last_change(&self) -> Option<Duration> {
        self.steps.last().map(|step| step.at)
    }

    /// Returns the time at which a state was reached, if it was.
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

    /// Sets or clears the end.
    pub(crate) fn end(&mut self, end: Option<End>) {
        self.end = end;
    }

    /// Removes planned steps, and the oldest past ones if there are too many.
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
            event: event.into(),
            status: status.into(),
            message: message.into(),
            revision: revision.map(str::to_owned),
            text: OnceLock::new(),
        });
    }

    fn past(&self, now: Duration) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.at <= now)
    }
}

impl Step {
    fn event(&self) -> Event<'_> {
        Event {
            message: &self.message,
            revision: self.revision.as_deref(),
            status: &self.status,
            at: self.at,
            event_type: &self.event,
        }
    }

    /// Returns the event as text.
    fn text(&self) -> &RawValue {
        // An event has always a text.
        self.text
            .get_or_init(|| to_raw_value(&self.event()).unwrap_or_default())
    }
}

/// The past steps of a timeline, as the API shows them.
#[derive(Clone, Copy)]
pub(crate) struct Events<'a> {
    timeline: &'a Timeline,
    now: Duration,
}

/// An event as the API shows it. Its members are in the order of those of a [`Value`].
#[derive(Serialize)]
pub(crate) struct Event<'a> {
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    pub(crate) status: &'a str,
    #[serde(rename = "time", serialize_with = "saved_time::serialize")]
    pub(crate) at: Duration,
    #[serde(rename = "type")]
    event_type: &'a str,
}

impl<'a> Events<'a> {
    /// Returns the events in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Event<'a>> {
        let past = self.timeline.past(self.now).map(Step::event);
        past.chain(self.end())
    }

    /// Returns the event of the end, if it has come.
    fn end(&self) -> Option<Event<'a>> {
        let end = self.timeline.terminated_at();
        end.filter(|at| *at <= self.now).map(|at| Event {
            message: "The deletion is complete.",
            revision: None,
            status: status::TERMINATED,
            at,
            event_type: "deletion",
        })
    }

    /// Returns them as a value.
    pub(super) fn to_value(self) -> Value {
        // Texts and times are always values.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut events = serializer.serialize_seq(None)?;
        for step in self.timeline.past(self.now) {
            events.serialize_element(step.text())?;
        }
        if let Some(end) = self.end() {
            events.serialize_element(&end)?;
        }
        events.end()
    }
}
