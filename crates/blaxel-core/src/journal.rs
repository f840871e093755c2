//! The record of a call's attempts: how many were sent, and what is certain about them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::options::Attempts;

/// Counts the attempts of one call, and keeps what is certain about each.
///
/// It is written where requests are handed to the transport and read where an error is made, and both
/// share it. So no layer between the two can hide that a request was sent: not by replacing the
/// response, nor by ending an attempt early, nor by repeating the request itself.
#[derive(Default)]
pub struct Journal(Mutex<Record>);

#[derive(Clone, Copy, Default)]
struct Record {
    /// Number of attempts that were started.
    started: u32,
    /// Number of requests that the transport received and knew the call of.
    received: u32,
    /// An attempt before the last one may have been processed.
    unclear: bool,
    last: Last,
    /// The last attempt was started, and the transport has not received it yet.
    announced: bool,
    /// Somebody counts: that nothing was sent is known then, not merely unreported.
    counted: bool,
}

/// The state of the last attempt.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    /// There was none.
    #[default]
    None,
    /// It is under way, or was abandoned on its way.
    Open,
    /// It is known not to have been processed.
    Refused,
    /// It was or may have been processed.
    Processed,
}

impl Record {
    fn begin(&mut self) {
        self.unclear |= self.last_may_have_been_processed();
        self.last = Last::Open;
    }

    /// Number of requests sent. An attempt whose request reached the transport without its context
    /// was started only, and one that a layer repeats was received only. Calls that a layer makes at
    /// once may all be started before the first one is received, so the two are not matched.
    fn sent(&self) -> u32 {
        self.started.max(self.received)
    }

    fn last_may_have_been_processed(&self) -> bool {
        matches!(self.last, Last::Open | Last::Processed)
    }
}

impl Journal {
    fn record(&self) -> MutexGuard<'_, Record> {
        // A record is whole after every statement, so one that a panic left behind is good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a client counts the attempts of this call.
    pub fn take_charge(&self) {
        self.record().counted = true;
    }

    /// Notes that an attempt is handed to the layers around the transport.
    pub fn start(&self) {
        let mut record = self.record();
        record.begin();
        record.started = record.started.saturating_add(1);
        record.announced = true;
    }

    /// Notes that the transport receives a request: the attempt that was started, or a repetition of it
    /// by a layer in between.
    pub fn dispatch(&self) {
        let mut record = self.record();
        if !std::mem::take(&mut record.announced) {
            record.begin();
        }
        record.received = record.received.saturating_add(1);
    }

    /// Notes what the transport knows about its request: whether it may have been processed.
    pub fn finish(&self, processed: bool) {
        self.record().last = if processed {
            Last::Processed
        } else {
            Last::Refused
        };
    }

    /// Notes that the layers around the transport have come to an outcome. If the transport reported
    /// nothing, the outcome is that of a layer, or the request lost its context: then only an error
    /// that is known to be `unsent` rules out that the attempt was processed.
    pub fn conclude(&self, unsent: bool) {
        let mut record = self.record();
        if std::mem::take(&mut record.announced) {
            record.last = if unsent {
                Last::Refused
            } else {
                Last::Processed
            };
        }
    }

    /// Returns `true` if an attempt is under way, or one that has ended may have been processed.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        let record = self.record();
        record.unclear || record.last_may_have_been_processed()
    }

    /// Returns `true` if somebody counts and nothing was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        let record = self.record();
        record.counted && record.sent() == 0
    }

    pub(crate) fn attempts(&self) -> Attempts {
        let record = self.record();
        Attempts {
            unclear: record.unclear,
            ..Attempts::new(record.sent())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(steps: impl FnOnce(&Journal)) -> (u32, bool, bool) {
        let journal = Journal::default();
        steps(&journal);
        let Attempts { sent, unclear, .. } = journal.attempts();
        (sent, unclear, journal.may_have_been_processed())
    }

    #[test]
    fn an_attempt_counts_once_however_many_report_it() {
        let once = journal(|journal| {
            journal.start();
            journal.dispatch();
            journal.finish(false);
            journal.conclude(false);
        });
        assert_eq!(once, (1, false, false));
    }

    #[test]
    fn a_repetition_below_counts_and_leaves_the_first_unclear() {
        let repeated = journal(|journal| {
            journal.start();
            journal.dispatch();
            journal.finish(true);
            journal.dispatch();
            journal.finish(false);
            journal.conclude(false);
        });
        assert_eq!(repeated, (2, true, true));
    }

    #[test]
    fn an_attempt_that_was_abandoned_may_have_been_processed() {
        let abandoned = journal(|journal| {
            journal.start();
            journal.dispatch();
            journal.conclude(false);
        });
        assert_eq!(abandoned, (1, false, true));
        let repeated = journal(|journal| {
            journal.start();
            journal.dispatch();
            journal.start();
            journal.dispatch();
            journal.finish(false);
        });
        assert_eq!(repeated, (2, true, true));
    }

    /// Two calls at once, or an attempt that arrives after it was given up.
    #[test]
    fn attempts_that_are_started_before_they_arrive_count_once() {
        let overlapping = journal(|journal| {
            journal.start();
            journal.start();
            journal.dispatch();
            journal.dispatch();
        });
        assert_eq!(overlapping, (2, true, true));
    }

    #[test]
    fn an_outcome_that_no_transport_vouches_for_rules_out_nothing() {
        let lost = |unsent| {
            journal(|journal| {
                journal.start();
                journal.conclude(unsent);
            })
        };
        assert_eq!(lost(false), (1, false, true));
        assert_eq!(lost(true), (1, false, false));
    }
}
