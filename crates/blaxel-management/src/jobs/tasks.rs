//! The tasks of an execution.

use blaxel_core::{ApiVersion, OperationInfo, Period, Timestamp, open_enum};
use http::Method;
use serde::{Deserialize, Deserializer};

use crate::kind::{Listed, PLAIN_PAGE_QUERY};

response! {
    /// A task of an execution.
    pub struct JobExecutionTask {
        /// The name, and the times of its state changes.
        pub metadata: JobExecutionTaskMetadata,
        /// The limits of the task.
        pub spec: JobExecutionTaskSpec,
        /// The current status.
        pub status: Option<JobExecutionTaskStatus>,
        /// The conditions that the platform reports.
        pub conditions: Option<Vec<JobExecutionTaskCondition>>,
    }

    /// The name of a task, and the times of its state changes.
    pub struct JobExecutionTaskMetadata {
        /// The name, such as `task-0`.
        pub name: Option<String>,
        /// The time of creation.
        pub created_at: Option<Timestamp>,
        /// The time at which the task was scheduled.
        pub scheduled_at: Option<Timestamp>,
        /// The time at which the task started.
        pub started_at: Option<Timestamp>,
        /// The time at which the task ended.
        pub completed_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
    }

    /// The limits of a task.
    pub struct JobExecutionTaskSpec {
        /// The maximum number of retries.
        pub max_retries: Option<u32>,
        /// The timeout of the task.
        #[serde(deserialize_with = "text_or_seconds")]
        pub timeout: Option<Period>,
    }

    /// A condition of a task.
    pub struct JobExecutionTaskCondition {
        /// The type of the condition.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// The state of the condition.
        pub state: Option<String>,
        /// The reason for the state.
        pub reason: Option<String>,
        /// The reason for the state, if the execution itself is the reason.
        pub execution_reason: Option<String>,
        /// The severity of the condition.
        pub severity: Option<String>,
        /// The description of the condition.
        pub message: Option<String>,
    }
}

/// Deserializes a timeout from text or from a number of seconds. The API documents text, but uses a number of
/// seconds for all other timeouts.
fn text_or_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Period>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(Period),
        Seconds(u64),
    }
    Ok(
        Option::<Form>::deserialize(deserializer)?.map(|form| match form {
            Form::Text(period) => period,
            Form::Seconds(count) => Period::seconds(count),
        }),
    )
}

open_enum! {
    /// The status of a task.
    pub enum JobExecutionTaskStatus {
        /// The status is not known yet.
        Unspecified = "unspecified",
        /// The task is about to start.
        Pending = "pending",
        /// The platform is reconciling the task with its desired state.
        Reconciling = "reconciling",
        /// The task is running.
        Running = "running",
        /// The task was cancelled.
        Cancelled = "cancelled",
        /// The task failed.
        Failed = "failed",
        /// The task succeeded.
        Succeeded = "succeeded",
    }
}

resource! { JobExecutionTask { metadata: metadata, status: status } }

impl JobExecutionTaskStatus {
    /// Returns `true` if the task has ended, successfully or not. An unknown status counts as not ended.
    ///
    /// ```
    /// use blaxel_management::jobs::JobExecutionTaskStatus;
    ///
    /// assert!(JobExecutionTaskStatus::Failed.is_finished());
    /// assert!(!JobExecutionTaskStatus::Failed.is_success());
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Failed | Self::Succeeded)
    }

    /// Returns `true` if the task has succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Succeeded
    }
}

impl Listed for JobExecutionTask {
    const LIST: OperationInfo = OperationInfo::new(
        "ListJobExecutionTasks",
        Method::GET,
        "/jobs/{jobId}/executions/{executionId}/tasks",
    )
    .with_parameters(PLAIN_PAGE_QUERY)
    .with_since(ApiVersion::V2026_04_28);
    type Item = Self;
}
