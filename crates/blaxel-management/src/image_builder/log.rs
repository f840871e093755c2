//! The log of a build, read while it grows.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use blaxel_core::__private::{one_line, redact};
use blaxel_core::{Error, HttpService, Paged, Timestamp};
use tokio::time::Instant;

use crate::Management;
use crate::logs::{LogEntry, LogQuery, LogSource};
use crate::secret_text::SecretText;

/// The time before the newest entry in which late entries are looked for, in seconds.
const LATENESS: i64 = 60;

/// The time span of a query, in seconds: as long as no build takes.
const SPAN: i64 = 24 * 60 * 60;

/// Maximum number of entries that one poll returns. Older ones are left out.
const MAX_BATCH: usize = 10_000;

/// Maximum number of successive failures to read the log.
const MAX_FAILURES: u32 = 5;

/// The number of lines that an error keeps, their length in characters, and the number of lines that it prints.
const TAIL_LINES: usize = 20;
const TAIL_CHARS: usize = 200;
const PRINTED_LINES: usize = 5;

/// Reads the entries of a log that were not read before.
pub(super) struct Log<S> {
    service: S,
    source: LogSource,
    name: String,
    /// The start of the next query, in seconds since 1970.
    since: i64,
    /// The start of the first query, and when it was known.
    start: (i64, Instant),
    /// The entries since then that were returned: the second, and the number of times.
    seen: HashMap<u64, (i64, usize)>,
    failures: u32,
    error: Option<Error>,
}

impl<S: HttpService> Log<S> {
    /// Creates the log of a workload or image, from a time on.
    pub(super) fn new(service: S, source: LogSource, name: String, start: &Timestamp) -> Self {
        let start = start.unix().map_or(0, |(seconds, _)| seconds);
        Self {
            service,
            source,
            name,
            since: start,
            start: (start, Instant::now()),
            seen: HashMap::new(),
            failures: 0,
            error: None,
        }
    }

    /// Returns the error of reading the log, if it is not read any more.
    pub(super) fn error(&self) -> Option<&Error> {
        self.error
            .as_ref()
            .filter(|_| self.failures >= MAX_FAILURES)
    }

    /// Returns the new entries, oldest first. A failure is no reason to give up the build, so it returns none then.
    pub(super) async fn read(&mut self) -> Vec<LogEntry> {
        if self.failures >= MAX_FAILURES {
            return Vec::new();
        }
        match self.fetch().await {
            Ok(entries) => {
                self.failures = 0;
                entries
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.error = Some(error);
                Vec::new()
            }
        }
    }

    async fn fetch(&mut self) -> Result<Vec<LogEntry>, Error> {
        let query = LogQuery::of(self.source.clone(), [self.name.as_str()])
            .since(Timestamp::from_unix(self.since, 0))
            .until(Timestamp::from_unix(self.since.saturating_add(SPAN), 0));
        let mut pages = Management::new(self.service.clone()).log_pages(&query);
        let mut batch: Vec<LogEntry> = Vec::new();
        let mut is_single = true;
        while let Some(page) = pages.try_next().await? {
            is_single = batch.is_empty();
            batch.extend(page.into_items());
            if batch.len() >= MAX_BATCH {
                break;
            }
        }
        batch.truncate(MAX_BATCH);
        // The newest entry is the first one.
        batch.reverse();
        Ok(self.unseen(batch, is_single))
    }

    /// Returns the entries that were not returned before. Entries can be equal; but if a log grows while its pages
    /// are read, an entry can be on two of them, so equal ones on several pages count as one.
    fn unseen(&mut self, batch: Vec<LogEntry>, is_single: bool) -> Vec<LogEntry> {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        let mut new = Vec::new();
        for entry in batch {
            let id = fingerprint(&entry);
            let count = counts.entry(id).or_default();
            *count = count.saturating_add(1);
            if !is_single && *count > 1 {
                continue;
            }
            let second = second_of(&entry).unwrap_or(i64::MAX);
            let (_, returned) = self.seen.entry(id).or_insert((second, 0));
            if *count > *returned {
                *returned = *count;
                new.push(entry);
            }
        }
        new.sort_by_key(|entry| entry.timestamp.as_ref().and_then(Timestamp::unix));
        if let Some(newest) = new.iter().filter_map(second_of).max() {
            // A time in the future would hide all entries before it.
            let (start, known_at) = self.start;
            let now = start.saturating_add_unsigned(known_at.elapsed().as_secs());
            self.since = self.since.max(newest.min(now).saturating_sub(LATENESS));
            let since = self.since;
            self.seen.retain(|_, (second, _)| *second >= since);
        }
        new
    }
}

fn second_of(entry: &LogEntry) -> Option<i64> {
    Some(entry.timestamp.as_ref()?.unix()?.0)
}

fn fingerprint(entry: &LogEntry) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&entry.timestamp, &entry.message, &entry.trace_id).hash(&mut hasher);
    hasher.finish()
}

/// The last lines of a log, for an error.
#[derive(Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    secrets: Vec<SecretText>,
}

impl Tail {
    /// Creates an empty tail, in which secrets are redacted.
    pub(super) fn new(secrets: Vec<SecretText>) -> Self {
        Self {
            lines: VecDeque::new(),
            secrets,
        }
    }

    pub(super) fn push(&mut self, entry: &LogEntry) {
        let Some(message) = &entry.message else {
            return;
        };
        let mut line = message.clone();
        for secret in &self.secrets {
            let redacted = redact(line.as_bytes(), secret.expose());
            line = String::from_utf8_lossy(&redacted).into_owned();
        }
        if self.lines.len() == TAIL_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(one_line(&line, TAIL_CHARS));
    }

    /// Returns the cause of a failed build.
    pub(super) fn failure(&self) -> BuildFailure {
        BuildFailure {
            log: self.lines.iter().cloned().collect(),
        }
    }
}

/// The end of the log of a failed build: the cause of its error.
///
/// ```
/// # use blaxel_core::Error;
/// use blaxel_management::image_builder::BuildFailure;
///
/// fn print_log(error: &Error) {
///     if let Some(failure) = error.find_cause::<BuildFailure>() {
///         for line in failure.log() {
///             eprintln!("{line}");
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct BuildFailure {
    log: Vec<String>,
}

impl BuildFailure {
    /// Returns the last lines of the log, at most 20 of at most 200 characters. Build arguments and passwords in
    /// them are redacted.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.log.as_slice() {
            [] => f.write_str("its log is empty"),
            lines => {
                let first = lines.len().saturating_sub(PRINTED_LINES);
                let printed = lines.get(first..).unwrap_or_default();
                write!(f, "its log ends with: {}", printed.join(" | "))
            }
        }
    }
}

impl std::error::Error for BuildFailure {}
