//! Streams of text lines.
//!
//! A [`Decoder`] is fed the chunks of a body as they arrive and returns each line as soon as its end,
//! `\n` or `\r\n`, has arrived. Text after the last line end is a line too.

use std::fmt;

use bytes::Bytes;

use super::decode::{Decode, DecodeError, Text, read_error};
use super::split::{LineEnd, Lines, TooLong};
use super::sse;
use crate::error::Error;

#[cfg(test)]
mod tests;

/// Decodes the chunks of a body into lines.
///
/// ```
/// # use blaxel_core::stream::lines::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.push("one\r".into());
/// assert!(decoder.next_line().is_none());
///
/// decoder.push("\ntw".into());
/// assert_eq!(decoder.next_line().unwrap()?, "one");
///
/// decoder.push("o".into());
/// assert_eq!(decoder.finish().unwrap()?, "two");
/// # Ok::<(), blaxel_core::stream::DecodeError>(())
/// ```
pub struct Decoder {
    limit: usize,
    lines: Lines,
    ended: bool,
}

impl Decoder {
    /// The default maximum size of a line in bytes: 16 MiB.
    pub const DEFAULT_LIMIT: usize = sse::Decoder::DEFAULT_LIMIT;

    /// Creates a decoder that accepts lines of up to [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// Creates a decoder that accepts lines of up to `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            lines: Lines::new(LineEnd::Feed),
            ended: false,
        }
    }

    /// Adds the next chunk of the body. Read all available lines before adding more. After an error, or
    /// once [`finish`](Self::finish) has returned the last line, chunks are ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.ended {
            self.lines.push(chunk);
        }
    }

    /// Returns the next line without its end, or `None` if more of the body is needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a line that is too large or not UTF-8. After it, this returns `None`.
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

    /// Returns the next of the lines that remain after the end of the body, or `None` if there are no
    /// more. The last line may have no line end, unless it is empty.
    ///
    /// # Errors
    ///
    /// Those of [`next_line`](Self::next_line).
    pub fn finish(&mut self) -> Option<Result<Text, DecodeError>> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        let rest = self.lines.take_rest();
        self.stop();
        (!rest.is_empty()).then(|| Text::read(rest))
    }

    /// Ends the stream and releases its memory.
    pub(crate) fn stop(&mut self) {
        *self = Self {
            ended: true,
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
        self.next_line().map(|line| line.map_err(read_error))
    }

    fn finish(&mut self) -> Option<Result<Text, Error>> {
        self.finish().map(|line| line.map_err(read_error))
    }
}

/// Formats the number of buffered bytes, not the text, which must not get into logs.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("buffered", &self.lines.buffered())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
