//! The state of a process, as the server reports it.

use std::fmt;
use std::process::ExitCode;

use blaxel_core::__private::lenient;
use blaxel_core::{Timestamp, open_enum};
use serde::{Deserialize, Deserializer, Serialize};

open_enum! {
    /// The status of a process.
    pub enum ProcessStatus {
        /// The process is running.
        Running = "running",
        /// The process has ended with the exit code 0.
        Completed = "completed",
        /// The process has ended with another exit code, or by a signal that nobody sent through the API.
        Failed = "failed",
        /// The process was asked to end by [`stop`](super::Process::stop). It may still be running.
        Stopped = "stopped",
        /// The process was ended by [`kill`](super::Process::kill), or at its time limit.
        Killed = "killed",
    }
}

/// The description and the state of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The PID in decimal digits. It stays the same when the process is restarted on failure.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub pid: String,
    /// The name. Only processes that are running at the same time have different names.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub name: String,
    /// The command line, which a shell runs.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub command: String,
    /// The status.
    pub status: ProcessStatus,
    /// The time of the last start.
    #[serde(
        default,
        deserialize_with = "time",
        skip_serializing_if = "Option::is_none"
    )]
    pub started_at: Option<Timestamp>,
    /// The time of the end. `None` while the process is running.
    #[serde(
        default,
        deserialize_with = "time",
        skip_serializing_if = "Option::is_none"
    )]
    pub completed_at: Option<Timestamp>,
    /// The exit code as the server has it: 0 while the process is running, and -1 for a process that was ended by a
    /// signal or whose exit code the server does not know. Use [`exit_status`](Self::exit_status).
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The working directory. Empty for the server's own.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub working_dir: String,
    /// The last 64 KiB of the standard output, as text: bytes that are not UTF-8 are replaced.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub stdout: Option<String>,
    /// The last 64 KiB of the standard error, as text: bytes that are not UTF-8 are replaced.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub stderr: Option<String>,
    /// `true` if the process is started again when it fails.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub restart_on_failure: bool,
    /// Maximum number of restarts. A negative number means that there is no limit.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub max_restarts: i64,
    /// Number of restarts so far.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub restart_count: i64,
    /// `true` if the process keeps the sandbox from going to standby.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub keep_alive: bool,
    /// `true` if the process has a pipe as its standard input. Older servers do not have this.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub stdin: bool,
}

impl ProcessInfo {
    /// Returns the exit status, or `None` while the process is running.
    ///
    /// A process that was [stopped](ProcessStatus::Stopped) is running until its end time is known. A process that is
    /// restarted on failure has the exit status of its last run until it is running again.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        let has_ended = match self.status {
            ProcessStatus::Running => false,
            ProcessStatus::Completed | ProcessStatus::Failed => true,
            _ => self.completed_at.is_some(),
        };
        has_ended.then(|| self.last_status())
    }

    /// Returns the exit status of a process that has ended.
    pub(super) fn last_status(&self) -> ExitStatus {
        ExitStatus {
            status: self.status.clone(),
            code: self.exit_code.filter(|code| *code >= 0),
        }
    }
}

/// The result of a process that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExitStatus {
    status: ProcessStatus,
    code: Option<i32>,
}

impl ExitStatus {
    /// Returns `true` if the process has ended by itself with the exit code 0. An unknown exit code is not a success.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == ProcessStatus::Completed && self.code == Some(0)
    }

    /// Returns the exit code, or `None` if a signal has ended the process or if the code is unknown, as after a crash
    /// of the sandbox API.
    ///
    /// A shell runs the command. If a signal ends a program that the shell has started, the code is 128 plus the
    /// number of the signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// Returns the status: how the process has ended.
    #[must_use]
    pub fn status(&self) -> &ProcessStatus {
        &self.status
    }
}

/// Converts the exit status of a process into that of your own program: the same exit code if it is from 1 to 255, 0 for
/// a [success](ExitStatus::success), and [`ExitCode::FAILURE`] otherwise.
///
/// ```
/// use std::process::ExitCode;
///
/// use blaxel_sandbox::process::ExitStatus;
///
/// fn end(status: ExitStatus) -> ExitCode {
///     status.into()
/// }
/// ```
impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        match status.code.map(u8::try_from) {
            Some(Ok(0)) if !status.success() => Self::FAILURE,
            Some(Ok(code)) => Self::from(code),
            _ => Self::FAILURE,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} with exit code {code}", self.status),
            None => write!(f, "{} without an exit code", self.status),
        }
    }
}

/// The end of the output of a process, as text.
///
/// Each stream is limited to its last 4 MiB; text before that is replaced by a line that says so. Bytes that are not
/// UTF-8 are replaced by U+FFFD. The exact output is read by [`Process::follow`](super::Process::follow).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcessLogs {
    /// The standard output.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub stdout: String,
    /// The standard error.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub stderr: String,
}

fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    lenient::text(deserializer).map(Option::unwrap_or_default)
}

/// Reads a time in the format of HTTP headers, which servers send, or in that of RFC 3339. An empty text is no time.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = lenient::text(deserializer)?.filter(|text| !text.is_empty());
    Ok(text.map(|text| match httpdate::parse_http_date(&text) {
        Ok(time) => Timestamp::from(time),
        Err(_) => Timestamp::from(text),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_exit_status_becomes_that_of_the_program_and_only_a_success_becomes_0() {
        let become_code = |status, code| ExitCode::from(ExitStatus { status, code });
        assert_eq!(
            become_code(ProcessStatus::Completed, Some(0)),
            ExitCode::SUCCESS
        );
        assert_eq!(
            become_code(ProcessStatus::Failed, Some(101)),
            ExitCode::from(101)
        );
        assert_eq!(
            become_code(ProcessStatus::Stopped, Some(0)),
            ExitCode::FAILURE
        );
        assert_eq!(become_code(ProcessStatus::Killed, None), ExitCode::FAILURE);
        assert_eq!(
            become_code(ProcessStatus::Failed, Some(256)),
            ExitCode::FAILURE
        );
    }

    fn read(value: &Value) -> ProcessInfo {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn a_process_is_read_as_servers_write_it() {
        let info = read(&json!({
            "pid": "1234", "name": "web", "command": "sleep 1", "status": "failed", "exitCode": 3,
            "startedAt": "Wed, 01 Jan 2025 12:00:00 GMT", "completedAt": "Wed, 01 Jan 2025 12:01:00 GMT",
            "workingDir": "/", "logs": "ab", "stdout": "a", "stderr": "b", "restartOnFailure": true,
            "maxRestarts": -1, "restartCount": 2, "keepAlive": true, "stdin": true
        }));
        let ended = info.completed_at.clone().unwrap();
        assert_eq!(ended.as_str(), "2025-01-01T12:01:00Z");
        assert_eq!(info.exit_status().unwrap().code(), Some(3));
        assert_eq!(info.max_restarts, -1);
        assert_eq!(read(&serde_json::to_value(&info).unwrap()), info);
    }

    #[test]
    fn members_beside_the_status_may_be_anything() {
        for value in [
            json!({"status": "running"}),
            json!({"status": "running", "pid": 7, "exitCode": null, "completedAt": "", "stdout": null,
                "startedAt": "soon", "restartOnFailure": null, "name": {}, "maxRestarts": null}),
        ] {
            let info = read(&value);
            assert_eq!(info.exit_status(), None);
            assert_eq!(read(&serde_json::to_value(&info).unwrap()), info);
        }
        for value in [
            json!({}),
            json!({"status": 1}),
            json!({"status": "failed", "exitCode": "x"}),
        ] {
            assert!(serde_json::from_value::<ProcessInfo>(value).is_err());
        }
    }

    #[test]
    fn an_unknown_exit_code_is_not_a_success() {
        let cases = [
            (json!({"status": "completed", "exitCode": 0}), Some(0), true),
            (json!({"status": "completed"}), None, false),
            (
                json!({"status": "completed", "exitCode": 1}),
                Some(1),
                false,
            ),
            (json!({"status": "failed", "exitCode": -1}), None, false),
            (json!({"status": "failed", "exitCode": 0}), Some(0), false),
            (
                json!({"status": "killed", "exitCode": -1, "completedAt": "x"}),
                None,
                false,
            ),
            (
                json!({"status": "paused", "exitCode": 0, "completedAt": "x"}),
                Some(0),
                false,
            ),
        ];
        for (value, code, success) in cases {
            let status = read(&value).exit_status().unwrap();
            assert_eq!(
                (status.code(), status.success()),
                (code, success),
                "{value}"
            );
        }
    }

    #[test]
    fn a_stopped_process_runs_until_its_end_is_known() {
        for status in ["stopped", "killed", "paused"] {
            let info = read(&json!({"status": status, "completedAt": "", "exitCode": 0}));
            assert_eq!(info.exit_status(), None, "{status}");
        }
    }
}
