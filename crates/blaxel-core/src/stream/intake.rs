//! The bytes of a body on their way to a decoder, which expects UTF-8.

use bytes::Bytes;
use http::HeaderMap;

use crate::content_coding::compression_problem;
use crate::content_type::Charset;
use crate::error::Error;

/// Converts the chunks of a body to UTF-8, according to the response headers.
#[derive(Default)]
pub(crate) struct Intake {
    charset: Charset,
    problem: Option<String>,
}

impl Intake {
    /// Reads the headers. The charset counts only if the body is decoded as text.
    pub(crate) fn new(headers: &HeaderMap, is_text: bool) -> Self {
        let charset = if is_text {
            Charset::of(headers)
        } else {
            Charset::default()
        };
        Self {
            charset,
            problem: compression_problem(headers),
        }
    }

    /// Converts a chunk, which is an error if it is compressed or in an unknown charset.
    pub(crate) fn read(&self, chunk: Bytes) -> Result<Bytes, Error> {
        match &self.problem {
            Some(problem) if !chunk.is_empty() => Err(Error::decode(problem)),
            _ => self.charset.to_utf8(chunk).map_err(Error::decode),
        }
    }
}
