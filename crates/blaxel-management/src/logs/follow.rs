//! The stream of logs as they are written.
//!
//! The API has no such stream, and no cursor for new entries: it returns the entries of a time span, the newest first,
//! and may store an entry some time after it was written. So the stream reads the time since shortly before the newest
//! known entry again and again, and leaves out what it has returned. What is read again is decided by the times of the
//! entries and a monotonic clock, so a local clock that is wrong loses nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use blaxel_core::{BoxFuture, Error, HttpService, call};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};

use super::query::{self, LogQuery, Span};
use super::{LogEntry, walk};
use crate::Management;

/// The default delay between two readings.
const INTERVAL: Duration = Duration::from_secs(2);

/// The default time within which an entry is expected to be stored.
const LATENESS: Duration = Duration::from_secs(60);

/// Maximum time without contact to the server that is waited for.
const OUTAGE: Duration = Duration::from_secs(5 * 60);

/// The longest time span that is read at once, and the oldest time that is read again, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// A log entry, and the workload that wrote it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FollowedEntry {
    /// The name of the workload.
    pub workload: String,
    /// The entry.
    pub entry: LogEntry,
}

/// A stream of the logs of workloads as they are written. [`Management::follow_logs`] returns it.
///
/// [`try_next`](Self::try_next) returns the entries one by one; the stream also implements `futures_core::Stream`.
/// Memory holds one response for each workload, and a hash of each entry of the last minute.
#[must_use = "nothing is read until an entry is requested"]
pub struct LogStream {
    read: Read,
    clock: Clock,
    query: LogQuery,
    interval: Duration,
    lateness: Duration,
    state: State,
    /// The entries to be returned, the oldest first.
    ready: VecDeque<FollowedEntry>,
    known: Known,
    /// The start of the time that is read again.
    start: i64,
    /// The time of the newest entry, and when it was received.
    newest: Option<(i64, Instant)>,
    /// The length of a part of the time, so that a response holds all of its entries.
    part: i64,
    last_contact: Option<Instant>,
}

/// A function that reads the entries of a time span.
type Read = Box<dyn Fn(Span) -> BoxFuture<Result<Found, Error>> + Send>;

/// A function that returns the current time, in seconds since 1970.
type Clock = Box<dyn Fn() -> i64 + Send>;

/// The step of a [`LogStream`].
enum State {
    /// Nothing was read yet.
    New,
    /// A part of a reading is on its way.
    Reading {
        reading: Reading,
        part: Span,
        response: BoxFuture<Result<Found, Error>>,
    },
    Waiting(Pin<Box<Sleep>>),
    Ended,
}

/// A reading of the time from the start of a [`LogStream`]. All times are in seconds since 1970.
#[derive(Clone, Copy)]
struct Reading {
    /// The time at which it began.
    now: i64,
    /// The time until which it reads.
    end: i64,
    /// The time before which no entry can appear after its begin.
    settled: i64,
}

/// The entries of a time span.
struct Found {
    entries: Vec<FollowedEntry>,
    /// The number of full responses that a workload has entries for, if one does not suffice.
    excess: Option<i64>,
}

impl<S: HttpService> Management<S> {
    /// Returns a stream of the logs that match the query: first those since its start, then each new entry, the oldest
    /// first. It ends at the end of the query, and without one never.
    ///
    /// The logs are read every two seconds (`GET /observability/logs`), each workload for itself. An entry that is
    /// stored late is returned when it appears, so it can follow a newer one. Each entry is returned once. An entry
    /// that is stored more than a minute after newer ones is missing; see [`LogStream::lateness`].
    ///
    /// An outage of at most five minutes is waited for.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     management: blaxel_management::Management<impl blaxel_core::HttpService>,
    /// # ) -> Result<(), blaxel_core::Error> {
    /// use std::time::Duration;
    /// use blaxel_management::logs::LogQuery;
    ///
    /// let query = LogQuery::agents(["support-bot"]).last(Duration::from_secs(15 * 60));
    /// let mut logs = management.follow_logs(&query);
    /// while let Some(log) = logs.try_next().await? {
    ///     println!("{} {}", log.workload, log.entry.message.unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_logs(&self, query: &LogQuery) -> LogStream {
        let (service, of_query) = (self.service.clone(), query.clone());
        LogStream {
            read: Box::new(move |span| {
                let (service, query) = (service.clone(), of_query.clone());
                Box::pin(async move { read(&service, &query, span).await })
            }),
            clock: Box::new(query::now),
            query: query.clone(),
            interval: INTERVAL,
            lateness: LATENESS,
            state: State::New,
            ready: VecDeque::new(),
            known: Known::default(),
            start: 0,
            newest: None,
            part: DAY,
            last_contact: None,
        }
    }
}

impl LogStream {
    /// Sets the delay between two readings. The default is 2 seconds.
    pub fn interval(mut self, delay: Duration) -> Self {
        self.interval = delay;
        self
    }

    /// Sets the time within which an entry is expected to be stored. The default is a minute.
    ///
    /// The entries of this time are read again with each reading, so a longer time costs more traffic.
    pub fn lateness(mut self, time: Duration) -> Self {
        self.lateness = time;
        self
    }

    /// Returns the next entry, or `None` at the end of the query. It waits until there is one.
    ///
    /// It is cancel safe: if the future is dropped, no entry is lost.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a query that [`Management::logs`] refuses, after which the stream has ended. Otherwise
    /// the error of a call that is not transient, or that persists for five minutes; the next call of this method
    /// goes on where the stream was.
    pub async fn try_next(&mut self) -> Result<Option<FollowedEntry>, Error> {
        poll_fn(|cx| self.poll_entry(cx)).await.transpose()
    }

    fn poll_entry(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<FollowedEntry, Error>>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match &mut self.state {
                State::New => match self.query.check((self.clock)()) {
                    Ok(span) => {
                        self.start = span.start;
                        self.begin();
                    }
                    Err(error) => {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                State::Reading { response, .. } => {
                    let outcome = ready!(response.as_mut().poll(cx));
                    if let Err(error) = self.finish(outcome) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                State::Waiting(delay) => {
                    ready!(delay.as_mut().poll(cx));
                    self.begin();
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }

    /// Begins a reading from the start to the current time.
    fn begin(&mut self) {
        let now = self.server_time().max((self.clock)());
        let end = self.query.end();
        if end.is_some_and(|end| self.start >= end) {
            self.state = State::Ended;
            return;
        }
        let reading = Reading {
            now,
            // A clock that is slow must not hide the newest entries.
            end: end.unwrap_or(now.saturating_add(self.late().min(DAY))),
            settled: self.server_time().saturating_sub(self.late()),
        };
        self.read_part(self.start, reading);
    }

    /// Reads the next part of a reading.
    fn read_part(&mut self, start: i64, reading: Reading) {
        let end = start.saturating_add(self.part).min(reading.end);
        let part = Span {
            start,
            end: end.max(start.saturating_add(1)),
        };
        self.state = State::Reading {
            reading,
            part,
            response: (self.read)(part),
        };
    }

    /// Continues after the response to a part of a reading.
    fn finish(&mut self, outcome: Result<Found, Error>) -> Result<(), Error> {
        let state = std::mem::replace(&mut self.state, State::Ended);
        let State::Reading { reading, part, .. } = state else {
            return Ok(());
        };
        let found = match outcome {
            Ok(found) => found,
            Err(error) => {
                let is_input = error.is_input();
                if !is_input {
                    self.wait();
                }
                let since = *self.last_contact.get_or_insert_with(Instant::now);
                let is_outage = error.is_transient() && since.elapsed() < OUTAGE;
                return if is_outage { Ok(()) } else { Err(error) };
            }
        };
        self.last_contact = Some(Instant::now());
        if let Some(excess) = found.excess {
            let parts = excess.saturating_add(1).max(2);
            self.part = part.length().checked_div(parts).unwrap_or(1).max(1);
            self.read_part(part.start, reading);
            return Ok(());
        }
        self.accept(found.entries, part);
        if part.end < reading.end {
            self.part = self.part.saturating_mul(2).min(DAY);
            self.read_part(part.end, reading);
            return Ok(());
        }
        let oldest = reading.now.saturating_sub(DAY.max(self.late()));
        self.start = self.start.max(reading.settled).max(oldest);
        self.known.forget_before(self.start);
        let is_over = |end: i64| reading.now >= end.saturating_add(self.late());
        if !self.query.end().is_some_and(is_over) {
            self.wait();
        }
        Ok(())
    }

    /// Waits for the next reading.
    fn wait(&mut self) {
        self.state = State::Waiting(Box::pin(sleep(self.interval)));
    }

    /// Puts the entries that are new into the queue.
    fn accept(&mut self, mut entries: Vec<FollowedEntry>, part: Span) {
        let time = |log: &FollowedEntry| log.entry.timestamp.as_ref()?.unix();
        // Of equal times, the later one comes first in a response, as of all times.
        entries.reverse();
        entries.sort_by_key(time);
        let mut counts = HashMap::new();
        for log in entries {
            // An entry without a time is at the end of the part, at the latest.
            let second = time(&log).map_or(part.end, |(seconds, _)| seconds);
            if self.known.add(&log, second, &mut counts) {
                // A time after the part is wrong, and would hide all entries before it.
                if let Some((seconds, _)) = time(&log)
                    && seconds <= part.end
                    && seconds > self.server_time()
                {
                    self.newest = Some((seconds, Instant::now()));
                }
                self.ready.push_back(log);
            }
        }
    }

    /// Returns a time that the clock of the server has reached, or the earliest time if no entry was received.
    fn server_time(&self) -> i64 {
        let Some((seconds, received)) = self.newest else {
            return i64::MIN;
        };
        seconds.saturating_add_unsigned(received.elapsed().as_secs())
    }

    /// Returns the lateness in seconds, rounded up.
    fn late(&self) -> i64 {
        let partial = i64::from(self.lateness.subsec_nanos() > 0);
        let seconds = i64::try_from(self.lateness.as_secs()).unwrap_or(i64::MAX);
        seconds.saturating_add(partial)
    }
}

impl Stream for LogStream {
    type Item = Result<FollowedEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_entry(cx)
    }
}

impl fmt::Debug for LogStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStream")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

/// The entries that were returned, by the second in which they were written.
#[derive(Default)]
struct Known(BTreeMap<i64, HashMap<u64, u32>>);

impl Known {
    /// Adds an entry. Returns `true` if it is new.
    ///
    /// Entries can be equal, so they are counted. `counts` has the numbers in the current response.
    fn add(&mut self, log: &FollowedEntry, second: i64, counts: &mut HashMap<u64, u32>) -> bool {
        let FollowedEntry { workload, entry } = log;
        let mut hasher = DefaultHasher::new();
        let text = (&entry.timestamp, &entry.message, &entry.trace_id);
        (workload, text, entry.severity).hash(&mut hasher);
        let hash = hasher.finish();
        let read = counts.entry(hash).or_default();
        *read = read.saturating_add(1);
        let known = self.0.entry(second).or_default().entry(hash).or_default();
        let is_new = *read > *known;
        *known = (*known).max(*read);
        is_new
    }

    /// Removes the entries before a time: they are not read again.
    fn forget_before(&mut self, second: i64) {
        self.0 = self.0.split_off(&second);
    }
}

/// Reads the entries of all workloads in a time span.
async fn read<S: HttpService>(service: &S, query: &LogQuery, span: Span) -> Result<Found, Error> {
    let mut found = Found {
        entries: Vec::new(),
        excess: None,
    };
    for workload in query.workloads().chunks(1) {
        let mut response = call(service, &query.request_in(span, workload, 0)?).await?;
        let name = workload.first().cloned().unwrap_or_default();
        let logs = response.remove(&name).unwrap_or_default();
        let mut entries = logs.logs.unwrap_or_default();
        let count = entries.len() as u64;
        let total = logs.total_count.filter(|_| !query.is_filtered());
        let total = total.unwrap_or(count).max(count);
        if total > count || count >= query.page_size() {
            if span.length() > 1 {
                let pages = total.checked_div(query.page_size()).unwrap_or(1);
                found.excess = Some(i64::try_from(pages).unwrap_or(i64::MAX));
                return Ok(found);
            }
            // A second cannot be divided.
            let second = query.only(workload, span);
            let pages = walk::pages(service.clone(), &second, span.end);
            entries = pages.items().into_vec().await?;
        }
        let workload = name.as_str();
        found
            .entries
            .extend(entries.into_iter().map(|entry| FollowedEntry {
                workload: workload.to_owned(),
                entry,
            }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
