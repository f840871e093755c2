//! The schedules of all sandboxes of a workspace, their executions, and the numbers of both.

use blaxel_core::{ApiVersion, Error, HttpService, OperationInfo, Timestamp, call};
use http::Method;

use super::schedules::{Schedule, ScheduleExecution};
use crate::Management;
use crate::collection::Collection;
use crate::kind::Listed;
use crate::operations::{Action, Perform};
use crate::parent_path::ParentPath;

/// The schedules of all sandboxes of a workspace. Items are [`Schedule`]s, each with the name of its sandbox.
///
/// It lists them; [`Collection::schedules`](Collection::schedules) of the sandboxes changes those of one sandbox.
///
/// ```no_run
/// # async fn example(
/// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
/// # ) -> Result<(), blaxel_core::Error> {
/// use blaxel_core::ListParams;
///
/// let cron = ListParams::new().kind("cron");
/// for schedule in management.schedules().all_with(&cron).await? {
///     println!("{:?} of {:?}: {:?}", schedule.id, schedule.sandbox, schedule.value);
/// }
/// let metrics = management.schedules().metrics().await?;
/// println!("{:?} executions in the last 24 hours", metrics.executions);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WorkspaceSchedules;

/// The executions of the schedules of all sandboxes of a workspace. Items are [`ScheduleExecution`]s, each with the
/// name of its sandbox.
///
/// ```no_run
/// # async fn example(
/// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
/// #     yesterday: blaxel_core::Timestamp,
/// # ) -> Result<(), blaxel_core::Error> {
/// use blaxel_core::ListParams;
///
/// let failed = ListParams::new().status("failed").created_since(yesterday);
/// let mut executions = management.schedule_executions().items_with(&failed);
/// while let Some(execution) = executions.try_next().await? {
///     println!("{:?} of {:?}: {:?}", execution.schedule_id, execution.sandbox, execution.error);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WorkspaceScheduleExecutions;

response! {
    /// The number of schedules in a workspace, and of their executions in a window of time.
    ///
    /// The server counts executions since it began to collect these numbers, and the last few may be missing.
    #[doc(alias = "SandboxScheduleMetrics")]
    pub struct ScheduleMetrics {
        /// The number of executions in the window.
        pub executions: Option<u64>,
        /// The same by outcome.
        pub executions_by_status: Option<ScheduleExecutionCounts>,
        /// The number of sandboxes that exist.
        pub sandboxes: Option<u64>,
        /// The number of schedules.
        pub schedules: Option<u64>,
        /// The start of the window, inclusive: the start of a minute.
        pub since: Option<Timestamp>,
        /// The end of the window, exclusive: the start of a minute.
        pub until: Option<Timestamp>,
    }

    /// The number of executions by outcome.
    #[doc(alias = "SandboxScheduleExecutionStatusMetrics")]
    pub struct ScheduleExecutionCounts {
        /// The executions whose command the sandbox accepted.
        pub succeeded: Option<u64>,
        /// The executions whose command the sandbox did not accept.
        pub failed: Option<u64>,
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the handle for the schedules of all sandboxes (`/schedules`). It requires API version 2026-04-28 or
    /// later.
    ///
    /// A page has 20 schedules by default, and at most 100. [`ListParams`](blaxel_core::ListParams) filters by
    /// `kind` and `sandbox`, and sorts by creation. See [`WorkspaceSchedules`] for an example.
    #[must_use]
    pub fn schedules(&self) -> Collection<WorkspaceSchedules, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }

    /// Returns the handle for the executions of the schedules of all sandboxes (`/schedule-executions`). It requires
    /// API version 2026-04-28 or later.
    ///
    /// A page has 20 executions by default, and at most 100. [`ListParams`](blaxel_core::ListParams) filters by
    /// `status`, `sandbox`, `schedule`, `created_since` and `created_until`, and sorts by creation. See
    /// [`WorkspaceScheduleExecutions`] for an example.
    #[must_use]
    pub fn schedule_executions(&self) -> Collection<WorkspaceScheduleExecutions, S> {
        Collection::new(self.service.clone(), ParentPath::root())
    }
}

impl<S: HttpService> Collection<WorkspaceSchedules, S> {
    /// Returns the number of schedules, and of their executions in the last 24 hours (`GET /schedules/metrics`).
    ///
    /// See [`WorkspaceSchedules`] for an example.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub async fn metrics(&self) -> Result<ScheduleMetrics, Error> {
        call(&self.service, &Perform::<GetScheduleMetrics>::new()).await
    }

    /// Returns the number of schedules, and of their executions from `since` until before `until`
    /// (`GET /schedules/metrics`). The server rounds both down to minutes.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use std::time::Duration;
    /// use blaxel_core::Timestamp;
    ///
    /// let now = Timestamp::now();
    /// let week = Duration::from_secs(7 * 24 * 60 * 60);
    /// let metrics = management.schedules().metrics_between(&now.saturating_sub(week), &now).await?;
    /// println!("{:?}", metrics.executions_by_status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// An error with status 400 if the window is empty, or longer than 7 days.
    pub async fn metrics_between(
        &self,
        since: &Timestamp,
        until: &Timestamp,
    ) -> Result<ScheduleMetrics, Error> {
        let metrics = Perform::<GetScheduleMetrics>::new()
            .query("since", since.as_str())
            .query("until", until.as_str());
        call(&self.service, &metrics).await
    }
}

impl Listed for WorkspaceSchedules {
    const LIST: OperationInfo = OperationInfo::new("ListSchedules", Method::GET, "/schedules")
        .with_parameters(&["limit", "cursor", "sort", "q", "sandbox", "type"])
        .with_since(ApiVersion::V2026_04_28);
    type Item = Schedule;
}

impl Listed for WorkspaceScheduleExecutions {
    const LIST: OperationInfo = OperationInfo::new(
        "ListScheduleExecutions",
        Method::GET,
        "/schedule-executions",
    )
    .with_parameters(&[
        "limit", "cursor", "sort", "q", "status", "sandbox", "schedule", "since", "until",
    ])
    .with_since(ApiVersion::V2026_04_28);
    type Item = ScheduleExecution;
}

/// Counts schedules and their executions: the operation `GetSandboxScheduleMetrics`.
#[derive(Clone, Copy, Debug)]
pub struct GetScheduleMetrics;

impl Action for GetScheduleMetrics {
    const INFO: OperationInfo = OperationInfo::new(
        "GetSandboxScheduleMetrics",
        Method::GET,
        "/schedules/metrics",
    )
    .with_parameters(&["since", "until"])
    .with_since(ApiVersion::V2026_04_28);
    type Input = ();
    type Output = ScheduleMetrics;
}
