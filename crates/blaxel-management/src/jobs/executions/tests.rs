#![allow(clippy::unwrap_used)]

use blaxel_core::{ApiVersion, Operation as _, Period};
use serde::Deserialize as _;
use serde_json::json;

use super::super::tasks::{JobExecutionTaskSpec, JobExecutionTaskStatus};
use super::*;
use crate::operations::{Create, List};
use crate::parent_path::ParentPath;

fn decode(document: &Value) -> JobExecution {
    JobExecution::deserialize(document).unwrap()
}

#[test]
fn a_complete_execution_is_decoded() {
    let execution = decode(&json!({
        "metadata": {
            "id": "exec-1", "job": "nightly", "workspace": "team", "cluster": "c1",
            "createdAt": "2026-05-01T00:00:00.123456789Z", "completedAt": "", "later": 1,
        },
        "spec": {
            "parallelism": 5, "timeout": 3600, "memoryOverride": 2048,
            "envOverride": {"MODE": "***"},
            "taskCount": 20_000, "tasksRef": "executions/exec-1/tasks.json",
            "tasks": [{"metadata": {"name": "task-0"}, "spec": {"maxRetries": 3, "timeout": "30m"}}],
        },
        "stats": {"total": 10, "success": 8, "failure": 1, "running": 1, "cancelled": 0, "retried": 2},
        "status": "running",
        "tasks": [{
            "status": "reconciling",
            "conditions": [{"type": "Ready", "state": "False", "executionReason": "none"}],
        }],
    }));
    assert_eq!(execution.metadata.id.as_deref(), Some("exec-1"));
    assert_eq!(execution.spec.memory_override, Some(Megabytes::new(2048)));
    assert_eq!(execution.spec.task_count, Some(20_000));
    assert_eq!(
        execution.spec.tasks_ref.as_deref(),
        Some("executions/exec-1/tasks.json")
    );
    let task = &execution.spec.tasks.as_ref().unwrap()[0];
    assert_eq!(task.spec.timeout, Some(Period::minutes(30)));
    let task = &execution.tasks.as_ref().unwrap()[0];
    assert_eq!(task.status, Some(JobExecutionTaskStatus::Reconciling));
    let condition = &task.conditions.as_ref().unwrap()[0];
    assert_eq!(condition.kind.as_deref(), Some("Ready"));
    assert_eq!(execution.stats.as_ref().unwrap().retried, Some(2));
}

#[test]
fn a_task_s_timeout_may_be_text_a_number_of_seconds_or_nothing() {
    for (timeout, expected) in [
        (json!("30m"), Some(Period::minutes(30))),
        (json!(90), Some(Period::seconds(90))),
        (Value::Null, None),
    ] {
        let spec = json!({"timeout": timeout});
        let spec = JobExecutionTaskSpec::deserialize(spec).unwrap();
        assert_eq!(spec.timeout, expected);
    }
    let spec = JobExecutionTaskSpec::deserialize(json!({})).unwrap();
    assert_eq!(spec.timeout, None);
}

#[test]
fn every_final_status_is_finished_and_only_one_is_a_success() {
    for (status, finished, success) in [
        ("queued", false, false),
        ("pending", false, false),
        ("running", false, false),
        ("cancelling", false, false),
        ("cancelled", true, false),
        ("failed", true, false),
        ("succeeded", true, true),
        ("timeout", true, false),
        ("paused", false, false),
    ] {
        let execution = decode(&json!({"status": status}));
        assert_eq!(execution.is_finished(), finished, "{status}");
        assert_eq!(execution.is_success(), success, "{status}");
    }
    assert!(!decode(&json!({})).is_finished());
}

#[test]
fn a_draft_serializes_what_was_set_and_its_debug_output_hides_variables() {
    let draft = JobExecutionDraft::new()
        .task(json!({"page": 1}))
        .variable("KEY", "hush")
        .memory(1024)
        .allow_queue(false)
        .execution_id("exec-1");
    let create = Create::<JobExecution>::new(&draft).within(&ParentPath::new(["nightly"]));
    assert_eq!(
        create.encode().unwrap().uri(),
        "blaxel://control/jobs/nightly/executions"
    );
    let expected = json!({
        "tasks": [{"page": 1}],
        "env": {"KEY": "hush"},
        "memory": 1024,
        "allowQueue": false,
        "executionId": "exec-1",
    });
    assert_eq!(serde_json::to_value(&draft).unwrap(), expected);
    assert!(!format!("{draft:?}").contains("hush"));
}

#[test]
fn executions_are_nested_under_the_job_and_tasks_under_both() {
    let params = blaxel_core::ListParams::new().limit(100);
    let list = List::<JobExecution>::new(params.clone()).within(&ParentPath::new(["nightly"]));
    assert_eq!(
        list.encode().unwrap().uri(),
        "blaxel://control/jobs/nightly/executions?limit=100"
    );
    let list =
        List::<JobExecutionTask>::new(params).within(&ParentPath::new(["nightly", "exec-1"]));
    assert_eq!(
        list.encode().unwrap().uri(),
        "blaxel://control/jobs/nightly/executions/exec-1/tasks?limit=100"
    );
    assert_eq!(JobExecutionTask::LIST.since(), ApiVersion::V2026_04_28);
}

#[cfg(feature = "wait")]
#[test]
fn the_failure_names_the_number_of_failed_tasks() {
    use crate::wait::Watched as _;

    let execution = decode(&json!({"status": "timeout", "stats": {"total": 3, "failure": 1}}));
    assert_eq!(
        execution.failure().as_deref(),
        Some("is timeout: 1 of 3 tasks failed")
    );
    assert_eq!(decode(&json!({"status": "succeeded"})).failure(), None);
    assert_eq!(decode(&json!({"status": "running"})).failure(), None);
    let one_done = decode(&json!({"status": "running", "stats": {"success": 1}}));
    let two_done = decode(&json!({"status": "running", "stats": {"success": 2}}));
    assert_ne!(one_done.stage(), two_done.stage());
}

/// A service whose execution has these statuses, one with each poll.
#[cfg(feature = "wait")]
fn executing(statuses: &'static [&'static str]) -> Collection<JobExecution, impl HttpService> {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let polls = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn(move |request: http::Request<blaxel_core::Body>| {
        assert_eq!(
            request.uri(),
            "blaxel://control/jobs/nightly/executions/exec-1"
        );
        let poll = polls.fetch_add(1, Ordering::Relaxed);
        let status = statuses[poll.min(statuses.len() - 1)];
        let body = blaxel_core::Body::from(json!({"status": status}).to_string());
        std::future::ready(Ok::<_, Infallible>(http::Response::new(body)))
    });
    crate::Management::new(service).jobs().executions("nightly")
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn a_wait_for_the_end_also_ends_with_a_timeout_of_the_execution() {
    let wait = crate::Wait::new();
    let execution = executing(&["queued", "running", "timeout"])
        .wait_until("exec-1", &wait, JobExecution::is_finished)
        .await
        .unwrap();
    assert_eq!(execution.status, Some(JobExecutionStatus::Timeout));
}

#[cfg(feature = "wait")]
#[tokio::test(start_paused = true)]
async fn a_wait_for_success_fails_once_success_is_impossible() {
    let wait = crate::Wait::new();
    let error = executing(&["running", "cancelled"])
        .wait_until("exec-1", &wait, JobExecution::is_success)
        .await
        .unwrap_err();
    assert!(error.is_failed(), "{error}");
    let execution = executing(&["running", "succeeded"])
        .wait_until("exec-1", &wait, JobExecution::is_success)
        .await
        .unwrap();
    assert!(execution.is_success());
}
