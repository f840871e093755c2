//! The tasks of an execution.

use blaxel_core::{ApiVersion, OperationInfo, Period, Timestamp, open_enum};
use http::Method;
use serde::{Deserialize, Deserializer};

use crate::kind::{Listed, PLAIN_PAGE_QUERY};

response! {
    /// A task of an execution.
    pub struct JobExecutionTask {
        /// Its name, and when it did what.
        pub metadata: JobExecutionTaskMetadata,
        /// What it is allowed.
        pub spec: JobExecutionTaskSpec,
        /// Where it stands.
        pub status: Option<JobExecutionTaskStatus>,
        /// What the platform notes about its course.
        pub conditions: Option<Vec<JobExecutionTaskCondition>>,
    }

    /// The name of a task, and when it did what.
    pub struct JobExecutionTaskMetadata {
        /// Its name, such as `task-0`.
        pub name: Option<String>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was given a place to run.
        pub scheduled_at: Option<Timestamp>,
        /// When it began.
        pub started_at: Option<Timestamp>,
        /// When it ended.
        pub completed_at: Option<Timestamp>,
        /// When it changed last.
        pub updated_at: Option<Timestamp>,
    }

    /// What a task is allowed.
    pub struct JobExecutionTaskSpec {
        /// How often it is tried again.
        pub max_retries: Option<u32>,
        /// How long it may run.
        #[serde(deserialize_with = "text_or_seconds")]
        pub timeout: Option<Period>,
    }

    /// A note about the course of a task.
    pub struct JobExecutionTaskCondition {
        /// What it is about.
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// How it stands with that.
        pub state: Option<String>,
        /// Why.
        pub reason: Option<String>,
        /// Why, as far as the execution itself is the reason.
        pub execution_reason: Option<String>,
        /// How much it matters.
        pub severity: Option<String>,
        /// The note in words.
        pub message: Option<String>,
    }
}

/// The API calls it a text; everywhere else such a limit is a number of seconds.
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
    /// Where a task stands.
    pub enum JobExecutionTaskStatus {
        /// Nothing is known of it yet.
        Unspecified = "unspecified",
        /// It is about to begin.
        Pending = "pending",
        /// The platform is bringing it to where it should be.
        Reconciling = "reconciling",
        /// It is at work.
        Running = "running",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It failed.
        Failed = "failed",
        /// It did what it was told.
        Succeeded = "succeeded",
    }
}

resource! { JobExecutionTask { metadata: metadata, status: status } }

impl JobExecutionTaskStatus {
    /// Whether it has ended, in whatever way. A status without a name here counts as not ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Failed | Self::Succeeded)
    }

    /// Whether it has ended well.
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
