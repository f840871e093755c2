//! Streams of plain text, which is returned as it arrives.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};

use super::decode::{Decode, DecodeError, Text, read_error};
use crate::error::Error;

#[cfg(test)]
mod tests;

/// Decodes the chunks of a body into texts. A character that is split between two chunks is returned with
/// the second one; nothing else is held back.
///
/// ```
/// # use blaxel_core::stream::text::Decoder;
/// let mut decoder = Decoder::new();
/// decoder.push(b"a\xC3"[..].into());
/// assert_eq!(decoder.next_text().unwrap()?, "a");
///
/// decoder.push(b"\xA9"[..].into());
/// assert_eq!(decoder.next_text().unwrap()?, "é");
/// # Ok::<(), blaxel_core::stream::DecodeError>(())
/// ```
#[derive(Default)]
pub struct Decoder {
    /// Chunks that were added and not read yet.
    chunks: VecDeque<Bytes>,
    /// The first bytes of an incomplete character, at most three.
    partial: Bytes,
    /// `true` if the next bytes are not UTF-8.
    invalid: bool,
    ended: bool,
}

impl Decoder {
    /// Creates a decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next chunk of the body. Read all available texts before adding more. After an error, or
    /// once [`finish`](Self::finish) has returned `None`, chunks are ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.ended {
            self.chunks.push_back(chunk);
        }
    }

    /// Returns the next text, which is never empty, or `None` if more of the body is needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NotUtf8`] where the text is no longer UTF-8. After it, this returns `None`.
    pub fn next_text(&mut self) -> Option<Result<Text, DecodeError>> {
        while !self.invalid {
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
    /// Those of [`next_text`](Self::next_text). A character that is incomplete at the end is an error too.
    pub fn finish(&mut self) -> Option<Result<Text, DecodeError>> {
        if let Some(text) = self.next_text() {
            return Some(text);
        }
        let cut_in_a_character = !self.partial.is_empty();
        self.stop();
        cut_in_a_character.then_some(Err(DecodeError::NotUtf8))
    }

    /// Returns the longest valid text of the incomplete character and this chunk. The rest is an
    /// incomplete character, or not UTF-8.
    fn read(&mut self, chunk: Bytes) -> Bytes {
        let mut text = if self.partial.is_empty() {
            chunk
        } else {
            let mut joined = BytesMut::with_capacity(self.partial.len() + chunk.len());
            joined.extend_from_slice(&std::mem::take(&mut self.partial));
            joined.extend_from_slice(&chunk);
            joined.freeze()
        };
        if let Err(problem) = str::from_utf8(&text) {
            self.invalid = problem.error_len().is_some();
            let rest = text.split_off(problem.valid_up_to());
            if !self.invalid {
                // A copy, so that up to three bytes do not keep a whole chunk alive.
                self.partial = Bytes::copy_from_slice(&rest);
            }
        }
        text
    }

    fn stop(&mut self) {
        *self = Self {
            ended: true,
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
        self.next_text().map(|text| text.map_err(read_error))
    }

    fn finish(&mut self) -> Option<Result<Text, Error>> {
        self.finish().map(|text| text.map_err(read_error))
    }
}

/// Formats the number of buffered bytes, not the text, which must not get into logs.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("buffered", &self.partial.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
