//! [`Follow`], the output of a process as a stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::format::Format;
use super::ticker::Ticker;
use crate::clock::Clock;
use crate::state::{Phase, Position, Record};
use crate::version::ServerVersion;

/// The time between two signs of life in every stream of output.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The bytes that are sent at once.
const CHUNK: usize = 64 << 10;

/// The output of a process, from its beginning until its end.
pub(super) struct Follow {
    record: Arc<Record>,
    format: Format,
    position: Position,
    changes: watch::Receiver<u64>,
    phase: watch::Receiver<Phase>,
    attached: Phase,
    keepalives: Vec<(Ticker, Bytes)>,
    /// Sent first if there is no output yet.
    greeting: Option<Bytes>,
    backlog_done: bool,
}

impl Follow {
    pub(super) fn new(record: Arc<Record>, format: Format, clock: &Clock) -> Self {
        let (changes, phase) = (record.history.changes(), record.phase());
        let attached = *phase.borrow();
        let keepalives = format
            .keepalive()
            .map(|bytes| (Ticker::new(clock, KEEPALIVE), bytes));
        let is_quiet = record.history.is_empty();
        let greeting = format.greeting().filter(|_| is_quiet && !attached.is_over);
        Self {
            position: record.history.start(),
            record,
            format,
            changes,
            phase,
            attached,
            keepalives: keepalives.into_iter().collect(),
            greeting,
            backlog_done: false,
        }
    }

    /// Adds bytes to send at regular times.
    pub(super) fn keepalive(mut self, ticker: Ticker, bytes: Bytes) -> Self {
        self.keepalives.push((ticker, bytes));
        self
    }

    /// Returns the next bytes, or `None` at the end. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            self.changes.borrow_and_update();
            // Read before the output, so that none is missed that was written before the end.
            let has_ended = self.has_ended();
            let chunk = self.read();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            if has_ended {
                return None;
            }
            tokio::select! {
                // Both senders live in the record.
                _ = self.changes.changed() => {}
                _ = self.phase.changed() => {}
                bytes = tick(&mut self.keepalives) => return Some(bytes),
            }
        }
    }

    /// Returns the output that is there.
    fn read(&mut self) -> Bytes {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK {
            let Some(read) = self.record.history.read(&mut self.position) else {
                if !std::mem::replace(&mut self.backlog_done, true) {
                    self.format.end_backlog(&mut chunk);
                }
                break;
            };
            if read.is_live && !std::mem::replace(&mut self.backlog_done, true) {
                self.format.end_backlog(&mut chunk);
            }
            self.format.write(read, &mut chunk);
        }
        chunk.into()
    }

    fn has_ended(&mut self) -> bool {
        let phase = *self.phase.borrow_and_update();
        match self.record.order.version {
            // The server of August does not wait for restarts.
            ServerVersion::August => !phase.is_running || phase.ended > self.attached.ended,
            ServerVersion::Current => phase.is_over,
        }
    }
}

/// Waits for the first ticker.
async fn tick(tickers: &mut [(Ticker, Bytes)]) -> Bytes {
    std::future::poll_fn(|cx| {
        for (ticker, bytes) in tickers.iter_mut() {
            if ticker.poll_tick(cx).is_ready() {
                return std::task::Poll::Ready(bytes.clone());
            }
        }
        std::task::Poll::Pending
    })
    .await
}
