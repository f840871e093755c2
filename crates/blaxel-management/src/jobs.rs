//! Jobs: programs that work through a batch of tasks and end.
//!
//! A job says what runs and on what; an [execution](JobExecution) of it runs once over the tasks it is
//! given, several of them side by side.

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
    Applied, Created, Deleted, Fetched, Listed, PAGE_QUERY, Replaced, Revised, SHOW_SECRETS,
    Secretive,
};
use crate::metadata::{Event, Generation, Metadata, Status};
use crate::parent_path::ParentPath;
use crate::size::Megabytes;
use crate::workload::runtime_setters;
use crate::workload::{EnvVariable, Port, Revision, RevisionRouting, Trigger, VolumeAttachment};

document! {
    /// A job.
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
    /// What a job is to be.
    pub struct JobSpec {
        /// Whether it can be executed. The server takes `true` by default.
        pub enabled: Option<bool>,
        /// The region it runs in.
        pub region: Option<String>,
        /// The names of the policies it is under.
        pub policies: Option<Vec<String>>,
        /// Which revisions run.
        pub revision: Option<RevisionRouting>,
        /// What it runs on.
        pub runtime: Option<JobRuntime>,
        /// What starts it besides a call, a schedule for instance.
        pub triggers: Option<Vec<Trigger>>,
        /// The volumes that each execution has to itself; see [`VolumeAttachment::ephemeral`].
        pub volumes: Option<Vec<VolumeAttachment>>,
        /// Has it run the workflows of GitHub repositories.
        pub github_runner: Option<GithubRunnerConfig>,
    }

    /// What a job runs on.
    pub struct JobRuntime {
        /// The container image.
        pub image: Option<String>,
        /// Its memory. The platform gives one processor for each 2048 MB.
        pub memory: Option<Megabytes>,
        /// How often a failed task is tried again.
        pub max_retries: Option<u32>,
        /// How long a task may run, in seconds.
        pub timeout: Option<u32>,
        /// The share of the memory that serves as disk, in percent: 10 to 95, and 50 by default.
        pub disk_percent: Option<u32>,
        /// The generation of the platform's machinery.
        pub generation: Option<Generation>,
        /// The ports it listens on.
        pub ports: Option<Vec<Port>>,
        /// Its environment variables.
        pub envs: Option<Vec<EnvVariable>>,
    }

    /// Which GitHub repositories a job runs the workflows of. A workflow asks for it by the name of the
    /// job in `runs-on`.
    pub struct GithubRunnerConfig {
        /// The repositories, as `owner/name`. Without any the job is no runner.
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
    /// The jobs of the workspace.
    #[must_use]
    pub fn jobs(&self) -> Collection<Job, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<Job, S> {
    /// The executions of a job.
    #[must_use]
    pub fn executions(&self, job: &str) -> Collection<JobExecution, S> {
        self.under(job)
    }
}

impl Listed for Job {
    const LIST: OperationInfo =
        OperationInfo::new("ListJobs", Method::GET, "/jobs").with_parameters(PAGE_QUERY);
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
    fn a_job_s_volume_has_all_that_the_api_requires_of_one() {
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
