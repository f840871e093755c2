//! The runs of an execution's tasks: a limited number at a time, each with its retries.
//!
//! They follow from the request and the planned states of the execution, and are computed when they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::state::{Document, member};

/// The member with the request. It is not shown.
pub(crate) const REQUEST: &str = "request";

/// The terms from which the runs of the tasks follow.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The maximum number of tasks that run at the same time, at least 1.
    pub(crate) parallelism: usize,
    pub(crate) max_retries: u32,
    /// The duration of one attempt.
    pub(crate) attempt: Duration,
    /// The number of attempts that fail, for each task.
    pub(crate) failures: Vec<u32>,
}

impl Terms {
    /// Reads the terms that [`write`](Self::write) has stored.
    pub(super) fn read(document: &Document) -> Self {
        let number = |path: &str| member::get(document, path).and_then(Value::as_u64);
        let failures = member::get(document, "request/failures").and_then(Value::as_array);
        let failures = failures.into_iter().flatten().map(count);
        Self {
            parallelism: number("spec/parallelism").map_or(1, |limit| limit.max(1) as usize),
            max_retries: member::get(document, "request/maxRetries").map_or(0, count),
            attempt: Duration::from_nanos(number("request/attempt").unwrap_or(0)),
            failures: failures.collect(),
        }
    }

    /// Stores the terms in the document of the execution.
    pub(crate) fn write(&self, document: &mut Document) {
        let nanos = u64::try_from(self.attempt.as_nanos()).unwrap_or(u64::MAX);
        for (path, value) in [
            ("spec/parallelism", json!(self.parallelism)),
            ("request/maxRetries", json!(self.max_retries)),
            ("request/attempt", json!(nanos)),
            ("request/failures", json!(self.failures)),
        ] {
            member::set(document, path, value);
        }
    }

    /// Returns `true` if a task fails after all its attempts.
    pub(crate) fn has_failure(&self) -> bool {
        let mut failures = self.failures.iter();
        failures.any(|failures| *failures > self.max_retries)
    }

    /// Returns the runs of all tasks, in the order of the tasks. The first ones start at `start`.
    pub(super) fn runs(&self, start: Duration) -> Vec<Run> {
        let workers = self.parallelism.min(self.failures.len());
        let mut free: BinaryHeap<_> = (0..workers).map(|_| Reverse(start)).collect();
        let run = |failures: &u32| {
            let Reverse(starts) = free.pop().unwrap_or(Reverse(start));
            let run = Run {
                starts,
                attempt: self.attempt,
                attempts: failures.min(&self.max_retries).saturating_add(1),
                failures: *failures,
            };
            free.push(Reverse(run.ends()));
            run
        };
        self.failures.iter().map(run).collect()
    }

    /// Returns the time from the start of the first task to the end of the last one.
    pub(super) fn lasts(&self) -> Duration {
        last_end(&self.runs(Duration::ZERO)).unwrap_or_default()
    }
}

fn count(value: &Value) -> u32 {
    let value = value.as_u64().unwrap_or(0);
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Returns the time at which the last run ends.
pub(super) fn last_end(runs: &[Run]) -> Option<Duration> {
    runs.iter().map(Run::ends).max()
}

/// The run of a task, with all its attempts. They follow each other without a pause.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) starts: Duration,
    attempt: Duration,
    /// The number of attempts.
    pub(super) attempts: u32,
    /// The number of attempts that would fail.
    failures: u32,
}

impl Run {
    pub(super) fn ends(&self) -> Duration {
        let lasts = self.attempt.saturating_mul(self.attempts);
        self.starts.saturating_add(lasts)
    }

    /// Returns `true` if the last attempt fails.
    pub(super) fn fails(&self) -> bool {
        self.attempts <= self.failures
    }

    /// Returns the number of attempts that have started.
    pub(super) fn attempts_by(&self, now: Duration) -> u32 {
        let Some(passed) = now.checked_sub(self.starts) else {
            return 0;
        };
        let ended = passed.as_nanos().checked_div(self.attempt.as_nanos());
        let ended = ended.and_then(|ended| u32::try_from(ended).ok());
        ended
            .unwrap_or(u32::MAX)
            .saturating_add(1)
            .min(self.attempts)
    }

    /// Returns the run as it is if its execution is cancelled: an attempt that has started is completed, and no further
    /// one starts. `None` if it has not started.
    pub(super) fn cancelled(self, at: Duration) -> Option<Self> {
        let attempts = self.attempts_by(at);
        (attempts > 0).then_some(Self { attempts, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn terms(parallelism: usize, failures: &[u32]) -> Terms {
        Terms {
            parallelism,
            max_retries: 2,
            attempt: seconds(10),
            failures: failures.to_vec(),
        }
    }

    /// Returns the start and the end of each run, and whether it fails.
    fn table(terms: &Terms) -> Vec<(u64, u64, bool)> {
        let runs = terms.runs(seconds(100));
        runs.iter()
            .map(|run| (run.starts.as_secs(), run.ends().as_secs(), run.fails()))
            .collect()
    }

    #[test]
    fn a_task_starts_when_a_worker_is_free() {
        let expected = [
            (100, 110, false),
            (100, 120, false),
            (110, 140, true),
            (120, 130, false),
        ];
        let terms = terms(2, &[0, 1, 9, 0]);
        assert_eq!(table(&terms), expected);
        assert!(terms.has_failure());
        assert_eq!(terms.lasts(), seconds(40));
    }

    #[test]
    fn without_a_limit_all_tasks_start_at_once() {
        let terms = terms(usize::MAX, &[0, 2]);
        assert_eq!(table(&terms), [(100, 110, false), (100, 130, false)]);
        assert!(!terms.has_failure());
    }

    #[test]
    fn a_cancelled_run_completes_the_attempt_that_has_started() {
        let run = || terms(1, &[9]).runs(seconds(100)).remove(0);
        assert_eq!(run().ends(), seconds(130));
        for (at, attempts) in [(100, 1), (109, 1), (110, 2), (125, 3), (500, 3)] {
            let run = run().cancelled(seconds(at)).unwrap();
            assert_eq!(run.attempts, attempts, "{at}");
            assert!(run.fails());
        }
        assert!(run().cancelled(seconds(99)).is_none());
        let instant = Terms {
            attempt: Duration::ZERO,
            ..terms(1, &[9])
        };
        assert_eq!(instant.lasts(), Duration::ZERO);
        assert_eq!(
            instant.runs(Duration::ZERO)[0].attempts_by(Duration::ZERO),
            3
        );
    }

    #[test]
    fn terms_are_read_as_they_were_written() {
        let written = terms(3, &[0, u32::MAX]);
        let mut document = Document::new();
        written.write(&mut document);
        let read = Terms::read(&document);
        assert_eq!(read.runs(seconds(1)).len(), 2);
        assert_eq!(read.lasts(), written.lasts());
        assert_eq!((read.parallelism, read.max_retries), (3, 2));
    }
}
