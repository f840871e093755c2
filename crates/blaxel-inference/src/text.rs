//! Streams of text without a form: each piece is given out as it arrives.

use std::collections::VecDeque;
use std::fmt;

use blaxel_core::Error;
use bytes::{Bytes, BytesMut};

use crate::decode::{Decode, DecodeError, Text, unreadable};

#[cfg(test)]
mod tests;

/// Turns the chunks of a body into texts. A character that lies over the border of two chunks comes
/// with the second one; nothing else is held back.
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
    /// What was pushed and not read yet.
    chunks: VecDeque<Bytes>,
    /// The beginning of a character, at most three bytes.
    begun: Bytes,
    /// What comes next is no text.
    broken: bool,
    over: bool,
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands over the next chunk of the body. Read all texts there are before pushing more. After an
    /// error, or once [`finish`](Self::finish) has found the end, chunks are ignored.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.over {
            self.chunks.push_back(chunk);
        }
    }

    /// The next text, which is never empty, or `None` when more of the body is needed.
    ///
    /// After an error, which comes where the text stops being UTF-8, this returns `None`.
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

    /// What is left once the body has come to its proper end, until it returns `None`.
    pub fn finish(&mut self) -> Option<Result<Text, DecodeError>> {
        if let Some(text) = self.next_text() {
            return Some(text);
        }
        let cut_in_a_character = !self.begun.is_empty();
        self.stop();
        cut_in_a_character.then_some(Err(DecodeError::NotUtf8))
    }

    /// The valid beginning of what was begun and this chunk. What follows it is the beginning of a
    /// character, or broken.
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

/// Tells how much is held, not what: the text of a stream does not belong in a log.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("held", &self.begun.len())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
