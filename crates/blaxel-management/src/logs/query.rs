//! Queries for logs.

use std::time::Duration;

use blaxel_core::{Error, Source, Timestamp};

use super::{GetLogs, LogSource, Severity};
use crate::operations::Perform;

/// The maximum time span of one query, in seconds: three days.
const MAX_SPAN: i64 = 3 * 24 * 60 * 60;

/// The default maximum number of entries in a response.
const DEFAULT_LIMIT: u32 = 1000;

/// All severities. Sent if none is selected, because the server's default is not documented.
const ALL_SEVERITIES: &str = "FATAL,ERROR,WARNING,INFO,DEBUG,TRACE,UNKNOWN";

/// A query for the logs of workloads, in a time span and with filters.
///
/// The default time span is the last hour; the maximum is three days.
///
/// ```
/// use std::time::Duration;
/// use blaxel_management::logs::{LogQuery, Severity};
///
/// let query = LogQuery::agents(["support-bot"])
///     .last(Duration::from_secs(24 * 60 * 60))
///     .severity(Severity::Error)
///     .severity(Severity::Fatal)
///     .search("time-out");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LogQuery {
    source: LogSource,
    workloads: Vec<String>,
    start: Start,
    end: Option<Timestamp>,
    severities: Vec<Severity>,
    search: Option<String>,
    trace: Option<String>,
    execution: Option<String>,
    task: Option<String>,
    limit: u32,
    offset: u64,
}

/// The start of the time span.
#[derive(Clone, Debug)]
enum Start {
    /// A fixed time.
    At(Timestamp),
    /// A duration before the end.
    BeforeEnd(Duration),
}

/// A time span, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl LogQuery {
    /// Creates a query for workloads of a kind, by their names.
    pub fn of<N: Into<String>>(
        source: impl Into<LogSource>,
        workloads: impl IntoIterator<Item = N>,
    ) -> Self {
        Self {
            source: source.into(),
            workloads: workloads.into_iter().map(Into::into).collect(),
            start: Start::BeforeEnd(Duration::from_secs(60 * 60)),
            end: None,
            severities: Vec::new(),
            search: None,
            trace: None,
            execution: None,
            task: None,
            limit: DEFAULT_LIMIT,
            offset: 0,
        }
    }

    /// Creates a query for agents, by their names.
    pub fn agents<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::of(LogSource::Agents, names)
    }

    /// Creates a query for functions, by their names.
    pub fn functions<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::of(LogSource::Functions, names)
    }

    /// Creates a query for jobs, by their names.
    pub fn jobs<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::of(LogSource::Jobs, names)
    }

    /// Creates a query for sandboxes, by their names.
    pub fn sandboxes<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::of(LogSource::Sandboxes, names)
    }

    /// Sets the start of the time span. By default it is an hour before the end. The span may be
    /// three days at most.
    pub fn since(mut self, start: impl Into<Timestamp>) -> Self {
        self.start = Start::At(start.into());
        self
    }

    /// Sets the start to a duration before the end, at most three days. The default is an hour.
    pub fn last(mut self, span: Duration) -> Self {
        self.start = Start::BeforeEnd(span);
        self
    }

    /// Sets the end of the time span. The default is the current time.
    pub fn until(mut self, end: impl Into<Timestamp>) -> Self {
        self.end = Some(end.into());
        self
    }

    /// Filters by severity. Further calls add further severities. All by default.
    pub fn severity(mut self, severity: impl Into<Severity>) -> Self {
        self.severities.push(severity.into());
        self
    }

    /// Filters by a text in the message. No filter by default.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.search = Some(text.into());
        self
    }

    /// Filters by the id of a trace. No filter by default.
    pub fn trace(mut self, id: impl Into<String>) -> Self {
        self.trace = Some(id.into());
        self
    }

    /// Filters by the id of an execution of a job. No filter by default.
    pub fn execution(mut self, id: impl Into<String>) -> Self {
        self.execution = Some(id.into());
        self
    }

    /// Filters by the id of a task of an execution. No filter by default.
    pub fn task(mut self, id: impl Into<String>) -> Self {
        self.task = Some(id.into());
        self
    }

    /// Sets the maximum number of entries of each workload in a response. The default is 1000. With
    /// 0, every call is [`Error::is_input`].
    ///
    /// The API does not document the limit for several workloads. The walk of
    /// [`log_pages`](crate::Management::log_pages) does not depend on it: it requests one workload
    /// at a time.
    pub fn limit(mut self, entries: u32) -> Self {
        self.limit = entries;
        self
    }

    /// Skips this many of the newest entries of each workload. The default is 0.
    pub fn offset(mut self, entries: u64) -> Self {
        self.offset = entries;
        self
    }

    /// Returns the names of the workloads.
    pub(super) fn workloads(&self) -> &[String] {
        &self.workloads
    }

    /// Returns the number of newest entries that are skipped.
    pub(super) fn first_offset(&self) -> u64 {
        self.offset
    }

    /// Returns the maximum number of entries in a response.
    pub(super) fn page_size(&self) -> u64 {
        u64::from(self.limit)
    }

    /// Returns `true` if the query has a filter.
    pub(super) fn is_filtered(&self) -> bool {
        let texts = [&self.search, &self.trace, &self.execution, &self.task];
        !self.severities.is_empty() || texts.into_iter().any(Option::is_some)
    }

    /// Returns the request for entries of some of the workloads, starting at an offset. The current
    /// time `now` is in seconds since 1970.
    pub(super) fn request(
        &self,
        now: i64,
        workloads: &[String],
        offset: u64,
    ) -> Result<Perform<'static, GetLogs>, Error> {
        self.request_in(self.time_span(now)?, workloads, offset)
    }

    /// Returns the request as [`request`](Self::request) does, for a time span other than the query's.
    pub(super) fn request_in(
        &self,
        span: Span,
        workloads: &[String],
        offset: u64,
    ) -> Result<Perform<'static, GetLogs>, Error> {
        if workloads.iter().all(String::is_empty) {
            return Err(invalid("workloads", "name at least one workload"));
        }
        if self.limit == 0 {
            let problem = "a page needs at least 1 entry; raise the limit or leave it out";
            return Err(invalid("limit", problem));
        }
        let severities: Vec<&str> = self.severities.iter().map(Severity::as_str).collect();
        let severities = match severities.as_slice() {
            [] => ALL_SEVERITIES.to_owned(),
            selected => selected.join(","),
        };
        // All filters are always sent, empty if not set, like the platform's own client does.
        let or_empty = |filter: &Option<String>| filter.clone().unwrap_or_default();
        Ok(Perform::new()
            .query("start", format_utc(span.start))
            .query("end", format_utc(span.end))
            .query("resourceType", self.source.as_str().to_owned())
            .query("workloadIds", workloads.join(","))
            .query("type", "all")
            .query("traceId", or_empty(&self.trace))
            .query("limit", self.limit.to_string())
            .query("offset", offset.to_string())
            .query("severity", severities)
            .query("search", or_empty(&self.search))
            .query("taskId", or_empty(&self.task))
            .query("executionId", or_empty(&self.execution))
            .query("interval", "60"))
    }

    /// Returns the first and the last second of the time span. The API supports whole seconds only,
    /// so the span is widened to them.
    fn time_span(&self, now: i64) -> Result<Span, Error> {
        let end = match &self.end {
            None => now,
            Some(end) => {
                let (seconds, nanos) = unix_time("end", end)?;
                seconds.saturating_add(i64::from(nanos > 0))
            }
        };
        let start = match &self.start {
            Start::At(start) => unix_time("start", start)?.0,
            Start::BeforeEnd(span) => {
                let partial = u64::from(span.subsec_nanos() > 0);
                let seconds = span.as_secs().saturating_add(partial);
                end.saturating_sub_unsigned(seconds)
            }
        };
        if start >= end {
            return Err(invalid("start", "it must be before the end"));
        }
        if end.saturating_sub(start) > MAX_SPAN {
            let problem = "it is more than three days before the end, and the API rejects that; \
                           split the time span into several queries";
            return Err(invalid("start", problem));
        }
        Ok(Span { start, end })
    }
}

// The parts that the stream of new entries needs.
#[cfg(feature = "wait")]
impl Span {
    /// Returns the length in seconds.
    pub(super) fn length(self) -> i64 {
        self.end.saturating_sub(self.start)
    }
}

#[cfg(feature = "wait")]
impl LogQuery {
    /// Checks the query, and returns its time span.
    pub(super) fn check(&self, now: i64) -> Result<Span, Error> {
        self.request(now, &self.workloads, 0)?;
        self.time_span(now)
    }

    /// Returns the end, rounded up to a second, or `None` if none was set.
    pub(super) fn end(&self) -> Option<i64> {
        let (seconds, nanos) = self.end.as_ref()?.unix()?;
        Some(seconds.saturating_add(i64::from(nanos > 0)))
    }

    /// Returns the query for all entries of some of the workloads in a time span.
    pub(super) fn only(&self, workloads: &[String], span: Span) -> Self {
        Self {
            workloads: workloads.to_vec(),
            start: Start::At(Timestamp::from_unix(span.start, 0)),
            end: Some(Timestamp::from_unix(span.end, 0)),
            offset: 0,
            ..self.clone()
        }
    }
}

/// Returns the current time in seconds since 1970, rounded up.
pub(super) fn now() -> i64 {
    let (seconds, nanos) = Timestamp::now().unix().unwrap_or_default();
    seconds.saturating_add(i64::from(nanos > 0))
}

/// Converts a time to seconds since 1970 and nanoseconds.
fn unix_time(parameter: &str, time: &Timestamp) -> Result<(i64, u32), Error> {
    time.unix()
        .ok_or_else(|| invalid(parameter, &format!("`{time}` is not an RFC 3339 time")))
}

/// Formats a time like this endpoint expects it: in UTC, without a zone suffix.
fn format_utc(seconds: i64) -> String {
    let time = Timestamp::from_unix(seconds, 0);
    time.as_str().trim_end_matches('Z').to_owned()
}

/// Returns the error of an invalid parameter.
fn invalid(parameter: &str, problem: &str) -> Error {
    Error::input(parameter, &Source::Code, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::Operation;

    /// 2026-04-28T12:00:00Z.
    const NOON: i64 = 1_777_377_600;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn uri(query: &LogQuery) -> Result<String, Error> {
        let request = query.request(NOON, query.workloads(), query.first_offset())?;
        Ok(request
            .encode()?
            .uri()
            .path_and_query()
            .unwrap()
            .to_string())
    }

    #[test]
    fn the_default_query_covers_all_severities_of_the_last_hour() {
        assert_eq!(
            uri(&LogQuery::agents(["bot", "other"])).unwrap(),
            "/observability/logs?start=2026-04-28T11%3A00%3A00&end=2026-04-28T12%3A00%3A00\
             &resourceType=agents&workloadIds=bot%2Cother&type=all&traceId=&limit=1000&offset=0\
             &severity=FATAL%2CERROR%2CWARNING%2CINFO%2CDEBUG%2CTRACE%2CUNKNOWN&search=&taskId=\
             &executionId=&interval=60"
        );
    }

    #[test]
    fn every_filter_is_sent() {
        let query = LogQuery::jobs(["nightly"])
            .since(time("2026-04-28T10:00:00.9+02:00"))
            .until(time("2026-04-28T09:00:00.1Z"))
            .severity(Severity::Error)
            .severity("ODD")
            .search("a b&c")
            .trace("t1")
            .execution("e1")
            .task("k1")
            .limit(5)
            .offset(7);
        assert_eq!(
            uri(&query).unwrap(),
            "/observability/logs?start=2026-04-28T08%3A00%3A00&end=2026-04-28T09%3A00%3A01\
             &resourceType=jobs&workloadIds=nightly&type=all&traceId=t1&limit=5&offset=7\
             &severity=ERROR%2CODD&search=a%20b%26c&taskId=k1&executionId=e1&interval=60"
        );
    }

    #[test]
    fn a_time_span_of_more_than_three_days_is_rejected() {
        let three_days = Duration::from_secs(MAX_SPAN.unsigned_abs());
        let bot = || LogQuery::agents(["bot"]);
        assert!(uri(&bot().last(three_days)).is_ok());
        for (query, problem) in [
            (
                bot().last(three_days + Duration::from_nanos(1)),
                "three days",
            ),
            (bot().last(Duration::MAX), "three days"),
            (bot().last(Duration::ZERO), "before the end"),
            (bot().since(time("2026-04-28T12:00:01Z")), "before the end"),
            (bot().since("today".to_owned()), "`today`"),
            (bot().limit(0), "limit"),
            (LogQuery::agents([""; 0]), "at least one"),
        ] {
            let error = uri(&query).unwrap_err();
            assert!(error.is_input(), "{error}");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
