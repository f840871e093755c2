//! Cutting the chunks of a body into lines: the step that all formats made of lines share.

use std::collections::VecDeque;
use std::mem;

use bytes::{Buf, Bytes};

/// The mark some servers put before the first line to say that the text is UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// `\n`, `\r\n` or a lone `\r`, as the standard of server-sent events has it.
    Any,
    /// `\n` or `\r\n`; a lone `\r` belongs to the text.
    Feed,
}

/// A line is longer than there is room for.
pub(crate) struct TooLong;

/// Cuts chunks into lines.
///
/// A line that lies within one chunk is a slice of it. The start of a line that goes on in the next
/// chunk moves to `unfinished`, so a chunk is searched for line ends once and never again.
pub(crate) struct Lines {
    /// What was pushed and not read yet. No chunk in it is empty.
    pub(crate) chunks: VecDeque<Bytes>,
    /// The start of a line whose end has not arrived. Holds no line end.
    pub(crate) unfinished: Vec<u8>,
    ends: LineEnd,
    /// The last line ended in `\r`: a `\n` that comes next belongs to the same line end.
    after_cr: bool,
    /// The first line has been read, so a byte order mark is no longer expected.
    started: bool,
}

impl Lines {
    pub(crate) fn new(ends: LineEnd) -> Self {
        Self {
            chunks: VecDeque::new(),
            unfinished: Vec::new(),
            ends,
            after_cr: false,
            started: false,
        }
    }

    /// How many bytes are held of a line whose end has not arrived.
    pub(crate) fn held(&self) -> usize {
        self.unfinished.len()
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next line without its end, or `None` when its end has not arrived. A line may take up
    /// `room` bytes.
    pub(crate) fn next_line(&mut self, room: usize) -> Result<Option<Bytes>, TooLong> {
        self.skip_second_half_of_line_end();
        while let Some(chunk) = self.chunks.front_mut() {
            let end = match self.ends {
                LineEnd::Any => memchr::memchr2(b'\r', b'\n', chunk),
                LineEnd::Feed => memchr::memchr(b'\n', chunk),
            };
            count_work(end.unwrap_or(chunk.len()));

            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            if end.is_some() {
                self.step_over_line_end();
                return self.complete(part, room).map(Some);
            }
            self.chunks.pop_front();
            self.keep(&part, room)?;
        }
        Ok(None)
    }

    /// Whatever came after the last line end.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        let rest = Bytes::from(mem::take(&mut self.unfinished));
        self.bare(rest)
    }

    /// Leaves out the `\n` of a `\r\n`. It is looked for only now because it may have been the
    /// start of a new chunk: waiting for it would hold back an event that is complete.
    fn skip_second_half_of_line_end(&mut self) {
        let Some(next) = self.chunks.front().and_then(|chunk| chunk.first()) else {
            return;
        };
        if mem::take(&mut self.after_cr) && *next == b'\n' {
            self.advance();
        }
    }

    fn step_over_line_end(&mut self) {
        self.after_cr = self
            .chunks
            .front()
            .is_some_and(|chunk| chunk.starts_with(b"\r"));
        self.advance();
    }

    /// Drops the next byte, and its chunk when that was the last of it.
    fn advance(&mut self) {
        let Some(chunk) = self.chunks.front_mut() else {
            return;
        };
        chunk.advance(1);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
    }

    /// Puts the last part of a line to what earlier chunks held of it.
    fn complete(&mut self, last_part: Bytes, room: usize) -> Result<Bytes, TooLong> {
        let line = if self.unfinished.is_empty() {
            check_room(last_part.len(), room)?;
            last_part
        } else {
            self.keep(&last_part, room)?;
            Bytes::from(mem::take(&mut self.unfinished))
        };
        Ok(self.bare(line))
    }

    fn keep(&mut self, part: &[u8], room: usize) -> Result<(), TooLong> {
        let line = &mut self.unfinished;
        check_room(line.len() + part.len(), room)?;
        count_work(part.len());
        line.reserve_exact(extra_space(line.len(), line.capacity(), part.len(), room));
        line.extend_from_slice(part);
        Ok(())
    }

    /// A line without what does not belong to its text.
    fn bare(&mut self, mut line: Bytes) -> Bytes {
        if self.ends == LineEnd::Feed && line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        if !mem::replace(&mut self.started, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        line
    }
}

fn check_room(needed: usize, room: usize) -> Result<(), TooLong> {
    if needed > room { Err(TooLong) } else { Ok(()) }
}

/// How much space to reserve so that `more` bytes fit behind the `len` there are.
///
/// Space doubles, which keeps the copying in proportion to the text, but not beyond `limit`, where
/// the doubling would only reserve what the decoder refuses to fill.
pub(crate) fn extra_space(len: usize, capacity: usize, more: usize, limit: usize) -> usize {
    let needed = len + more;
    if needed <= capacity {
        return 0;
    }
    count_work(len);
    needed.max(limit.min(capacity * 2)) - len
}

/// Counts bytes looked at or copied. Only the tests read it, to see that the effort stays in
/// proportion to the stream.
#[inline]
pub(crate) fn count_work(_bytes: usize) {
    #[cfg(test)]
    work::add(_bytes);
}

#[cfg(test)]
pub(crate) mod work {
    use std::cell::Cell;

    thread_local! {
        static WORK: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn add(bytes: usize) {
        WORK.set(WORK.get() + bytes);
    }

    /// What was counted on this thread since the last time it was asked.
    pub(crate) fn take() -> usize {
        WORK.replace(0)
    }
}
