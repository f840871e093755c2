//! Logs: what workloads printed.
//!
//! The API keeps them for a while and gives out at most three days of them at once, the newest first.
//! [`Management::logs`] reads one answer; [`Management::log_pages`] walks through all that a query
//! finds.

mod query;
mod walk;

use std::collections::BTreeMap;

use blaxel_core::{Error, HttpService, OperationInfo, Pages, Timestamp, call, open_enum};
use bytes::Bytes;
use http::Method;

pub use self::query::LogQuery;
pub use self::walk::LogPage;
use crate::Management;
use crate::operations::{Action, json_or_default};

answer! {
    /// What one workload printed.
    pub struct WorkloadLogs {
        /// The entries, the newest first.
        pub logs: Option<Vec<LogEntry>>,
        /// How many entries the query finds for the workload, of which the answer need not hold all.
        pub total_count: Option<u64>,
    }

    /// Something that a workload printed.
    pub struct LogEntry {
        /// When it was printed.
        pub timestamp: Option<Timestamp>,
        /// What was printed.
        pub message: Option<String>,
        /// How serious it is, as a number; see [`level`](Self::level).
        pub severity: Option<i64>,
        /// The trace it belongs to.
        #[serde(rename = "trace_id")]
        pub trace_id: Option<String>,
    }
}

impl LogEntry {
    /// How serious it is. The API does not say what its numbers mean; they are read as those of
    /// OpenTelemetry, of which each level has four.
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
    /// How serious a log entry is.
    pub enum Severity {
        /// The workload could not go on.
        Fatal = "FATAL",
        /// Something went wrong.
        Error = "ERROR",
        /// Something may go wrong.
        Warning = "WARNING",
        /// What happens in the ordinary course.
        Info = "INFO",
        /// For those who look for a mistake.
        Debug = "DEBUG",
        /// For those who look very closely.
        Trace = "TRACE",
        /// Nothing is known about that: what was merely printed.
        Unknown = "UNKNOWN",
    }
}

open_enum! {
    /// The kind of workload whose logs are read.
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
    /// What workloads printed, by the name of the workload: `GET /observability/logs`.
    ///
    /// One answer holds no more entries than the query's [`limit`](LogQuery::limit).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the query names no workload, or no time span, or one of more than three
    /// days; else what the call failed with.
    pub async fn logs(&self, query: &LogQuery) -> Result<BTreeMap<String, WorkloadLogs>, Error> {
        let request = query.request(query::now(), query.workloads(), query.first())?;
        call(&self.service, &request).await
    }

    /// Everything that the query finds, page by page: the logs of one workload after the other, the
    /// newest first.
    ///
    /// A query that goes on until now goes until the moment in which this is called, so that what is
    /// printed meanwhile does not move the pages. What arrives late for the time before can still do
    /// so, and then an entry is seen twice, but none is left out; `distinct` of the items helps.
    /// To go on from a checkpoint later, give the query both ends.
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
    /// What is said of [`Pages`] about errors and ends holds here too: a server that does not heed the
    /// offset, or that stops before the number it gave, is an error.
    pub fn log_pages(&self, query: &LogQuery) -> Pages<LogPage> {
        walk::pages(self.service.clone(), query, query::now())
    }
}

/// Reads logs. It is no operation of the API's description.
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
    fn entries_are_read_by_workload_and_leveled_by_number() {
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
