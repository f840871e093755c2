//! Executions of jobs and their states over time.

mod capacity;
mod plan;

use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use self::capacity::{Share, earliest, has_room};
pub(crate) use self::plan::Terms;
use self::plan::{REQUEST, Run, last_end};
use super::workloads::JOBS;
use crate::clock::timestamp;
use crate::state::kind::{AuditFields, Kind, Lifecycle, Listing, Operations, Pages};
use crate::state::{Document, Record, member};

pub(crate) static EXECUTIONS: Kind = Kind {
    path: "jobs/{jobId}/executions",
    parameter: "executionId",
    noun: "Execution",
    parent: Some(&JOBS),
    parents_in: &["metadata/job"],
    operations: Operations {
        // Creating, listing and cancelling have their own routes: see `router/executions.rs`.
        get: Some("GetJobExecution"),
        ..Operations::NONE
    },
    audit_fields: AuditFields {
        created_at: Some("createdAt"),
        workspace: Some("workspace"),
        ..AuditFields::NONE
    },
    listing: Listing::Paged(Pages {
        default: 20,
        max: 100,
        anchor: false,
        ..Pages::PLAIN
    }),
    lifecycle: Lifecycle::Plain,
    compute: |rows, _, record, shown| show(record, rows.now(), shown.to_mut()),
    ..Kind::RESOURCE
};

/// The states, in the order in which an execution reaches them. The last three are terminal, and so
/// is `CANCELLED`.
const QUEUED: &str = "queued";
const PENDING: &str = "pending";
const RUNNING: &str = "running";
const CANCELLING: &str = "cancelling";
const CANCELLED: &str = "cancelled";
const SUCCEEDED: &str = "succeeded";
const FAILED: &str = "failed";
const TIMED_OUT: &str = "timeout";

/// The path of the outcome that the request asks for.
const OUTCOME: &str = "request/outcome";
/// The number of tasks up to which an execution contains them. The API does not tell the number from which on it has a
/// reference instead.
const MOST_INLINE_TASKS: usize = 1000;

/// The event type of an execution's steps.
const EVENT: &str = "execution";

/// The final state of an execution that is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinalState {
    Succeeded,
    Failed,
    TimedOut,
}

impl FinalState {
    /// Parses the name of a final state.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let fates = [Self::Succeeded, Self::Failed, Self::TimedOut];
        fates.into_iter().find(|fate| fate.state().0 == text)
    }

    /// Returns the name of the state.
    pub(crate) fn name(self) -> &'static str {
        self.state().0
    }

    fn state(self) -> (&'static str, &'static str) {
        match self {
            Self::Succeeded => (SUCCEEDED, "All tasks are done."),
            Self::Failed => (FAILED, "Tasks have failed (requested by the test)."),
            Self::TimedOut => (
                TIMED_OUT,
                "The tasks took too long (requested by the test).",
            ),
        }
    }
}

/// Plans the states of an execution whose first tasks start at `starts`, and whose tasks fail as its terms say.
///
/// `before` is the time for which it is `pending`. It is `queued` until then. An execution that has not left `queued`
/// can be planned again.
pub(crate) fn plan(record: &mut Record, now: Duration, starts: Duration, before: Duration) {
    let terms = Terms::read(&record.document);
    let end = starts.saturating_add(terms.lasts());
    let timed_out = member::text(&record.document, OUTCOME) == Some(TIMED_OUT);
    let fate = match terms.has_failure() {
        true if timed_out => FinalState::TimedOut,
        true => FinalState::Failed,
        false => FinalState::Succeeded,
    };
    let timeline = &mut record.timeline;
    timeline.cancel_pending(now);
    if timeline.status(now).is_none() {
        let queued = (QUEUED, "The execution is queued.");
        timeline.add_state(now, EVENT, queued);
    }
    let pending = starts.saturating_sub(before).max(now);
    for (at, state) in [
        (pending, (PENDING, "The execution is about to start.")),
        (starts, (RUNNING, "The tasks are running.")),
        (end, fate.state()),
    ] {
        timeline.add_state(at, EVENT, state);
    }
}

/// Returns `true` if an execution waits for capacity.
pub(crate) fn is_queued(record: &Record, now: Duration) -> bool {
    record.timeline.status(now) == Some(QUEUED)
}

/// Returns the part of the capacity that an execution needs, and when; `None` if it never runs.
pub(crate) fn share(record: &Record) -> Option<Share> {
    let timeline = &record.timeline;
    let terms = Terms::read(&record.document);
    Some(Share {
        starts: timeline.reached_at(RUNNING, Duration::MAX)?,
        ends: timeline.last_change()?,
        tasks: terms.parallelism.min(terms.failures.len()),
    })
}

/// Cancels an execution unless it is over. Running attempts are completed, and no others start.
pub(crate) fn cancel(record: &mut Record, now: Duration) {
    let status = record.timeline.status(now);
    if status.is_none_or(|state| ends(state) || state == CANCELLING) {
        return;
    }
    record.timeline.cancel_pending(now);
    let cancelling = (CANCELLING, "The execution is being cancelled.");
    record.timeline.add_state(now, EVENT, cancelling);
    let running: Vec<Run> = runs(record).into_iter().flatten().collect();
    let pause = Terms::read(&record.document).attempt / 6;
    let end = last_end(&running).filter(|end| *end > now);
    let end = end.unwrap_or(now.saturating_add(pause));
    let cancelled = (CANCELLED, "The execution was cancelled.");
    record.timeline.add_state(end, EVENT, cancelled);
}

fn ends(state: &str) -> bool {
    [SUCCEEDED, FAILED, TIMED_OUT, CANCELLED].contains(&state)
}

/// The times of an execution or a task that have been reached.
struct Times {
    created: Duration,
    scheduled: Option<Duration>,
    started: Option<Duration>,
    completed: Option<Duration>,
    updated: Option<Duration>,
}

impl Times {
    fn of(record: &Record, now: Duration) -> Self {
        let reached_at = |state: &str| record.timeline.reached_at(state, now);
        let end = record.timeline.status(now).filter(|state| ends(state));
        let created = record.created;
        let (scheduled, started) = (reached_at(PENDING), reached_at(RUNNING));
        let completed = end.and_then(reached_at);
        let updated = [scheduled, started, reached_at(CANCELLING), completed];
        Self {
            created,
            scheduled,
            started,
            completed,
            updated: updated.into_iter().flatten().max(),
        }
    }

    /// Sets the members for these times.
    fn write(&self, document: &mut Document) {
        for (name, at) in [
            ("createdAt", Some(self.created)),
            ("scheduledAt", self.scheduled),
            ("startedAt", self.started),
            ("completedAt", self.completed),
            ("updatedAt", Some(self.updated.unwrap_or(self.created))),
        ] {
            if let Some(at) = at {
                let at = timestamp(at);
                member::set(document, &format!("metadata/{name}"), at.as_str().into());
            }
        }
    }
}

/// Returns the run of each task, or `None` if it never starts.
fn runs(record: &Record) -> Vec<Option<Run>> {
    let terms = Terms::read(&record.document);
    let planned = |state: &str| record.timeline.reached_at(state, Duration::MAX);
    let Some(start) = planned(RUNNING) else {
        return terms.failures.iter().map(|_| None).collect();
    };
    let cancelled = planned(CANCELLING);
    let runs = terms.runs(start).into_iter();
    runs.map(|run| match cancelled {
        Some(at) => run.cancelled(at),
        None => Some(run),
    })
    .collect()
}

/// Returns the tasks of an execution as the API shows them, in order.
pub(crate) fn tasks(record: &Record, now: Duration) -> Vec<Document> {
    let spec = |name: &str| member::get(&record.document, name).cloned();
    let timeout = spec("spec/timeout").and_then(|timeout| timeout.as_u64());
    let timeout = format!("{}s", timeout.unwrap_or(0));
    let retries = spec("request/maxRetries").unwrap_or(json!(0));
    let spec = json!({"maxRetries": retries, "timeout": timeout});
    let reached_at = |state: &str| record.timeline.reached_at(state, now);
    let (scheduled, cancelled) = (reached_at(PENDING), reached_at(CANCELLING));
    let task = |(place, run): (usize, Option<Run>)| {
        let run = run.as_ref();
        let started = run.map(|run| run.starts).filter(|at| *at <= now);
        let completed = run.map(Run::ends).filter(|at| *at <= now);
        // A task that has not started ends with the cancellation.
        let (status, completed) = match (run, started, completed) {
            (None, ..) => (CANCELLED, cancelled),
            (_, None, _) => (PENDING, None),
            (_, _, None) => (RUNNING, None),
            (Some(run), _, end) if run.fails() => (FAILED, end),
            (Some(_), _, end) => (SUCCEEDED, end),
        };
        let mut task = Document::new();
        member::set(&mut task, "metadata/name", format!("task-{place}").into());
        let times = Times {
            created: record.created,
            scheduled,
            started,
            completed,
            updated: [scheduled, started, completed].into_iter().flatten().max(),
        };
        times.write(&mut task);
        task.insert("spec".to_owned(), spec.clone());
        task.insert("status".to_owned(), status.into());
        let attempts = run.map_or(0, |run| run.attempts);
        let conditions = completed.map(|_| condition(status, attempts));
        task.insert("conditions".to_owned(), conditions.into_iter().collect());
        task
    };
    runs(record).into_iter().enumerate().map(task).collect()
}

/// Returns the condition of a task that has ended. The API does not tell more than the names of the members.
fn condition(status: &str, attempts: u32) -> Value {
    let (state, severity) = match status {
        SUCCEEDED => ("CONDITION_SUCCEEDED", "INFO"),
        FAILED => ("CONDITION_FAILED", "ERROR"),
        _ => ("CONDITION_FAILED", "INFO"),
    };
    let message = format!("The task is {status} after {attempts} attempts.");
    json!({"type": "Completed", "state": state, "severity": severity, "message": message})
}

/// Returns the number of tasks that have been retried.
fn retried(record: &Record, now: Duration) -> usize {
    let runs = runs(record).into_iter().flatten();
    runs.filter(|run| run.attempts_by(now) > 1).count()
}

fn show(record: &Record, now: Duration, document: &mut Document) {
    let tasks = tasks(record, now);
    let in_state = |state: &str| {
        let state = Value::from(state);
        tasks
            .iter()
            .filter(|task| task.get("status") == Some(&state))
            .count()
    };
    let stats = json!({
        "total": tasks.len(),
        "running": in_state(RUNNING),
        "success": in_state(SUCCEEDED),
        "failure": in_state(FAILED),
        "cancelled": in_state(CANCELLED),
        "retried": retried(record, now),
    });
    document.insert("stats".to_owned(), stats);
    member::set(document, "spec/taskCount", tasks.len().into());
    if tasks.len() > MOST_INLINE_TASKS {
        let reference = format!("executions/{}/tasks.json", record.name);
        member::set(document, "spec/tasksRef", reference.into());
    } else {
        document.insert("tasks".to_owned(), tasks.into());
    }
    document.remove("events");
    document.remove(REQUEST);
    Times::of(record, now).write(document);
    // An execution has an id instead of a name, and it is not scheduled for a time.
    member::remove(document, "metadata/name");
    member::remove(document, "metadata/scheduledAt");
    member::set(document, "metadata/id", record.name.as_str().into());
    let overrides = document
        .get_mut("spec")
        .and_then(|spec| spec.get_mut("envOverride"));
    if let Some(overrides) = overrides.and_then(Value::as_object_mut) {
        for value in overrides.values_mut() {
            // All environment variables are masked, with another mask than elsewhere.
            *value = "***".into();
        }
    }
}
