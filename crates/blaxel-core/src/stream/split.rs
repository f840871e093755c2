//! Splitting the chunks of a body into lines, for all formats that consist of lines.

use std::collections::VecDeque;
use std::mem;

use bytes::{Buf, Bytes};

/// The byte order mark that some servers send before the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The end of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// `\n`, `\r\n` or a lone `\r`, by the standard of server-sent events.
    Any,
    /// `\n` or `\r\n`; a lone `\r` belongs to the text.
    Feed,
}

/// The error of a line that is longer than the limit.
pub(crate) struct TooLong;

/// Splits chunks into lines.
///
/// A line within one chunk is a slice of it. The start of a line that continues in the next chunk moves
/// to `unfinished`, so a chunk is searched for line ends only once.
pub(crate) struct Lines {
    /// Chunks that were added and not read yet. None of them is empty.
    pub(crate) chunks: VecDeque<Bytes>,
    /// The start of a line whose end has not arrived. It contains no line end.
    pub(crate) unfinished: Vec<u8>,
    ends: LineEnd,
    /// `true` if the last line ended in `\r`: a `\n` that comes next belongs to the same line end.
    after_cr: bool,
    /// `true` if the first line has been read, after which a byte order mark is no longer expected.
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

    /// Returns the number of buffered bytes of a line whose end has not arrived.
    pub(crate) fn buffered(&self) -> usize {
        self.unfinished.len()
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// Returns the next line without its end, or `None` if its end has not arrived. A line may have up
    /// to `limit` bytes.
    pub(crate) fn next_line(&mut self, limit: usize) -> Result<Option<Bytes>, TooLong> {
        self.skip_line_feed_after_cr();
        while let Some(chunk) = self.chunks.front_mut() {
            let end = match self.ends {
                LineEnd::Any => memchr::memchr2(b'\r', b'\n', chunk),
                LineEnd::Feed => memchr::memchr(b'\n', chunk),
            };
            count_work(end.unwrap_or(chunk.len()));

            let part = chunk.split_to(end.unwrap_or(chunk.len()));
            if end.is_some() {
                self.skip_line_end();
                return self.complete(part, limit).map(Some);
            }
            self.chunks.pop_front();
            self.append(&part, limit)?;
        }
        Ok(None)
    }

    /// Returns the text after the last line end.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        let rest = Bytes::from(mem::take(&mut self.unfinished));
        self.trim_line(rest)
    }

    /// Skips the `\n` of a `\r\n`. This is done only now because the `\n` may be the start of a new chunk:
    /// waiting for it would hold back a complete event.
    fn skip_line_feed_after_cr(&mut self) {
        let Some(next) = self.chunks.front().and_then(|chunk| chunk.first()) else {
            return;
        };
        if mem::take(&mut self.after_cr) && *next == b'\n' {
            self.advance();
        }
    }

    fn skip_line_end(&mut self) {
        self.after_cr = self
            .chunks
            .front()
            .is_some_and(|chunk| chunk.starts_with(b"\r"));
        self.advance();
    }

    /// Drops the next byte, and its chunk if that was its last byte.
    fn advance(&mut self) {
        let Some(chunk) = self.chunks.front_mut() else {
            return;
        };
        chunk.advance(1);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
    }

    /// Joins the last part of a line with the parts in earlier chunks.
    fn complete(&mut self, last_part: Bytes, limit: usize) -> Result<Bytes, TooLong> {
        let line = if self.unfinished.is_empty() {
            check_limit(last_part.len(), limit)?;
            last_part
        } else {
            self.append(&last_part, limit)?;
            Bytes::from(mem::take(&mut self.unfinished))
        };
        Ok(self.trim_line(line))
    }

    fn append(&mut self, part: &[u8], limit: usize) -> Result<(), TooLong> {
        let line = &mut self.unfinished;
        check_limit(line.len() + part.len(), limit)?;
        count_work(part.len());
        line.reserve_exact(extra_space(line.len(), line.capacity(), part.len(), limit));
        line.extend_from_slice(part);
        Ok(())
    }

    /// Removes the bytes that do not belong to the text of a line.
    fn trim_line(&mut self, mut line: Bytes) -> Bytes {
        if self.ends == LineEnd::Feed && line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        if !mem::replace(&mut self.started, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        line
    }
}

fn check_limit(needed: usize, limit: usize) -> Result<(), TooLong> {
    if needed > limit { Err(TooLong) } else { Ok(()) }
}

/// Returns the capacity to reserve so that `more` bytes fit after the `len` present ones.
///
/// Capacity doubles, which keeps copying proportional to the text, but not beyond `limit`, which the
/// decoder does not exceed.
pub(crate) fn extra_space(len: usize, capacity: usize, more: usize, limit: usize) -> usize {
    let needed = len + more;
    if needed <= capacity {
        return 0;
    }
    count_work(len);
    needed.max(limit.min(capacity * 2)) - len
}

/// Counts bytes read or copied. Only tests use the count, to check that the work is proportional to the
/// stream.
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

    /// Returns the count of this thread since the last call.
    pub(crate) fn take() -> usize {
        WORK.replace(0)
    }
}
