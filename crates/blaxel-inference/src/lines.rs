//! Streams of text lines.
//!
//! A [`Decoder`] is fed the chunks of a body as they arrive and gives out each line as soon as its end
//! is there, by `\n` or `\r\n`. What stands behind the last line end is a line too.

use std::fmt;

use blaxel_core::Error;
use bytes::Bytes;

use crate::decode::{Decode, DecodeError, Text, unreadable};
use crate::split::{LineEnd, Lines, TooLong};

#[cfg(test)]
mod tests;

/// Turns the chunks of a body into lines.
///
/// ```
/// # use blaxel_inference::lines::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.push("one\r".into());
/// assert!(decoder.next_line().is_none());
///
/// decoder.push("\ntw".into());
/// assert_eq!(decoder.next_line().unwrap()?, "one");
///
/// decoder.push("o".into());
/// assert_eq!(decoder.finish().unwrap()?, "two");
/// # Ok::<(), blaxel_inference::DecodeError>(())
/// ```
pub struct Decoder {
    limit: usize,
    lines: Lines,
    over: bool,
}

impl Decoder {
    /// The size up to which a line is accepted unless another is chosen: 16 MiB, in bytes.
    pub const DEFAULT_LIMIT: usize = crate::sse::Decoder::DEFAULT_LIMIT;

    /// A decoder that accepts lines of up to [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// A decoder that accepts lines of up to `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            lines: Lines::new(LineEnd::Feed),
            over: false,
        }
    }

    /// Hands over the next chunk of the body. Read all lines there are before pushing more. After an
    /// error, or once [`finish`](Self::finish) has given out the last line, chunks are ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.over {
            self.lines.push(chunk);
        }
    }

    /// The next line without its end, or `None` when more of the body is needed.
    ///
    /// After an error there are no more lines, and this returns `None` from then on.
    pub fn next_line(&mut self) -> Option<Result<Text, DecodeError>> {
        let limit = self.limit;
        let line = self
            .lines
            .next_line(limit)
            .map_err(|TooLong| DecodeError::TooLarge { limit })
            .transpose()?
            .and_then(Text::read);
        if line.is_err() {
            self.stop();
        }
        Some(line)
    }

    /// The lines that are left once the body has come to its proper end, until it returns `None`. The
    /// last one may lack its end; an empty one is none.
    pub fn finish(&mut self) -> Option<Result<Text, DecodeError>> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        let rest = self.lines.take_rest();
        self.stop();
        (!rest.is_empty()).then(|| Text::read(rest))
    }

    /// Ends the stream and gives back the memory it took.
    pub(crate) fn stop(&mut self) {
        *self = Self {
            over: true,
            ..Self::with_limit(self.limit)
        };
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = Text;

    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }

    fn next_item(&mut self) -> Option<Result<Text, Error>> {
        self.next_line().map(|line| line.map_err(unreadable))
    }

    fn finish(&mut self) -> Option<Result<Text, Error>> {
        self.finish().map(|line| line.map_err(unreadable))
    }
}

/// Tells how much is held, not what: the text of a stream does not belong in a log.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("held", &self.lines.held())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
