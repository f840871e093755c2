//! The record of a call's attempts: how many were sent, and which may have been processed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderValue;

use crate::options::Attempts;

/// A record of the attempts of one call.
///
/// The transport end of the stack writes it, and the code that makes an error reads it; both share
/// one record. So a layer between the two cannot hide that a request was sent, whether it replaces
/// the response, ends an attempt early or repeats the request itself.
#[derive(Default)]
pub struct Journal {
    record: Mutex<Record>,
    /// The credential of the last attempt, which errors must not show.
    credential: Mutex<Option<HeaderValue>>,
}

/// The content of a [`Journal`].
#[derive(Clone, Copy, Default)]
struct Record {
    /// Number of attempts that were started.
    started: u32,
    /// Number of requests that reached the transport with their context.
    received: u32,
    /// Number of requests that wait for a permit of the transport, or were dropped while they waited.
    queued: u32,
    /// `true` if an attempt before the last one may have been processed.
    unclear: bool,
    last: Last,
    /// `true` if the last attempt was started and the transport has not received it yet.
    announced: bool,
    /// `true` if a client counts the attempts. Only then does a count of 0 mean that nothing was
    /// sent.
    counted: bool,
}

/// The state of the last attempt.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    /// No attempt was made.
    #[default]
    None,
    /// Received by the transport, which has not begun to send it.
    Queued,
    /// In flight, or dropped before its outcome was known.
    Open,
    /// Known not to have been processed.
    Refused,
    /// Processed, or possibly processed.
    Processed,
}

impl Record {
    /// Begins an attempt, keeping whether the one before it may have been processed.
    fn begin(&mut self) {
        self.unclear |= self.last_may_have_been_processed();
        self.last = Last::Open;
    }

    /// Returns the number of requests sent.
    ///
    /// An attempt whose request reached the transport without its context was only started, and one
    /// that a layer repeats was only received. A layer may start several calls before the first one
    /// is received, so the two counts are not matched attempt by attempt.
    fn sent(&self) -> u32 {
        self.started.max(self.received).saturating_sub(self.queued)
    }

    /// Returns `true` if the last attempt is in flight or may have been processed.
    fn last_may_have_been_processed(&self) -> bool {
        matches!(self.last, Last::Open | Last::Processed)
    }
}

impl Journal {
    /// Locks the record.
    fn record(&self) -> MutexGuard<'_, Record> {
        // The record is consistent after every statement, so a poisoned lock does no harm.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the credential of an attempt, so that an error does not show it, should the server
    /// repeat it.
    pub fn set_credential(&self, credential: HeaderValue) {
        *self.lock_credential() = Some(credential);
    }

    /// Returns the credential of the last attempt.
    pub(crate) fn credential(&self) -> Option<HeaderValue> {
        self.lock_credential().clone()
    }

    fn lock_credential(&self) -> MutexGuard<'_, Option<HeaderValue>> {
        self.credential
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a client counts the attempts of this call.
    pub fn set_counted(&self) {
        self.record().counted = true;
    }

    /// Records that an attempt is handed to the layers around the transport.
    pub fn start(&self) {
        let mut record = self.record();
        record.begin();
        record.started = record.started.saturating_add(1);
        record.announced = true;
    }

    /// Records that the transport receives a request: the attempt that was started, or a repetition
    /// of it by a layer in between.
    pub fn dispatch(&self) {
        let mut record = self.record();
        if !std::mem::take(&mut record.announced) {
            record.begin();
        }
        record.received = record.received.saturating_add(1);
    }

    /// Records that the transport has received a request and waits for a permit to send it.
    ///
    /// Until [`leave_queue`](Self::leave_queue), the request counts as neither sent nor processed.
    pub fn enter_queue(&self) {
        let mut record = self.record();
        record.queued = record.queued.saturating_add(1);
        record.last = Last::Queued;
    }

    /// Records that the transport begins to send a request that has waited.
    pub fn leave_queue(&self) {
        let mut record = self.record();
        record.queued = record.queued.saturating_sub(1);
        record.begin();
    }

    /// Returns `true` if the transport has not begun to send the last request it received.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.record().last == Last::Queued
    }

    /// Records the transport's outcome: whether the request may have been processed.
    pub fn finish(&self, processed: bool) {
        self.record().last = if processed {
            Last::Processed
        } else {
            Last::Refused
        };
    }

    /// Records that the layers around the transport returned an outcome.
    ///
    /// If the transport recorded nothing, a layer made the outcome, or the request lost its
    /// context. Then the attempt counts as possibly processed, unless the outcome is an error that
    /// is known to be `unsent`.
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

    /// Returns `true` if an attempt is in flight, or one that has ended may have been processed.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        let record = self.record();
        record.unclear || record.last_may_have_been_processed()
    }

    /// Returns `true` if attempts are counted and nothing was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        let record = self.record();
        record.counted && record.sent() == 0
    }

    /// Returns the number of attempts, and whether one before the last may have been processed.
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

    /// Runs the steps on a new journal; returns the number sent, `unclear`, and whether any may
    /// have been processed.
    fn journal(steps: impl FnOnce(&Journal)) -> (u32, bool, bool) {
        let journal = Journal::default();
        steps(&journal);
        let Attempts { sent, unclear, .. } = journal.attempts();
        (sent, unclear, journal.may_have_been_processed())
    }

    #[test]
    fn an_attempt_recorded_by_several_layers_counts_once() {
        let once = journal(|journal| {
            journal.start();
            journal.dispatch();
            journal.finish(false);
            journal.conclude(false);
        });
        assert_eq!(once, (1, false, false));
    }

    #[test]
    fn a_repetition_by_a_layer_counts_and_leaves_the_first_attempt_unclear() {
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
    fn a_dropped_attempt_may_have_been_processed() {
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

    /// Covers two calls at once, and an attempt that arrives after it was given up.
    #[test]
    fn attempts_started_before_they_are_received_count_once() {
        let overlapping = journal(|journal| {
            journal.start();
            journal.start();
            journal.dispatch();
            journal.dispatch();
        });
        assert_eq!(overlapping, (2, true, true));
    }

    #[test]
    fn a_request_that_was_dropped_while_it_waited_was_not_sent() {
        let waiting = |journal: &Journal| {
            journal.start();
            journal.dispatch();
            journal.enter_queue();
        };
        assert_eq!(journal(waiting), (0, false, false));
        let sent = journal(|journal| {
            waiting(journal);
            journal.leave_queue();
        });
        assert_eq!(sent, (1, false, true));
        let sent_the_second_time = journal(|journal| {
            waiting(journal);
            waiting(journal);
            journal.leave_queue();
            journal.finish(false);
        });
        assert_eq!(sent_the_second_time, (1, false, false));
        let sent_the_first_time = journal(|journal| {
            journal.start();
            journal.dispatch();
            waiting(journal);
        });
        assert_eq!(sent_the_first_time, (1, true, true));
    }

    #[test]
    fn an_outcome_the_transport_did_not_record_may_have_been_processed() {
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
