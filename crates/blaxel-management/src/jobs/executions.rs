//! The executions of a job, and the operations on them.

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
    /// The request that starts an execution: its tasks and overrides.
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
        /// The tasks. The arguments of each task are a JSON value of any type. All of them are sent with the request;
        /// the server stores a long list by reference.
        pub tasks: Option<Vec<Value>>,
        /// Environment variables that override those of the job.
        pub env: Option<BTreeMap<String, SecretText>>,
        /// The memory, if it should be less than that of the job.
        pub memory: Option<Megabytes>,
        /// `true` if the execution may be queued. The server's default is `true`. With `false`, the server
        /// rejects an execution that cannot start immediately, with status 429.
        pub allow_queue: Option<bool>,
        /// The id of the execution. If there is none, the server generates one.
        pub execution_id: Option<String>,
        /// The id of the request. If there is none, the server generates one.
        pub id: Option<String>,
        /// The name of the job. It is redundant with the path.
        pub job_id: Option<String>,
        /// The workspace. It is redundant with that of the request.
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

impl StartedJobExecution {
    /// Returns the id of the execution, which every response of the platform has.
    ///
    /// ```no_run
    /// # use blaxel_core::{Error, HttpService};
    /// # use blaxel_management::{Collection, jobs::JobExecution};
    /// # async fn example(executions: Collection<JobExecution, impl HttpService>) -> Result<(), Error> {
    /// use blaxel_management::jobs::JobExecutionDraft;
    ///
    /// let draft = JobExecutionDraft::new().task(serde_json::json!({"page": 1}));
    /// let started = executions.create(&draft).await?;
    /// let execution = executions.get(started.try_id()?).await?;
    /// # let _ = execution;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the response had none.
    pub fn try_id(&self) -> Result<&str, Error> {
        let missing = || Error::decode("the response has no id of the execution");
        self.execution_id.as_deref().ok_or_else(missing)
    }
}

impl JobExecutionDraft {
    /// Adds a task with these arguments.
    #[must_use]
    pub fn task(mut self, arguments: impl Into<Value>) -> Self {
        self.tasks.get_or_insert_default().push(arguments.into());
        self
    }

    /// Adds an environment variable, which overrides that of the job.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        self.env
            .get_or_insert_default()
            .insert(name.into(), value.into());
        self
    }
}

response! {
    /// The response to the start of an execution.
    #[doc(alias = "CreateJobExecutionOutput")]
    pub struct StartedJobExecution {
        /// The id of the execution, for `get` and `cancel`.
        pub execution_id: Option<String>,
        /// The id of the request.
        pub id: Option<String>,
        /// The name of the job.
        pub job_id: Option<String>,
        /// The workspace.
        pub workspace_id: Option<String>,
        /// The arguments of each task.
        pub tasks: Option<Vec<Value>>,
    }

    /// An execution of a job: one run over a list of tasks.
    pub struct JobExecution {
        /// The id, and the times of its state changes.
        pub metadata: JobExecutionMetadata,
        /// The settings of the execution.
        pub spec: JobExecutionSpec,
        /// The current status.
        pub status: Option<JobExecutionStatus>,
        /// The number of tasks by status.
        pub stats: Option<JobExecutionStats>,
        /// The tasks that the server includes in the response. [`tasks`](Collection::tasks) returns the
        /// complete list.
        pub tasks: Option<Vec<JobExecutionTask>>,
    }

    /// The id of an execution, and the times of its state changes.
    pub struct JobExecutionMetadata {
        /// The id of the execution.
        pub id: Option<String>,
        /// The name of the job.
        pub job: Option<String>,
        /// The workspace that the execution belongs to.
        pub workspace: Option<String>,
        /// The id of the cluster that the execution runs in.
        pub cluster: Option<String>,
        /// The time of the request.
        pub created_at: Option<Timestamp>,
        /// The time at which the execution started.
        pub started_at: Option<Timestamp>,
        /// The time at which the execution ended.
        pub completed_at: Option<Timestamp>,
        /// The time of the last change.
        pub updated_at: Option<Timestamp>,
        /// The time of deletion.
        pub deleted_at: Option<Timestamp>,
        /// The time at which the execution expired.
        pub expired_at: Option<Timestamp>,
    }

    /// The settings of an execution.
    pub struct JobExecutionSpec {
        /// The number of tasks that run in parallel.
        pub parallelism: Option<u32>,
        /// The timeout of a task, in seconds.
        pub timeout: Option<u32>,
        /// The memory, if it differs from that of the job.
        pub memory_override: Option<Megabytes>,
        /// The environment variables that override those of the job. Their values are masked.
        pub env_override: Option<BTreeMap<String, SecretText>>,
        /// The number of tasks.
        pub task_count: Option<u32>,
        /// The tasks.
        pub tasks: Option<Vec<JobExecutionTask>>,
        /// The reference to the tasks, if they are too many to be included.
        /// [`tasks`](Collection::tasks) returns all of them in any case.
        pub tasks_ref: Option<String>,
    }

    /// The number of tasks of an execution, by status.
    pub struct JobExecutionStats {
        /// The number of all tasks.
        pub total: Option<u32>,
        /// The number of running tasks.
        pub running: Option<u32>,
        /// The number of tasks that succeeded.
        pub success: Option<u32>,
        /// The number of tasks that failed.
        pub failure: Option<u32>,
        /// The number of cancelled tasks.
        pub cancelled: Option<u32>,
        /// The number of tasks that were retried.
        pub retried: Option<u32>,
    }
}

open_enum! {
    /// The status of an execution.
    pub enum JobExecutionStatus {
        /// The execution waits for capacity.
        Queued = "queued",
        /// The execution is about to start.
        Pending = "pending",
        /// The execution is running.
        Running = "running",
        /// The execution starts no further task; running tasks are completed.
        Cancelling = "cancelling",
        /// The execution was cancelled.
        Cancelled = "cancelled",
        /// The execution ended with a failure.
        Failed = "failed",
        /// The execution succeeded.
        Succeeded = "succeeded",
        /// The execution exceeded its timeout.
        Timeout = "timeout",
    }
}

impl JobExecutionStatus {
    /// Returns `true` if the execution has ended, successfully or not. An unknown status counts as not ended.
    ///
    /// ```
    /// use blaxel_management::jobs::JobExecutionStatus;
    ///
    /// assert!(JobExecutionStatus::Timeout.is_finished());
    /// assert!(!JobExecutionStatus::Timeout.is_success());
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Failed | Self::Succeeded | Self::Timeout
        )
    }

    /// Returns `true` if the execution has succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Succeeded
    }
}

impl JobExecution {
    /// Returns `true` if the execution has ended, successfully or not.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(JobExecutionStatus::is_finished)
    }

    /// Returns `true` if the execution has succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(JobExecutionStatus::is_success)
    }
}

/// Cancels an execution: `DELETE /jobs/{jobId}/executions/{executionId}`.
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
    /// Cancels an execution (`DELETE /jobs/{jobId}/executions/{executionId}`).
    ///
    /// No further task starts, and running tasks are completed. Until then the status is
    /// [`Cancelling`](JobExecutionStatus::Cancelling).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let execution = management.jobs().executions("nightly").cancel("exec-1").await?;
    /// println!("{:?}", execution.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if there is no execution with that id; otherwise the error of the call.
    pub async fn cancel(&self, execution: &str) -> Result<JobExecution, Error> {
        let path = self.parent.names().chain([execution]);
        call(&self.service, &Perform::<DeleteJobExecution>::on(path)).await
    }

    /// Returns the collection of the tasks of an execution
    /// (`/jobs/{jobId}/executions/{executionId}/tasks`). It requires API version 2026-04-28 or later.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let executions = management.jobs().executions("nightly");
    /// let mut tasks = executions.tasks("exec-1").items();
    /// while let Some(task) = tasks.try_next().await? {
    ///     println!("{:?} is {:?}", task.metadata.name, task.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tasks(&self, execution: &str) -> Collection<JobExecutionTask, S> {
        self.under(execution)
    }
}

/// A page has 20 executions by default, and at most 100.
impl Listed for JobExecution {
    const LIST: OperationInfo =
        OperationInfo::new("ListJobExecutions", Method::GET, "/jobs/{jobId}/executions")
            .with_parameters(PLAIN_PAGE_QUERY);
    type Item = Self;
}

/// Starting an execution is not retried: the API does not document its response to a repeated id, and a job
/// should not run twice because a response was lost.
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

/// With [`is_finished`](JobExecution::is_finished) as its condition, a wait returns the execution however it
/// ended. With [`is_success`](JobExecution::is_success), it fails if the execution ended otherwise. A
/// running task is not a change: set [`Wait::inactivity`](crate::Wait::inactivity) to more than the timeout of
/// a task.
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
