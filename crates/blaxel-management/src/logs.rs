//! Logs of workloads.
//!
//! The API keeps logs for a limited time and returns at most three days of them per request, newest
//! first. [`Management::logs`] returns one response, and [`Management::log_pages`] walks over all
//! entries that match a query. `Management::follow_logs` (feature `wait`) returns new entries as they
//! are written.

#[cfg(feature = "wait")]
mod follow;
mod query;
mod walk;

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, Pages, Timestamp, call, open_enum};
use bytes::Bytes;
use http::Method;

#[cfg(feature = "wait")]
pub use self::follow::{FollowedEntry, LogStream};
pub use self::query::LogQuery;
pub use self::walk::LogPage;
use crate::Management;
use crate::operations::{Action, json_or_default};

response! {
    /// The logs of one workload.
    pub struct WorkloadLogs {
        /// The entries, the newest first.
        pub logs: Option<Vec<LogEntry>>,
        /// The number of entries that match the query, of which a response can hold a part.
        pub total_count: Option<u64>,
    }

    /// A log entry of a workload.
    pub struct LogEntry {
        /// The time of the entry.
        pub timestamp: Option<Timestamp>,
        /// The text.
        pub message: Option<String>,
        /// The severity as a number; see [`level`](Self::level).
        pub severity: Option<i64>,
        /// The id of the trace that the entry belongs to.
        #[serde(rename = "trace_id")]
        pub trace_id: Option<String>,
    }
}

impl LogEntry {
    /// Returns the severity. The API does not document its numbers; they are read as those of
    /// OpenTelemetry, which has four for each level.
    #[must_use]
    pub fn level(&self) -> Severity {
        match self.severity.unwrap_or_default() {
            1..=4 => Severity::Trace,
            5..=8 => Severity::Debug,
            9..=12 => Severity::Info,
            13..=16 => Severity::Warning,
            17..=20 => Severity::Error,
            21..=24 => Severity::Fatal,
            _ => Severity::Unknown,
        }
    }
}

open_enum! {
    /// The severity of a log entry.
    pub enum Severity {
        /// The workload could not continue.
        Fatal = "FATAL",
        /// Something went wrong.
        Error = "ERROR",
        /// Something may go wrong.
        Warning = "WARNING",
        /// Normal operation.
        Info = "INFO",
        /// Information for debugging.
        Debug = "DEBUG",
        /// Detailed information for debugging.
        Trace = "TRACE",
        /// Unknown, as for plain output.
        Unknown = "UNKNOWN",
    }
}

open_enum! {
    /// A kind of workload that has logs.
    pub enum LogSource {
        /// Agents.
        Agents = "agents",
        /// Applications.
        Applications = "applications",
        /// Functions, which are MCP servers.
        Functions = "functions",
        /// Jobs.
        Jobs = "jobs",
        /// Models.
        Models = "models",
        /// Sandboxes.
        Sandboxes = "sandboxes",
    }
}

impl<S: HttpService> Management<S> {
    /// Returns the logs of workloads, by the name of the workload: `GET /observability/logs`.
    ///
    /// The response holds at most [`limit`](LogQuery::limit) entries of each workload, the newest ones;
    /// [`log_pages`](Self::log_pages) returns all.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use blaxel_management::logs::LogQuery;
    ///
    /// let query = LogQuery::agents(["support-bot"]).search("time-out").limit(20);
    /// for (workload, logs) in management.logs(&query).await? {
    ///     println!("{workload}: {} entries", logs.logs.unwrap_or_default().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the query names no workload, if its limit is 0, or if its time span is
    /// empty or longer than three days; otherwise the error of the call.
    pub async fn logs(&self, query: &LogQuery) -> Result<BTreeMap<String, WorkloadLogs>, Error> {
        let request = query.request(query::now(), query.workloads(), query.first_offset())?;
        call(&self.service, &request).await
    }

    /// Returns a walk over all logs that match the query: one workload after the other, the newest
    /// entry first.
    ///
    /// A query without an end covers the time until this call, so that new entries do not shift the
    /// pages. An entry that arrives late for that time can still shift them: another one is then
    /// returned twice, but none is left out. `distinct` of the items skips it. To resume from a
    /// checkpoint later, set both ends of the query.
    ///
    /// ```
    /// use blaxel_core::{Error, HttpService};
    /// use blaxel_management::Management;
    /// use blaxel_management::logs::{LogQuery, Severity};
    ///
    /// async fn print_errors(management: &Management<impl HttpService>) -> Result<(), Error> {
    ///     let query = LogQuery::agents(["support-bot"]).severity(Severity::Error);
    ///     let mut entries = management.log_pages(&query).items();
    ///     while let Some(entry) = entries.try_next().await? {
    ///         println!("{:?} {:?}", entry.timestamp, entry.message);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It fails and ends as [`Pages`] does: a server that ignores the offset, or that returns fewer
    /// entries than it announced, is an error.
    pub fn log_pages(&self, query: &LogQuery) -> Pages<LogPage> {
        walk::pages(self.service.clone(), query, query::now())
    }
}

/// Reads logs. The API's description does not have this operation.
#[derive(Clone, Copy, Debug)]
pub struct GetLogs;

impl Action for GetLogs {
    const INFO: OperationInfo = OperationInfo::new("GetLogs", Method::GET, "/observability/logs")
        .with_parameters(&[
            "start",
            "end",
            "resourceType",
            "workloadIds",
            "type",
            "traceId",
            "limit",
            "offset",
            "severity",
            "search",
            "taskId",
            "executionId",
            "interval",
        ]);
    type Input = ();
    type Output = BTreeMap<String, WorkloadLogs>;

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        json_or_default(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_grouped_by_workload_and_their_level_comes_from_the_number() {
        let body = r#"{"bot": {"totalCount": 2, "logs": [
            {"timestamp": "2026-05-01T10:00:00.123456789Z", "message": "no", "severity": 17, "trace_id": "t1"},
            {"timestamp": "2026-05-01T09:59:59Z", "message": "well", "severity": 0, "later": true}
        ]}, "quiet": {"logs": null, "totalCount": 0}}"#;
        let logs =
            GetLogs::read(&http::Response::new(Bytes::from_static(body.as_bytes()))).unwrap();
        assert_eq!(logs["quiet"].logs, None);
        let entries = logs["bot"].logs.as_deref().unwrap();
        let levels: Vec<_> = entries.iter().map(LogEntry::level).collect();
        assert_eq!(levels, [Severity::Error, Severity::Unknown]);
        assert_eq!(entries[0].trace_id.as_deref(), Some("t1"));
        assert_eq!(logs["bot"].total_count, Some(2));
        let nothing = GetLogs::read(&http::Response::new(Bytes::from_static(b"null"))).unwrap();
        assert!(nothing.is_empty());
    }
}
