//! What all decoders of streams have in common.

use std::fmt;
use std::ops::Deref;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use bytes::Bytes;
use bytestring::ByteString;

/// Turns the chunks of a body into items: events, lines, texts.
///
/// A decoder does no input or output of its own. [`Decoded`](crate::Decoded) feeds one from a body.
/// Chunks may be cut anywhere; the items are the same.
pub trait Decode {
    /// What the stream is made of.
    type Item;

    /// Takes the next chunk of the body. After an error it is ignored.
    fn push(&mut self, chunk: Bytes);

    /// The next item, or `None` when more of the body is needed. After an error there is none.
    fn next_item(&mut self) -> Option<Result<Self::Item, Error>>;

    /// The items that are left once the body has come to its proper end, until it returns `None`.
    fn finish(&mut self) -> Option<Result<Self::Item, Error>>;
}

/// Why a stream could not be decoded further.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// An event, or a single line, is larger than the decoder allows.
    TooLarge {
        /// The largest size allowed, in bytes.
        limit: usize,
    },
    /// The text is not valid UTF-8.
    NotUtf8,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => {
                write!(f, "an event or line is larger than {limit} bytes")
            }
            Self::NotUtf8 => f.write_str("the text is not valid UTF-8"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// A decoder's error as that of a call.
pub(crate) fn unreadable(problem: DecodeError) -> Error {
    Error::decode("the stream cannot be read").caused_by(problem)
}

/// A text out of a stream.
///
/// It usually borrows from the chunk it arrived in rather than copying out of it. Holding on to it
/// therefore holds on to that chunk; copy the text out to keep it for long.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(ByteString);

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as bytes, without copying it. The bytes are valid UTF-8.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }

    pub(crate) fn read(bytes: Bytes) -> Result<Self, DecodeError> {
        ByteString::try_from(bytes)
            .map(Self)
            .map_err(|_| DecodeError::NotUtf8)
    }
}

impl From<ByteString> for Text {
    fn from(text: ByteString) -> Self {
        Self(text)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_is_wrong() {
        let too_large = DecodeError::TooLarge { limit: 16 };
        assert_eq!(
            too_large.to_string(),
            "an event or line is larger than 16 bytes"
        );
        assert_eq!(
            DecodeError::NotUtf8.to_string(),
            "the text is not valid UTF-8"
        );
    }
}
