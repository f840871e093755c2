//! Schedules: commands that run in a sandbox at set times, and the record of their runs.

use std::borrow::Cow;

use std::collections::BTreeMap;

use blaxel_core::{ApiVersion, HttpService, OperationInfo, Period, Timestamp, open_enum};
use http::Method;

use super::Sandbox;
use crate::collection::Collection;
use crate::kind::{Applied, Created, Deleted, Fetched, Listed, PLAIN_PAGE_QUERY, Replaced};
use crate::secret_text::SecretText;

record! {
    /// A command that runs in a sandbox at set times. A sandbox has at most 100.
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
        /// Its id, within its sandbox; the server gives one if there is none.
        pub id: Option<String>,
        /// How its time is told.
        #[serde(rename = "type")]
        pub kind: Option<ScheduleKind>,
        /// Its time, in the form that its kind says.
        pub value: Option<String>,
        /// What runs.
        pub input: Option<ScheduleInput>,
        /// How many of its runs are kept on record; the oldest one goes for a new one. The server takes 100
        /// by default.
        pub max_executions: Option<u32>,
        /// When it was made.
        #[server]
        pub created_at: Option<Timestamp>,
    }

    /// What a schedule runs.
    #[doc(alias = "SandboxScheduleInput")]
    pub struct ScheduleInput {
        /// The command, for the shell.
        pub command: Option<String>,
        /// The name of the process, by which its state and logs are found.
        pub name: Option<String>,
        /// The directory it runs in.
        pub working_dir: Option<String>,
        /// Its environment variables. They come back masked.
        pub env: Option<BTreeMap<String, SecretText>>,
        /// Whether the sandbox stays awake while it runs. The server takes `true` by default.
        pub keep_alive: Option<bool>,
        /// How long it may run, in seconds; 0 for as long as it likes. The server takes 600 by default.
        pub timeout: Option<u32>,
    }
}

response! {
    /// One run of a schedule. What is recorded is the handing over of the command: nobody waits for its
    /// end.
    #[doc(alias = "SandboxScheduleExecution")]
    pub struct ScheduleExecution {
        /// Its id, within its schedule.
        pub id: Option<String>,
        /// The schedule it is of.
        pub schedule_id: Option<String>,
        /// The name of the process, by which its logs are found.
        pub process_name: Option<String>,
        /// When the command was handed over.
        pub executed_at: Option<Timestamp>,
        /// The HTTP status with which the sandbox took it, below 400 if it did; 0 if the sandbox could not
        /// be reached.
        pub status_code: Option<u32>,
        /// Why it was not taken.
        pub error: Option<String>,
        /// How long it may run, in seconds; 0 for as long as it likes.
        pub timeout: Option<u32>,
        /// When the record was made.
        pub created_at: Option<Timestamp>,
    }
}

open_enum! {
    /// How the time of a [`Schedule`] is told.
    pub enum ScheduleKind {
        /// Again and again, by the five fields that cron has.
        Cron = "cron",
        /// Once, at a moment.
        At = "at",
        /// Once, after a span of time. The server keeps it as a moment.
        Sleep = "sleep",
    }
}

resource! { Schedule { name: id, created_at: created_at } }

resource! {
    ScheduleExecution { name: id, created_at: created_at }

    /// The ids of executions begin anew in each schedule.
    fn key(&self) -> Cow<'_, str> {
        let parts = [&self.schedule_id, &self.id];
        parts
            .map(|part| part.as_deref().unwrap_or_default())
            .join("/")
            .into()
    }
}

impl Schedule {
    /// Runs again and again, by the five fields that cron has: `0 8 * * 1-5`.
    #[must_use]
    pub fn cron(expression: impl Into<String>, input: ScheduleInput) -> Self {
        Self::timed(ScheduleKind::Cron, expression.into(), input)
    }

    /// Runs once, at a moment.
    #[must_use]
    pub fn at(moment: impl Into<Timestamp>, input: ScheduleInput) -> Self {
        Self::timed(ScheduleKind::At, moment.into().as_str().to_owned(), input)
    }

    /// Runs once, after a span of time.
    #[must_use]
    pub fn after(time: impl Into<Period>, input: ScheduleInput) -> Self {
        Self::timed(ScheduleKind::Sleep, String::from(time.into()), input)
    }

    fn timed(kind: ScheduleKind, value: String, input: ScheduleInput) -> Self {
        Self::new().kind(kind).value(value).input(input)
    }
}

impl ScheduleInput {
    /// Runs a command.
    #[must_use]
    pub fn run(command: impl Into<String>) -> Self {
        Self::new().command(command)
    }
}

impl ScheduleExecution {
    /// Whether the sandbox took the command.
    #[must_use]
    pub fn was_accepted(&self) -> bool {
        self.status_code
            .is_some_and(|status| (200..400).contains(&status))
    }
}

impl<S: HttpService> Collection<Sandbox, S> {
    /// The schedules of a sandbox. A page of them holds 20 by default and 100 at most;
    /// [`ListParams::kind`](blaxel_core::ListParams::kind) `cron` or `at` asks for those alone.
    #[must_use]
    pub fn schedules(&self, sandbox: &str) -> Collection<Schedule, S> {
        self.under(sandbox)
    }

    /// The runs of all schedules of a sandbox, the newest first. A page of them holds 20 by default and
    /// 100 at most.
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
    // Without an id of the caller's own, a second request would make a second schedule.
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
