//! Following the output of a process to its end, over any number of connections.
//!
//! The server sends the output from its start on each connection. What was received before is skipped by counting the
//! bytes of each stream. The end of a connection is not the end of the process: its state decides, and whether all
//! output was received.

use std::collections::VecDeque;
use std::time::Duration;

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Error, HttpService};
use bytes::{Buf, Bytes};
use http::StatusCode;
use tokio::time::{sleep, timeout};

use super::event::{Event, Gap, GapReason, OutputStream, Position};
use super::exit::{Exit, ExitCheck, RESTART_POLL};
use super::handle::Process;
use super::info::{ExitStatus, ProcessInfo};
use super::log_stream::{Item, LogStream};
use super::outage::Outage;
use super::tail::{Proof, Received};

/// Time limit on the silence of a connection. The server sends something every 30 seconds.
const IDLE: Duration = Duration::from_secs(75);

/// Number of bytes up to which the output is read a second time if it is not certain that it is complete.
const CHECKED_AGAIN: u64 = 1024 * 1024;

/// Maximum number of connections in succession that contradict the server's report.
const CONTRADICTIONS: u32 = 3;

/// Number of bytes that the server probably keeps from their start.
const KEPT_BY_SERVER: u64 = 16 * 1024 * 1024;

/// A process that is followed.
pub(super) struct Follow<S> {
    process: Process<S>,
    position: Position,
    open: Option<Open>,
    as_text: bool,
    /// `true` once the loss of exactness by the text form was reported.
    told_of_text: bool,
    events: VecDeque<Event>,
    check: ExitCheck,
    /// The exit status, once it is known. A connection that is opened after that has all output.
    exit: Option<ExitStatus>,
    /// `true` while a connection only checks that the output is complete.
    checking: bool,
    outage: Outage,
    received: [Received; 2],
    /// Number of connections in succession that have ended cleanly, but without all output.
    contradictions: u32,
    ended: bool,
}

/// A connection.
struct Open {
    stream: LogStream,
    /// The position of the connection, which lags behind while it repeats earlier output.
    at: Position,
    /// `true` once the connection has brought something new.
    is_fruitful: bool,
    /// `true` once output is missing, after which bytes cannot be counted.
    is_uncounted: bool,
}

impl<S: HttpService> Follow<S> {
    pub(super) fn new(process: Process<S>, position: Position) -> Self {
        Self {
            process,
            position,
            open: None,
            as_text: false,
            told_of_text: false,
            events: VecDeque::new(),
            check: ExitCheck::default(),
            exit: None,
            checking: false,
            outage: Outage::default(),
            received: [
                Received::after(position.stdout),
                Received::after(position.stderr),
            ],
            contradictions: 0,
            ended: false,
        }
    }

    /// Follows a process that is known to have ended.
    pub(super) fn with_exit(mut self, exit: Option<ExitStatus>) -> Self {
        self.exit = exit;
        self
    }

    pub(super) fn process(&self) -> &Process<S> {
        &self.process
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Returns `true` if the server has only the text form.
    pub(super) fn is_text(&self) -> bool {
        self.told_of_text
    }

    /// Returns the next event, or `None` after the end of the process. It is cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(open) = &mut self.open else {
                self.connect().await?;
                continue;
            };
            let failure = match timeout(IDLE, open.stream.next()).await {
                Ok(Ok(Some(item))) => {
                    self.accept(item);
                    continue;
                }
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some(error),
                Err(_) => Some(Error::timeout("silence of the output stream", IDLE)),
            };
            self.open = None;
            self.look(failure).await?;
        }
    }

    /// Opens a connection, or waits before the next attempt.
    async fn connect(&mut self) -> Result<(), Error> {
        let (remote, name) = (self.process.remote(), self.process.name());
        let error = match LogStream::open(remote, name, self.as_text).await {
            Ok(stream) => {
                self.attach(stream);
                return Ok(());
            }
            Err(error) => error,
        };
        let status = error.status();
        let refused = [StatusCode::CONFLICT, StatusCode::NOT_ACCEPTABLE];
        if !self.as_text && status.is_some_and(|status| refused.contains(&status)) {
            self.as_text = true;
            return Ok(());
        }
        if status == Some(StatusCode::NOT_FOUND) {
            // The state of the process has the better message.
            self.process.look().await?;
        }
        let error = self.process.describe(error);
        self.outage.pause(error).await
    }

    fn attach(&mut self, stream: LogStream) {
        let has_output = self.position.stdout + self.position.stderr > 0;
        if self.position.inexact && has_output && !stream.is_text() {
            self.report(GapReason::Unaligned);
        }
        self.open = Some(Open {
            stream,
            at: Position::default(),
            is_fruitful: false,
            is_uncounted: false,
        });
    }

    fn report(&mut self, reason: GapReason) {
        self.position.inexact = true;
        self.events.push_back(Gap::event(reason));
    }

    /// Adds the event of an item, if it is new.
    fn accept(&mut self, item: Item) {
        // The stream of a process that has ended has nothing to wait for: only output is progress.
        if self.exit.is_none() {
            self.outage.contact();
        }
        let Some(open) = &mut self.open else {
            return;
        };
        match item {
            Item::KeepAlive => {}
            Item::Restart => {
                open.at.restarts += 1;
                if open.at.restarts > self.position.restarts {
                    self.position.restarts = open.at.restarts;
                    self.events.push_back(Event::Restarted);
                }
            }
            Item::Truncated => self.truncate(),
            Item::Output(stream, bytes) => {
                if open.stream.is_text() && !self.told_of_text {
                    self.told_of_text = true;
                    self.report(GapReason::TextForm);
                }
                self.deliver(stream, bytes);
            }
        }
    }

    /// Adds the bytes that were not received before.
    fn deliver(&mut self, stream: OutputStream, mut bytes: Bytes) {
        let Some(open) = &mut self.open else {
            return;
        };
        let (known, at) = (self.position.of(stream), open.at.of(stream));
        if !open.is_uncounted {
            let repeated = known.saturating_sub(*at);
            *at += bytes.len() as u64;
            bytes.advance(
                usize::try_from(repeated)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len()),
            );
        }
        if bytes.is_empty() {
            return;
        }
        *known += bytes.len() as u64;
        open.is_fruitful = true;
        // Bytes that cannot be counted may have been received before, and are no progress.
        if !open.is_uncounted {
            self.outage.end();
            self.contradictions = 0;
        }
        self.received[stream as usize].push(&bytes);
        self.events.push_back(stream.event(bytes));
    }

    /// Handles the mark of output that the server has dropped.
    fn truncate(&mut self) {
        let Some(open) = &mut self.open else {
            return;
        };
        let has_caught_up =
            open.at.stdout >= self.position.stdout && open.at.stderr >= self.position.stderr;
        let reason = if open.is_uncounted {
            GapReason::Dropped
        } else if !has_caught_up && self.checking {
            // The start is gone, and all that is left was received before.
            return self.finish();
        } else if !has_caught_up {
            GapReason::Unaligned
        } else if open.is_fruitful
            && !open.stream.is_text()
            && self.position.stdout + self.position.stderr <= KEPT_BY_SERVER
        {
            // The server dropped output because it was not read fast enough, but may still keep it: it is repeated on
            // another connection.
            self.open = None;
            return;
        } else {
            GapReason::Dropped
        };
        open.is_uncounted = true;
        self.report(reason);
    }

    /// Looks at the state of the process after a connection has ended, with an error or without one.
    async fn look(&mut self, failure: Option<Error>) -> Result<(), Error> {
        let (info, was_known) = loop {
            let info = match self.process.look().await {
                Ok(info) => info,
                Err(error) => return self.outage.pause(error).await,
            };
            match self.check.check(&info) {
                Exit::Maybe => sleep(RESTART_POLL).await,
                Exit::No => {
                    self.exit = None;
                    self.checking = false;
                    let ended = || {
                        Error::truncated("the stream of the output has ended before the process")
                    };
                    let error = self.process.describe(failure.unwrap_or_else(ended));
                    return self.outage.pause(error).await;
                }
                Exit::Yes(status) => {
                    let was_known = self.exit.replace(status).is_some();
                    break (info, was_known);
                }
            }
        };
        if self.is_complete(&info, was_known, failure.is_none()) {
            self.finish();
            return Ok(());
        }
        self.checking = failure.is_none();
        if let Some(error) = failure {
            return self.outage.pause(self.process.describe(error)).await;
        }
        if was_known {
            self.contradictions += 1;
            if self.contradictions > CONTRADICTIONS {
                self.report(GapReason::Unverified);
                self.finish();
            }
        }
        Ok(())
    }

    /// Returns `true` if all output of a process that has ended was received.
    ///
    /// A connection that was opened after the end and has ended cleanly has all output, unless the server's own report
    /// contradicts it. One that was opened before may have been ended early by a proxy.
    fn is_complete(&self, info: &ProcessInfo, was_known: bool, is_clean: bool) -> bool {
        if self.position.inexact || info.restart_count > 0 {
            // The report has lines of the server, or bytes cannot be counted.
            return is_clean && (was_known || self.position.inexact);
        }
        let report = [&info.stdout, &info.stderr];
        let proof = self
            .received
            .iter()
            .zip(report)
            .map(|(received, text)| match text {
                Some(text) => received.compare(text),
                None => Proof::SameEnd,
            });
        let is_large = self.position.stdout + self.position.stderr > CHECKED_AGAIN;
        match proof.min() {
            Some(Proof::Whole) => true,
            Some(Proof::SameEnd) => is_clean && (was_known || is_large),
            _ => false,
        }
    }

    fn finish(&mut self) {
        self.open = None;
        self.ended = true;
        self.events.extend(self.exit.take().map(Event::Exited));
    }
}
