//! Streams of JSON values, one per line.
//!
//! The format is known as NDJSON and JSON Lines. Lines end with `\n` or `\r\n`; the last one may have no line
//! end. Blank lines, which some servers send as keep-alives, are skipped.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body_start::BodyStart;
use super::decode::{Decode, Text, read_error};
use super::lines;
use crate::error::{Error, ErrorParts};

#[cfg(test)]
mod tests;

/// Decodes the chunks of a body into JSON values.
///
/// ```
/// # use blaxel_core::stream::ndjson::Decoder;
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
    /// Creates a decoder that accepts lines of up to [`lines::Decoder::DEFAULT_LIMIT`] bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(lines::Decoder::DEFAULT_LIMIT)
    }

    /// Creates a decoder that accepts lines of up to `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            lines: lines::Decoder::with_limit(limit),
            value: PhantomData,
        }
    }

    /// Adds the next chunk of the body. Read all available values before adding more.
    pub fn push(&mut self, chunk: Bytes) {
        self.lines.push(chunk);
    }

    /// Returns the next value, or `None` if more of the body is needed.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] for a line that is too large, not UTF-8, or not the expected JSON. After it,
    /// this returns `None`.
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

    /// Returns the next of the values that remain after the end of the body, or `None` if there are no
    /// more.
    ///
    /// # Errors
    ///
    /// Those of [`next_value`](Self::next_value), and [`Error::is_truncated`] for a last line that has no line
    /// end and is the beginning of a JSON text.
    pub fn finish(&mut self) -> Option<Result<T, Error>> {
        if let Some(value) = self.next_value() {
            return Some(value);
        }
        let line = match self.lines.finish()? {
            Ok(line) => line,
            Err(problem) => return Some(Err(read_error(problem))),
        };
        read(&line).map(|value| {
            value.map_err(|problem| {
                if problem.is_eof() {
                    Error::truncated(
                        "the stream is truncated: its last line is an incomplete JSON text",
                    )
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

/// Decodes the value on a line; `None` if the line is blank.
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

    /// Returns `true` if the first line is not JSON, or an error.
    fn is_foreign(&self, start: &[u8]) -> bool {
        let line = serde_json::from_slice::<Value>(BodyStart::first_line(start));
        line.map_or(true, |line| {
            line.get("error").is_some_and(|error| !error.is_null())
        })
    }
}

impl<T> fmt::Debug for Decoder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decoder").field(&self.lines).finish()
    }
}
