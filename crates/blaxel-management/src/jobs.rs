//! Jobs: programs that process a batch of tasks and exit.
//!
//! A [`Job`] defines the image and the resources. A [`JobExecution`] is one run of it over a list of tasks,
//! several of them in parallel. It is created from a [`JobExecutionDraft`], and each of its tasks is a
//! [`JobExecutionTask`]. [`Management::jobs`] returns the collection of jobs, and
//! [`executions`](crate::Collection::executions) that of the executions of one.

mod executions;
#[cfg(feature = "wait")]
mod follow;
mod tasks;

use blaxel_core::{HttpService, Idempotency, OperationInfo};
use http::Method;

pub use self::executions::{
    DeleteJobExecution, JobExecution, JobExecutionDraft, JobExecutionMetadata, JobExecutionSpec,
    JobExecutionStats, JobExecutionStatus, StartedJobExecution,
};
pub use self::tasks::{
    JobExecutionTask, JobExecutionTaskCondition, JobExecutionTaskMetadata, JobExecutionTaskSpec,
    JobExecutionTaskStatus,
};
use crate::Management;
use crate::collection::Collection;
use crate::kind::{
    Applied, Created, Deleted, Fetched, Listed, NAMED_PAGE_QUERY, Replaced, Revised, SHOW_SECRETS,
    Secretive,
};
use crate::metadata::{Event, Generation, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::runtime_setters;
use crate::workload::{EnvVariable, Port, Revision, RevisionRouting, Trigger, VolumeAttachment};

document! {
    /// A job: a program that processes a batch of tasks and exits.
    ///
    /// ```
    /// use blaxel_management::Megabytes;
    /// use blaxel_management::jobs::Job;
    /// use blaxel_management::workload::VolumeAttachment;
    ///
    /// let job = Job::new("nightly")
    ///     .image("my-team/nightly:latest")
    ///     .memory(Megabytes::gigabytes(4))
    ///     .volume(VolumeAttachment::ephemeral("scratch", "/scratch", Megabytes::gigabytes(10)))
    ///     .timeout(15 * 60)
    ///     .max_retries(2);
    /// # let _ = job;
    /// ```
    pub struct Job {
        pub metadata: Metadata,
        pub spec: JobSpec,
        pub status: Option<Status>,
        pub events: Option<Vec<Event>>,
    }
}

record! {
    /// The desired state of a job.
    pub struct JobSpec {
        /// `true` if the job can be executed. The server's default is `true`.
        pub enabled: Option<bool>,
        /// The region that the job runs in.
        pub region: Option<String>,
        /// The names of the policies that apply.
        pub policies: Option<Vec<String>>,
        /// The distribution of executions among revisions.
        pub revision: Option<RevisionRouting>,
        /// The runtime: image, resources and environment.
        pub runtime: Option<JobRuntime>,
        /// The triggers that start the job in addition to calls, such as a schedule.
        pub triggers: Option<Vec<Trigger>>,
        /// The volumes of each execution, which are not shared; see [`VolumeAttachment::ephemeral`].
        pub volumes: Option<Vec<VolumeAttachment>>,
        /// The settings that make the job a runner of GitHub workflows.
        pub github_runner: Option<GithubRunnerConfig>,
    }

    /// The runtime of a job: image, resources and environment.
    pub struct JobRuntime {
        /// The container image.
        pub image: Option<String>,
        /// The memory. The platform assigns one CPU per 2048 MB.
        pub memory: Option<Megabytes>,
        /// The maximum number of retries of a failed task.
        pub max_retries: Option<u32>,
        /// The timeout of a task, in seconds.
        pub timeout: Option<u32>,
        /// The share of the memory that is used as disk, in percent: 10 to 95. The default is 50.
        pub disk_percent: Option<u32>,
        /// The generation of the platform's infrastructure.
        pub generation: Option<Generation>,
        /// The ports that it listens on.
        pub ports: Option<Vec<Port>>,
        /// The environment variables.
        pub envs: Option<Vec<EnvVariable>>,
    }

    /// The GitHub repositories whose workflows a job runs. A workflow selects the job by its name in `runs-on`.
    pub struct GithubRunnerConfig {
        /// The repositories, as `owner/name`. If the list is empty, the job is not a runner.
        pub repositories: Option<Vec<String>>,
    }
}

resource! { Job { metadata: metadata, labels: metadata.labels, status: status } }

runtime_setters! { Job: JobRuntime }

deep_setters! { Job:
    spec JobSpec {
        enabled: bool,
        policy: [String policies],
        revision: RevisionRouting,
        trigger: [Trigger triggers],
        volume: [VolumeAttachment volumes],
        github_runner: GithubRunnerConfig,
    }
    runtime JobRuntime {
        max_retries: u32,
        timeout: u32,
        disk_percent: u32,
        generation: Generation,
        port: [Port ports],
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the collection of the workspace's jobs (`/jobs`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// for job in management.jobs().all().await? {
    ///     println!("{} is {:?}", job.metadata.name, job.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn jobs(&self) -> Collection<Job, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<Job, S> {
    /// Returns the collection of the executions of a job (`/jobs/{jobId}/executions`).
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::jobs::JobExecutionDraft;
    /// use serde_json::json;
    ///
    /// let executions = management.jobs().executions("nightly");
    /// let draft = JobExecutionDraft::new().task(json!({"page": 1}));
    /// println!("{}", executions.create(&draft).await?.try_id()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn executions(&self, job: &str) -> Collection<JobExecution, S> {
        self.under(job)
    }
}

impl Listed for Job {
    const LIST: OperationInfo =
        OperationInfo::new("ListJobs", Method::GET, "/jobs").with_parameters(NAMED_PAGE_QUERY);
    type Item = Self;
}

impl Created for Job {
    const CREATE: OperationInfo = OperationInfo::new("CreateJob", Method::POST, "/jobs")
        .with_idempotency(Idempotency::ClientNamed);
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Job {
    const GET: OperationInfo =
        OperationInfo::new("GetJob", Method::GET, "/jobs/{jobId}").with_parameters(SHOW_SECRETS);
}

impl Secretive for Job {}

impl Replaced for Job {
    const REPLACE: OperationInfo = OperationInfo::new("UpdateJob", Method::PUT, "/jobs/{jobId}");
}

impl Applied for Job {}

impl Deleted for Job {
    const DELETE: OperationInfo = OperationInfo::new("DeleteJob", Method::DELETE, "/jobs/{jobId}");
    type Response = Self;
}

impl Revised for Job {
    const REVISIONS: OperationInfo =
        OperationInfo::new("ListJobRevisions", Method::GET, "/jobs/{jobId}/revisions");
    type Revision = Revision;
}

#[cfg(feature = "wait")]
crate::wait::watched! { Job }

#[cfg(feature = "upload")]
crate::upload::uploadable! { Job }

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_ephemeral_volume_has_all_members_that_the_api_requires() {
        let job =
            Job::new("nightly").volume(VolumeAttachment::ephemeral("scratch", "/scratch", 2048));
        let expected = json!({
            "metadata": {"name": "nightly"},
            "spec": {"volumes": [
                {"name": "scratch", "mountPath": "/scratch", "type": "ephemeral", "sizeMb": 2048},
            ]},
        });
        assert_eq!(serde_json::to_value(&job).unwrap(), expected);
    }
}
