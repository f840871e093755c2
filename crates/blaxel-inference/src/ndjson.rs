//! Streams of JSON values, one on each line.
//!
//! The format goes by the names NDJSON and JSON Lines. Lines end by `\n` or `\r\n`, the last one may
//! lack its end, and blank ones between them, which some servers send to keep a connection awake, are
//! passed over.

use std::fmt;
use std::marker::PhantomData;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::decode::{Decode, Text};
use crate::lines;

#[cfg(test)]
mod tests;

/// Turns the chunks of a body into values.
///
/// ```
/// # use blaxel_inference::ndjson::Decoder;
/// let mut decoder = Decoder::<u32>::new();
/// decoder.push("1\n\n2".into());
/// assert_eq!(decoder.next_value().unwrap()?, 1);
/// assert!(decoder.next_value().is_none());
///
/// decoder.push("3\r\n".into());
/// assert_eq!(decoder.next_value().unwrap()?, 23);
/// # Ok::<(), blaxel_core::Error>(())
/// ```
pub struct Decoder<T> {
    lines: lines::Decoder,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Decoder<T> {
    /// A decoder that accepts lines of up to [`lines::Decoder::DEFAULT_LIMIT`] bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(lines::Decoder::DEFAULT_LIMIT)
    }

    /// A decoder that accepts lines of up to `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            lines: lines::Decoder::with_limit(limit),
            value: PhantomData,
        }
    }

    /// Hands over the next chunk of the body. Read all values there are before pushing more.
    pub fn push(&mut self, chunk: Bytes) {
        self.lines.push(chunk);
    }

    /// The next value, or `None` when more of the body is needed.
    ///
    /// After an error there are no more values: [`Error::is_decode`] for a line that is too large, not
    /// UTF-8, or not the expected JSON.
    pub fn next_value(&mut self) -> Option<Result<T, Error>> {
        loop {
            let line = match self.lines.next_item()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            if let Some(value) = read(&line) {
                return Some(self.stop_at_error(value.map_err(not_the_json)));
            }
        }
    }

    /// The values that are left once the body has come to its proper end, until it returns `None`.
    ///
    /// A last line that lacks its end and is the beginning of a JSON text was cut, so it is an
    /// [`Error::is_truncated`].
    pub fn finish(&mut self) -> Option<Result<T, Error>> {
        if let Some(value) = self.next_value() {
            return Some(value);
        }
        let line = match self.lines.finish()? {
            Ok(line) => line,
            Err(problem) => return Some(Err(crate::decode::unreadable(problem))),
        };
        read(&line).map(|value| {
            value.map_err(|problem| {
                if problem.is_eof() {
                    Error::truncated("the stream was cut: its last line is half of a JSON text")
                        .caused_by(problem)
                } else {
                    not_the_json(problem)
                }
            })
        })
    }

    fn stop_at_error(&mut self, value: Result<T, Error>) -> Result<T, Error> {
        if value.is_err() {
            self.lines.stop();
        }
        value
    }
}

/// The value on a line, or `None` if the line is blank.
fn read<T: DeserializeOwned>(line: &Text) -> Option<Result<T, serde_json::Error>> {
    let text = line.trim();
    (!text.is_empty()).then(|| serde_json::from_str(text))
}

fn not_the_json(problem: serde_json::Error) -> Error {
    Error::decode("a line of the stream is not the expected JSON").caused_by(problem)
}

impl<T: DeserializeOwned> Default for Decoder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: DeserializeOwned> Decode for Decoder<T> {
    type Item = T;

    fn push(&mut self, chunk: Bytes) {
        self.push(chunk);
    }

    fn next_item(&mut self) -> Option<Result<T, Error>> {
        self.next_value()
    }

    fn finish(&mut self) -> Option<Result<T, Error>> {
        self.finish()
    }
}

impl<T> fmt::Debug for Decoder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decoder").field(&self.lines).finish()
    }
}
