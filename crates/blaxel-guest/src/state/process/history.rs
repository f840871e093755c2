//! [`History`], the output of a process.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use tokio::sync::watch;

use crate::lock::lock;
use crate::process::Stream;

/// The largest number of bytes that is kept of one stream: 32 MiB.
pub(super) const STREAM_LIMIT: usize = 32 << 20;
/// The memory that an entry costs besides its bytes.
const ENTRY_COST: usize = 64;
/// The largest number of notices that is kept.
const NOTICES: usize = 64;
/// The bytes that the server reads of a process at once.
const READ_SIZE: usize = 4096;

/// The text before output whose beginning is not kept.
pub(crate) const TRUNCATED: &str =
    "[... truncated, see the process log file for the full output ...]\n";

/// The output of a process, in the order in which it was written. The oldest output is dropped
/// when a stream exceeds its limit.
pub(crate) struct History {
    log: Mutex<Log>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

struct Log {
    next: u64,
    limit: usize,
    stdout: StreamLog,
    stderr: StreamLog,
    notices: VecDeque<(u64, &'static str)>,
}

#[derive(Default)]
struct StreamLog {
    entries: VecDeque<StreamEntry>,
    cost: usize,
    /// The number of the entry after the last one that was dropped.
    dropped: u64,
}

struct StreamEntry {
    number: u64,
    bytes: Bytes,
    is_restart: bool,
}

/// An entry of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Output, as it was read from the process.
    Output(Stream, Bytes),
    /// The announcement of a restart, which counts as standard output too.
    Restart(Bytes),
    /// The announcement of a signal. Only those who follow the process at that time see it.
    Notice(&'static str),
    /// Entries that are not kept any more.
    Gap,
}

/// A position in a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    next: u64,
    /// The first entry that was written after the position was created.
    live: u64,
    /// The gaps up to this entry have been reported.
    gap: u64,
}

/// An entry and its age.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) entry: Entry,
    /// `true` if it was written after the reader's position was created.
    pub(crate) is_live: bool,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            log: Mutex::new(Log {
                next: 0,
                limit: STREAM_LIMIT,
                stdout: StreamLog::default(),
                stderr: StreamLog::default(),
                notices: VecDeque::new(),
            }),
            changes: watch::Sender::new(0),
        }
    }

    /// Sets the largest number of bytes that is kept of one stream; at most 32 MiB.
    pub(crate) fn set_limit(&self, limit: usize) {
        let mut log = lock(&self.log);
        log.limit = limit.min(STREAM_LIMIT);
        log.trim();
    }

    /// Adds output. Longer output is divided as the server's reads would divide it.
    pub(crate) fn push(&self, stream: Stream, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let read = bytes.split_to(bytes.len().min(READ_SIZE));
            // A copy, since the memory behind a slice may be much larger.
            let read = Bytes::copy_from_slice(&read);
            lock(&self.log).push(stream, read, false);
        }
        self.changed();
    }

    /// Announces a restart.
    pub(crate) fn push_restart(&self, text: String) {
        lock(&self.log).push(Stream::Stdout, Bytes::from(text), true);
        self.changed();
    }

    /// Announces a signal.
    pub(crate) fn push_notice(&self, text: &'static str) {
        {
            let mut log = lock(&self.log);
            let number = log.take_number();
            log.notices.push_back((number, text));
            if log.notices.len() > NOTICES {
                log.notices.pop_front();
            }
        }
        self.changed();
    }

    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Returns a receiver that sees each change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Returns the last `limit` bytes of a stream as text. A text that is not whole begins with
    /// [`TRUNCATED`].
    pub(crate) fn tail(&self, stream: Stream, limit: usize) -> String {
        let log = lock(&self.log);
        let stream = log.stream(stream);
        let length: usize = stream.entries.iter().map(|entry| entry.bytes.len()).sum();
        let mut skip = length.saturating_sub(limit);
        let is_cut = skip > 0 || stream.dropped > 0;
        let mut bytes = Vec::with_capacity(length - skip);
        for entry in &stream.entries {
            let skipped = skip.min(entry.bytes.len());
            skip -= skipped;
            bytes.extend_from_slice(entry.bytes.get(skipped..).unwrap_or_default());
        }
        drop(log);
        let text = lossy(&bytes);
        if is_cut {
            return format!("{TRUNCATED}{text}");
        }
        text
    }

    /// Returns `true` if nothing was ever written.
    pub(crate) fn is_empty(&self) -> bool {
        let log = lock(&self.log);
        [&log.stdout, &log.stderr]
            .iter()
            .all(|stream| stream.entries.is_empty() && stream.dropped == 0)
    }

    /// Returns the position before the first entry.
    pub(crate) fn start(&self) -> Position {
        Position {
            next: 0,
            live: lock(&self.log).next,
            gap: 0,
        }
    }

    /// Reads the entry at a position and moves the position behind it. Returns `None` at the end.
    pub(crate) fn read(&self, position: &mut Position) -> Option<Read> {
        let log = lock(&self.log);
        let dropped = log.stdout.dropped.max(log.stderr.dropped);
        if dropped > position.next && dropped > position.gap {
            position.gap = dropped;
            return Some(Read {
                entry: Entry::Gap,
                is_live: position.next >= position.live,
            });
        }
        let live_notice = position.next.max(position.live);
        let notice = log.notices.iter().find(|(at, _)| *at >= live_notice);
        let candidates = [
            log.stdout.at(position.next).map(|entry| {
                let bytes = entry.bytes.clone();
                let read = match entry.is_restart {
                    true => Entry::Restart(bytes),
                    false => Entry::Output(Stream::Stdout, bytes),
                };
                (entry.number, read)
            }),
            log.stderr.at(position.next).map(|entry| {
                let read = Entry::Output(Stream::Stderr, entry.bytes.clone());
                (entry.number, read)
            }),
            notice.map(|(at, text)| (*at, Entry::Notice(text))),
        ];
        let first = candidates.into_iter().flatten().min_by_key(|(at, _)| *at);
        let (number, entry) = first?;
        position.next = number + 1;
        Some(Read {
            entry,
            is_live: number >= position.live,
        })
    }
}

impl Log {
    fn stream(&self, stream: Stream) -> &StreamLog {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn push(&mut self, stream: Stream, bytes: Bytes, is_restart: bool) {
        let number = self.take_number();
        let log = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        log.cost += bytes.len() + ENTRY_COST;
        log.entries.push_back(StreamEntry {
            number,
            bytes,
            is_restart,
        });
        self.trim();
    }

    fn trim(&mut self) {
        let limit = self.limit;
        for stream in [&mut self.stdout, &mut self.stderr] {
            while stream.cost > limit
                && let Some(first) = stream.entries.pop_front()
            {
                stream.cost -= first.bytes.len() + ENTRY_COST;
                stream.dropped = first.number + 1;
            }
        }
    }
}

impl StreamLog {
    /// Returns the first entry that is not before `number`.
    fn at(&self, number: u64) -> Option<&StreamEntry> {
        let index = self.entries.partition_point(|entry| entry.number < number);
        self.entries.get(index)
    }
}

/// Returns bytes as text as the server's JSON has it: each byte that is not UTF-8 becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(history: &History, mut position: Position) -> Vec<Entry> {
        std::iter::from_fn(|| history.read(&mut position).map(|read| read.entry)).collect()
    }

    #[test]
    fn entries_are_read_in_the_order_in_which_they_were_written() {
        let history = History::new();
        history.push(Stream::Stdout, Bytes::from("a"));
        history.push_notice("before");
        history.push(Stream::Stderr, Bytes::from("b"));
        let position = history.start();
        history.push_notice("after");
        history.push_restart("again".to_owned());
        let expected = [
            Entry::Output(Stream::Stdout, Bytes::from("a")),
            Entry::Output(Stream::Stderr, Bytes::from("b")),
            Entry::Notice("after"),
            Entry::Restart(Bytes::from("again")),
        ];
        assert_eq!(all(&history, position), expected);
        assert_eq!(history.tail(Stream::Stdout, 100), "aagain");
        assert_eq!(history.tail(Stream::Stdout, 5), format!("{TRUNCATED}again"));
    }

    #[test]
    fn the_oldest_output_is_dropped_and_the_gap_is_reported_once() {
        let history = History::new();
        let position = history.start();
        history.set_limit(2 * (READ_SIZE + ENTRY_COST));
        history.push(Stream::Stderr, Bytes::from("kept"));
        for text in ["1", "2", "3"] {
            history.push(Stream::Stdout, Bytes::from(text.repeat(READ_SIZE)));
        }
        let entries = all(&history, position);
        assert_eq!(entries.len(), 4, "{entries:?}");
        assert_eq!(entries[0], Entry::Gap);
        assert_eq!(
            entries[1],
            Entry::Output(Stream::Stderr, Bytes::from("kept"))
        );
        assert!(history.tail(Stream::Stdout, 1 << 20).starts_with(TRUNCATED));
        assert_eq!(history.tail(Stream::Stderr, 1 << 20), "kept");
    }

    #[test]
    fn each_byte_that_is_not_text_is_replaced() {
        assert_eq!(lossy(b"a\xe2\x82b\xff"), "a\u{fffd}\u{fffd}b\u{fffd}");
    }
}
