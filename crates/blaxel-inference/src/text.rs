//! Streams of plain text, returned as it arrives.

use std::collections::VecDeque;
use std::fmt;

use blaxel_core::Error;
use bytes::{Bytes, BytesMut};

use crate::decode::{Decode, DecodeError, Text, unreadable};

#[cfg(test)]
mod tests;

/// Decodes the chunks of a body into texts. A character that is split between two chunks is returned with
/// the second one; nothing else is held back.
///
/// ```
/// # use blaxel_inference::text::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.push(b"a\xC3"[..].into());
/// assert_eq!(decoder.next_text().unwrap()?, "a");
///
/// decoder.push(b"\xA9"[..].into());
/// assert_eq!(decoder.next_text().unwrap()?, "é");
/// # Ok::<(), blaxel_inference::DecodeError>(())
/// ```
#[derive(Default)]
pub struct Decoder {
    /// Chunks that were pushed and not read yet.
    chunks: VecDeque<Bytes>,
    /// The first bytes of an incomplete character, at most three.
    begun: Bytes,
    /// The next bytes are not UTF-8.
    broken: bool,
    over: bool,
}

impl Decoder {
    /// Creates a decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Feeds the next chunk of the body. Read all available texts before pushing more. After an error, or
    /// once [`finish`](Self::finish) has returned `None`, chunks are ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.over {
            self.chunks.push_back(chunk);
        }
    }

    /// Returns the next text, which is never empty, or `None` if more of the body is needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NotUtf8`] where the text stops being UTF-8. After it, this returns `None`.
    pub fn next_text(&mut self) -> Option<Result<Text, DecodeError>> {
        while !self.broken {
            let chunk = self.chunks.pop_front()?;
            let text = self.read(chunk);
            if !text.is_empty() {
                return Some(Text::read(text));
            }
        }
        self.stop();
        Some(Err(DecodeError::NotUtf8))
    }

    /// Returns the text that remains after the end of the body, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// As for [`next_text`](Self::next_text); a character that is incomplete at the end is an error
    /// too.
    pub fn finish(&mut self) -> Option<Result<Text, DecodeError>> {
        if let Some(text) = self.next_text() {
            return Some(text);
        }
        let cut_in_a_character = !self.begun.is_empty();
        self.stop();
        cut_in_a_character.then_some(Err(DecodeError::NotUtf8))
    }

    /// Returns the longest valid text of the incomplete character and this chunk. The rest is an
    /// incomplete character, or not UTF-8.
    fn read(&mut self, chunk: Bytes) -> Bytes {
        let mut text = if self.begun.is_empty() {
            chunk
        } else {
            let mut joined = BytesMut::with_capacity(self.begun.len() + chunk.len());
            joined.extend_from_slice(&std::mem::take(&mut self.begun));
            joined.extend_from_slice(&chunk);
            joined.freeze()
        };
        if let Err(problem) = str::from_utf8(&text) {
            self.broken = problem.error_len().is_some();
            let rest = text.split_off(problem.valid_up_to());
            if !self.broken {
                // A copy, so that three bytes do not hold on to a whole chunk.
                self.begun = Bytes::copy_from_slice(&rest);
            }
        }
        text
    }

    fn stop(&mut self) {
        *self = Self {
            over: true,
            ..Self::default()
        };
    }
}

impl Decode for Decoder {
    type Item = Text;

    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }

    fn next_item(&mut self) -> Option<Result<Text, Error>> {
        self.next_text().map(|text| text.map_err(unreadable))
    }

    fn finish(&mut self) -> Option<Result<Text, Error>> {
        self.finish().map(|text| text.map_err(unreadable))
    }
}

/// Shows the number of bytes held, not their text, which does not belong in a log.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("held", &self.begun.len())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
