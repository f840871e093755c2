//! Schedules, which run commands in a sandbox at given times, and their executions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use blaxel_core::{ApiVersion, HttpService, OperationInfo, Period, Timestamp, open_enum};
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, PLAIN_PAGE_QUERY, Replaced};
use crate::secret_text::SecretText;

record! {
    /// A command that runs in a sandbox at given times. A sandbox has at most 100 schedules.
    ///
    /// ```
    /// use blaxel_core::Period;
    /// use blaxel_management::sandboxes::{Schedule, ScheduleInput};
    ///
    /// let backup = ScheduleInput::run("tar czf /backup.tgz /app").working_dir("/");
    /// let nightly = Schedule::cron("0 3 * * *", backup.clone()).id("backup");
    /// let once = Schedule::after(Period::hours(2), backup);
    /// # let _ = (nightly, once);
    /// ```
    #[doc(alias = "SandboxScheduleEntry")]
    pub struct Schedule {
        /// The id, unique within its sandbox. If there is none, the server generates one.
        pub id: Option<String>,
        /// The type of the schedule.
        #[serde(rename = "type")]
        pub kind: Option<ScheduleKind>,
        /// The time, in the format that the type requires.
        pub value: Option<String>,
        /// The command to run, and its settings.
        pub input: Option<ScheduleInput>,
        /// The maximum number of execution records; a new record replaces the oldest. The server's default is
        /// 100.
        pub max_executions: Option<u32>,
        /// The name of the sandbox.
        #[server]
        pub sandbox: Option<String>,
        pub created_at: Option<Timestamp>,
    }

    /// The command that a schedule runs, and its settings.
    #[doc(alias = "SandboxScheduleInput")]
    pub struct ScheduleInput {
        /// The shell command.
        pub command: Option<String>,
        /// The name of the process, which identifies its state and logs.
        pub name: Option<String>,
        /// The working directory.
        pub working_dir: Option<String>,
        /// The environment variables. The server returns them masked.
        pub env: Option<BTreeMap<String, SecretText>>,
        /// `true` if the sandbox is kept running while the command runs. The server's default is `true`.
        pub keep_alive: Option<bool>,
        /// The timeout of the command in seconds; 0 for none. The server's default is 600.
        pub timeout: Option<u32>,
    }
}

response! {
    /// An execution of a schedule. It records that the command was passed to the sandbox, and does not wait for
    /// its end.
    #[doc(alias = "SandboxScheduleExecution")]
    pub struct ScheduleExecution {
        /// The id, unique within its schedule.
        pub id: Option<String>,
        /// The id of the schedule.
        pub schedule_id: Option<String>,
        /// The name of the sandbox.
        pub sandbox: Option<String>,
        /// The outcome: whether the sandbox accepted the command.
        pub status: Option<ScheduleExecutionStatus>,
        /// The name of the process, which identifies its logs.
        pub process_name: Option<String>,
        /// The time at which the command was passed to the sandbox.
        pub executed_at: Option<Timestamp>,
        /// The HTTP status of the sandbox's response: below 400 if it accepted the command, 0 if it could not
        /// be reached.
        pub status_code: Option<u32>,
        /// The reason why the command was not accepted.
        pub error: Option<String>,
        /// The timeout of the command in seconds; 0 for none.
        pub timeout: Option<u32>,
        /// The time at which the record was created.
        pub created_at: Option<Timestamp>,
    }
}

open_enum! {
    /// The type of a [`Schedule`], which determines the format of its time.
    pub enum ScheduleKind {
        /// Repeatedly, by a cron expression of five fields.
        Cron = "cron",
        /// Once, at a timestamp.
        At = "at",
        /// Once, after a period. The server stores it as a timestamp.
        Sleep = "sleep",
    }
}

open_enum! {
    /// The outcome of a [`ScheduleExecution`]. It does not tell how the command ended.
    pub enum ScheduleExecutionStatus {
        /// The sandbox accepted the command.
        Succeeded = "succeeded",
        /// The sandbox could not be reached, or refused the command.
        Failed = "failed",
    }
}

resource! {
    Schedule { name: id, created_at: created_at }

    // The ids of schedules are unique only within a sandbox.
    fn key(&self) -> Cow<'_, str> {
        path([&self.sandbox, &self.id])
    }
}

resource! {
    ScheduleExecution { name: id, created_at: created_at, status: status }

    // The ids of executions are unique only within a schedule.
    fn key(&self) -> Cow<'_, str> {
        path([&self.sandbox, &self.schedule_id, &self.id])
    }
}

/// Joins names with slashes.
fn path<const N: usize>(parts: [&Option<String>; N]) -> Cow<'_, str> {
    let parts = parts.map(|part| part.as_deref().unwrap_or_default());
    parts.join("/").into()
}

impl Schedule {
    /// Creates a draft of a schedule that runs repeatedly, by a cron expression of five fields: `0 8 * * 1-5`.
    /// Nothing is sent.
    #[must_use]
    pub fn cron(expression: impl Into<String>, input: ScheduleInput) -> Self {
        Self::timed(ScheduleKind::Cron, expression.into(), input)
    }

    /// Creates a draft of a schedule that runs once, at this time. Nothing is sent.
    #[must_use]
    pub fn at(moment: impl Into<Timestamp>, input: ScheduleInput) -> Self {
        Self::timed(ScheduleKind::At, moment.into().as_str().to_owned(), input)
    }

    /// Creates a draft of a schedule that runs once, after this period. Nothing is sent.
    #[must_use]
    pub fn after(time: impl Into<Period>, input: ScheduleInput) -> Self {
        Self::timed(ScheduleKind::Sleep, String::from(time.into()), input)
    }

    /// Creates a schedule from its type, time and command.
    fn timed(kind: ScheduleKind, value: String, input: ScheduleInput) -> Self {
        Self::new().kind(kind).value(value).input(input)
    }
}

impl ScheduleInput {
    /// Creates the settings of a command, with the server's defaults.
    #[must_use]
    pub fn run(command: impl Into<String>) -> Self {
        Self::new().command(command)
    }
}

impl ScheduleExecution {
    /// Returns `true` if the sandbox accepted the command. A server that does not report the
    /// [status](field@Self::status) reports the HTTP status.
    #[must_use]
    pub fn was_accepted(&self) -> bool {
        match &self.status {
            Some(status) => *status == ScheduleExecutionStatus::Succeeded,
            None => self
                .status_code
                .is_some_and(|status| (200..400).contains(&status)),
        }
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// Returns the collection of the schedules of a sandbox (`/sandboxes/{sandboxName}/schedules`).
    ///
    /// A page has 20 schedules by default, and at most 100.
    /// [`ListParams::kind`](blaxel_core::ListParams::kind) selects a type: `cron` or `at`.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::sandboxes::{Schedule, ScheduleInput};
    ///
    /// let schedules = management.sandboxes().schedules("code-runner");
    /// let nightly = Schedule::cron("0 3 * * *", ScheduleInput::run("make backup")).id("backup");
    /// schedules.apply(&nightly).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn schedules(&self, sandbox: &str) -> Collection<Schedule, S> {
        self.under(sandbox)
    }

    /// Returns the collection of the executions of all schedules of a sandbox, newest first
    /// (`/sandboxes/{sandboxName}/schedule-executions`). It requires API version 2026-04-28 or later.
    ///
    /// A page has 20 executions by default, and at most 100.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// let mut executions = management.sandboxes().schedule_executions("code-runner").items();
    /// while let Some(execution) = executions.try_next().await? {
    ///     println!("{:?}: accepted {}", execution.schedule_id, execution.was_accepted());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn schedule_executions(&self, sandbox: &str) -> Collection<ScheduleExecution, S> {
        self.under(sandbox)
    }
}

impl Listed for Schedule {
    const LIST: OperationInfo = OperationInfo::new(
        "ListSandboxSchedules",
        Method::GET,
        "/sandboxes/{sandboxName}/schedules",
    )
    .with_parameters(&["limit", "cursor", "sort", "q", "type"]);
    type Item = Self;
}

impl Created for Schedule {
    // Not idempotent: without an id from the caller, a second request creates a second schedule.
    const CREATE: OperationInfo = OperationInfo::new(
        "CreateSandboxSchedule",
        Method::POST,
        "/sandboxes/{sandboxName}/schedules",
    );
    type Draft = Self;
    type Made = Self;
}

impl Fetched for Schedule {
    const GET: OperationInfo = OperationInfo::new(
        "GetSandboxSchedule",
        Method::GET,
        "/sandboxes/{sandboxName}/schedules/{scheduleId}",
    );
}

impl Replaced for Schedule {
    const REPLACE: OperationInfo = OperationInfo::new(
        "UpdateSandboxSchedule",
        Method::PUT,
        "/sandboxes/{sandboxName}/schedules/{scheduleId}",
    );
}

impl Applied for Schedule {}

impl Deleted for Schedule {
    const DELETE: OperationInfo = OperationInfo::new(
        "DeleteSandboxSchedule",
        Method::DELETE,
        "/sandboxes/{sandboxName}/schedules/{scheduleId}",
    );
    type Response = Self;
}

impl Listed for ScheduleExecution {
    const LIST: OperationInfo = OperationInfo::new(
        "ListSandboxScheduleExecutions",
        Method::GET,
        "/sandboxes/{sandboxName}/schedule-executions",
    )
    .with_parameters(PLAIN_PAGE_QUERY)
    .with_since(ApiVersion::V2026_04_28);
    type Item = Self;
}
