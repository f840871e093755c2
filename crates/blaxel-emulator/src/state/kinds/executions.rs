//! Executions of jobs and their states over time.

use std::time::Duration;

use serde_json::{Value, json};

use super::workloads::JOBS;
use crate::clock::timestamp;
use crate::state::kind::{AuditFields, Kind, Lifecycle, Listing, Operations, Pages};
use crate::state::timeline::Timeline;
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
    compute: |rows, _, record, document| show(record, rows.now(), document),
    ..Kind::RESOURCE
};

/// The member with the request: its `id` and the parameters of the `tasks`. It is not shown.
pub(crate) const REQUEST: &str = "request";

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

    fn state(self) -> (&'static str, &'static str) {
        match self {
            Self::Succeeded => (SUCCEEDED, "All tasks are done."),
            Self::Failed => (FAILED, "The tasks have failed (requested by the test)."),
            Self::TimedOut => (
                TIMED_OUT,
                "The tasks took too long (requested by the test).",
            ),
        }
    }
}

/// Plans an execution with this total duration. It runs after a quarter of that time.
pub(crate) fn plan(timeline: &mut Timeline, at: Duration, lasts: Duration, fate: FinalState) {
    for (eighths, state) in [
        (0, (QUEUED, "The execution is queued.")),
        (1, (PENDING, "The execution is about to start.")),
        (2, (RUNNING, "The tasks are running.")),
        (8, fate.state()),
    ] {
        timeline.add_state(at.saturating_add(lasts * eighths / 8), EVENT, state);
    }
}

/// Cancels an execution unless it is over. Running tasks are completed, and no others start.
pub(crate) fn cancel(timeline: &mut Timeline, now: Duration) {
    let is_over = timeline.status(now).is_some_and(ends);
    let Some(end) = timeline.last_change().filter(|_| !is_over) else {
        return;
    };
    timeline.cancel_pending(now);
    timeline.add_state(
        now,
        EVENT,
        (CANCELLING, "The execution is being cancelled."),
    );
    timeline.add_state(end, EVENT, (CANCELLED, "The execution was cancelled."));
}

fn ends(state: &str) -> bool {
    [SUCCEEDED, FAILED, TIMED_OUT, CANCELLED].contains(&state)
}

/// The times of an execution that have been reached.
struct Times {
    created: Duration,
    scheduled: Option<Duration>,
    started: Option<Duration>,
    completed: Option<Duration>,
    updated: Duration,
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
            updated: updated.into_iter().flatten().max().unwrap_or(created),
        }
    }

    /// Sets the members for these times.
    fn write(&self, document: &mut Document) {
        for (name, at) in [
            ("createdAt", Some(self.created)),
            ("scheduledAt", self.scheduled),
            ("startedAt", self.started),
            ("completedAt", self.completed),
            ("updatedAt", Some(self.updated)),
        ] {
            if let Some(at) = at {
                let at = timestamp(at);
                member::set(document, &format!("metadata/{name}"), at.as_str().into());
            }
        }
    }
}

/// Returns the tasks of an execution as the API shows them, in order. All run at the same time.
pub(crate) fn tasks(record: &Record, now: Duration) -> Vec<Document> {
    let times = Times::of(record, now);
    let state = record.timeline.status(now).unwrap_or(QUEUED);
    let status = match (times.started, state) {
        (None, CANCELLING | CANCELLED) => CANCELLED,
        (None, _) => PENDING,
        (Some(_), RUNNING | CANCELLING) => RUNNING,
        (Some(_), FAILED | TIMED_OUT) => FAILED,
        // Tasks that were running when the execution was cancelled are completed.
        (Some(_), _) => SUCCEEDED,
    };
    let spec = |name: &str| member::get(&record.document, name).cloned();
    let retries = spec("request/maxRetries").unwrap_or(json!(0));
    let timeout = spec("spec/timeout").and_then(|timeout| timeout.as_u64());
    let count = member::get(&record.document, "request/tasks").and_then(Value::as_array);
    let task = |place: usize| {
        let mut task = Document::new();
        member::set(&mut task, "metadata/name", format!("task-{place}").into());
        times.write(&mut task);
        let timeout = format!("{}s", timeout.unwrap_or(0));
        task.insert(
            "spec".to_owned(),
            json!({"maxRetries": retries, "timeout": timeout}),
        );
        task.insert("status".to_owned(), status.into());
        let conditions = times.completed.map(|_| {
            let (state, severity) = if status == FAILED {
                ("CONDITION_FAILED", "ERROR")
            } else {
                ("CONDITION_SUCCEEDED", "INFO")
            };
            json!({"type": "Completed", "state": state, "severity": severity})
        });
        task.insert("conditions".to_owned(), conditions.into_iter().collect());
        task
    };
    (0..count.map_or(0, Vec::len)).map(task).collect()
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
        "retried": 0,
    });
    document.insert("stats".to_owned(), stats);
    document.insert("tasks".to_owned(), tasks.into());
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
