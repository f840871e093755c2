//! The executions of a job.

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, Timestamp, call, open_enum};
use http::Method;
use serde_json::Value;

use super::tasks::JobExecutionTask;
use crate::collection::Collection;
use crate::kind::{Created, Fetched, Listed, PLAIN_PAGE_QUERY};
use crate::operations::{Action, Perform};
use crate::secret_text::SecretText;
use crate::size::Megabytes;

record! {
    /// What an execution is to work through.
    ///
    /// ```
    /// use blaxel_management::jobs::JobExecutionDraft;
    /// use serde_json::json;
    ///
    /// let draft = JobExecutionDraft::new()
    ///     .task(json!({"page": 1}))
    ///     .task(json!({"page": 2}))
    ///     .variable("MODE", "fast");
    /// # let _ = draft;
    /// ```
    #[doc(alias = "CreateJobExecutionRequest")]
    pub struct JobExecutionDraft {
        /// The tasks, each with arguments of any shape.
        pub tasks: Option<Vec<Value>>,
        /// Environment variables that are laid over those of the job.
        pub env: Option<BTreeMap<String, SecretText>>,
        /// Its memory, if it is to be less than the job's.
        pub memory: Option<Megabytes>,
        /// Whether it may wait for room. The server takes `true` by default; with `false` it refuses at
        /// once, with status 429, what cannot start right now.
        pub allow_queue: Option<bool>,
        /// The id it is to have; the server gives one if there is none.
        pub execution_id: Option<String>,
        /// An id for this request; the server gives one if there is none.
        pub id: Option<String>,
        /// The name of the job, which the path says already.
        pub job_id: Option<String>,
        /// The workspace, which the request says already.
        pub workspace_id: Option<String>,
    }
}

resource! {
    JobExecution {
        name: metadata.id,
        created_at: metadata.created_at,
        updated_at: metadata.updated_at,
        status: status,
    }
}

impl JobExecutionDraft {
    /// Adds a task with these arguments.
    #[must_use]
    pub fn task(mut self, arguments: impl Into<Value>) -> Self {
        self.tasks.get_or_insert_default().push(arguments.into());
        self
    }

    /// Adds an environment variable, which is laid over one of the job.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        self.env
            .get_or_insert_default()
            .insert(name.into(), value.into());
        self
    }
}

response! {
    /// What the server says of an execution that it took on.
    #[doc(alias = "CreateJobExecutionOutput")]
    pub struct StartedJobExecution {
        /// The id under which the execution is looked up and cancelled.
        pub execution_id: Option<String>,
        /// The id of the request.
        pub id: Option<String>,
        /// The name of the job.
        pub job_id: Option<String>,
        /// The workspace.
        pub workspace_id: Option<String>,
        /// The tasks, each with its arguments.
        pub tasks: Option<Vec<Value>>,
    }

    /// An execution of a job.
    pub struct JobExecution {
        /// Its id, and when it did what.
        pub metadata: JobExecutionMetadata,
        /// What it was told to do.
        pub spec: JobExecutionSpec,
        /// Where it stands.
        pub status: Option<JobExecutionStatus>,
        /// How many of its tasks stand where.
        pub stats: Option<JobExecutionStats>,
        /// Its tasks, as far as the server sends them along; the list of them is
        /// [`tasks`](Collection::tasks).
        pub tasks: Option<Vec<JobExecutionTask>>,
    }

    /// The id of an execution, and when it did what.
    pub struct JobExecutionMetadata {
        /// Its id.
        pub id: Option<String>,
        /// The name of the job.
        pub job: Option<String>,
        /// The workspace it belongs to.
        pub workspace: Option<String>,
        /// The id of the cluster it runs in.
        pub cluster: Option<String>,
        /// When it was asked for.
        pub created_at: Option<Timestamp>,
        /// When it began.
        pub started_at: Option<Timestamp>,
        /// When it ended.
        pub completed_at: Option<Timestamp>,
        /// When it changed last.
        pub updated_at: Option<Timestamp>,
        /// When it was deleted.
        pub deleted_at: Option<Timestamp>,
        /// When its time was over.
        pub expired_at: Option<Timestamp>,
    }

    /// What an execution was told to do.
    pub struct JobExecutionSpec {
        /// How many tasks run side by side.
        pub parallelism: Option<u32>,
        /// How long a task may run, in seconds.
        pub timeout: Option<u32>,
        /// Its memory, if it is not the job's.
        pub memory_override: Option<Megabytes>,
        /// The environment variables that were laid over those of the job, with masks for values.
        pub env_override: Option<BTreeMap<String, SecretText>>,
        /// Its tasks.
        pub tasks: Option<Vec<JobExecutionTask>>,
    }

    /// How many tasks of an execution stand where.
    pub struct JobExecutionStats {
        /// All of them.
        pub total: Option<u32>,
        /// Those at work.
        pub running: Option<u32>,
        /// Those that did what they were told.
        pub success: Option<u32>,
        /// Those that failed.
        pub failure: Option<u32>,
        /// Those that were cancelled.
        pub cancelled: Option<u32>,
        /// Those that were tried again.
        pub retried: Option<u32>,
    }
}

open_enum! {
    /// Where an execution stands.
    pub enum JobExecutionStatus {
        /// It waits for room.
        Queued = "queued",
        /// It is about to begin.
        Pending = "pending",
        /// It is at work.
        Running = "running",
        /// It begins no new task, and those at work are let finish.
        Cancelling = "cancelling",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// It ended, and something in it failed.
        Failed = "failed",
        /// It did what it was told.
        Succeeded = "succeeded",
        /// It took too long.
        Timeout = "timeout",
    }
}

impl JobExecutionStatus {
    /// Whether it has ended, in whatever way. A status without a name here counts as not ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Failed | Self::Succeeded | Self::Timeout
        )
    }

    /// Whether it has ended well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Succeeded
    }
}

impl JobExecution {
    /// Whether it has ended, in whatever way.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(JobExecutionStatus::is_finished)
    }

    /// Whether it has ended well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(JobExecutionStatus::is_success)
    }
}

/// Cancels an execution: `DeleteJobExecution`.
#[derive(Debug)]
pub struct DeleteJobExecution;

impl Action for DeleteJobExecution {
    const INFO: OperationInfo = OperationInfo::new(
        "DeleteJobExecution",
        Method::DELETE,
        "/jobs/{jobId}/executions/{executionId}",
    );
    type Input = ();
    type Output = JobExecution;
}

impl<S: HttpService> Collection<JobExecution, S> {
    /// Cancels an execution: no further task of it begins, those at work are let finish. It is
    /// [`Cancelling`](JobExecutionStatus::Cancelling) until they have.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is none of that id.
    pub async fn cancel(&self, execution: &str) -> Result<JobExecution, Error> {
        let path = self.parent.names().chain([execution]);
        call(&self.service, &Perform::<DeleteJobExecution>::on(path)).await
    }

    /// The tasks of an execution. The API lists them from version 2026-04-28 on.
    #[must_use]
    pub fn tasks(&self, execution: &str) -> Collection<JobExecutionTask, S> {
        self.under(execution)
    }
}

/// A page holds 20 executions by default, and at most 100.
impl Listed for JobExecution {
    const LIST: OperationInfo =
        OperationInfo::new("ListJobExecutions", Method::GET, "/jobs/{jobId}/executions")
            .with_parameters(PLAIN_PAGE_QUERY);
    type Item = Self;
}

/// It is done once: what the API makes of an id that comes a second time is not said anywhere, and a
/// job should not run twice because an answer was lost.
impl Created for JobExecution {
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateJobExecution",
        Method::POST,
        "/jobs/{jobId}/executions",
    );
    type Draft = JobExecutionDraft;
    type Made = StartedJobExecution;
}

impl Fetched for JobExecution {
    const GET: OperationInfo = OperationInfo::new(
        "GetJobExecution",
        Method::GET,
        "/jobs/{jobId}/executions/{executionId}",
    );
}

/// Whoever waits until it [is finished](JobExecution::is_finished) gets it however it ended; whoever
/// waits until it [is a success](JobExecution::is_success) gets an error if it ended otherwise. A task
/// that runs for long is nothing that happens: let [`Wait::inactivity`](crate::Wait::inactivity) be
/// longer than a task may run.
#[cfg(feature = "wait")]
impl crate::wait::Watched for JobExecution {
    fn stage(&self) -> String {
        let updated = &self.metadata.updated_at;
        format!("{:?} {:?} {updated:?}", self.status, self.stats)
    }

    fn failure(&self) -> Option<String> {
        let status = self.status.as_ref()?;
        if !status.is_finished() || status.is_success() {
            return None;
        }
        let stats = self.stats.as_ref();
        let counts = stats.and_then(|stats| stats.failure.zip(stats.total));
        Some(match counts {
            Some((failed, total)) => format!("is {status}: {failed} of {total} tasks failed"),
            None => format!("is {status}"),
        })
    }
}

#[cfg(test)]
mod tests;
