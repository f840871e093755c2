//! The trait of stream decoders, and the types they share.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorParts};

/// A decoder of the bytes of a body into items: events, lines, texts.
///
/// A decoder does no I/O. [`Decoded`](super::Decoded) feeds one from a body. The items do not depend on
/// where the bytes are split into chunks.
pub trait Decode {
    /// The item of the stream.
    type Item;

    /// Feeds the next chunk of the body. After an error it is ignored.
    fn push(&mut self, chunk: Bytes);

    /// Returns the next item, or `None` if more of the body is needed. After an error there is none.
    fn next_item(&mut self) -> Option<Result<Self::Item, Error>>;

    /// Returns the next of the items that remain after the end of the body, or `None` if there are no
    /// more.
    fn finish(&mut self) -> Option<Result<Self::Item, Error>>;

    /// Returns `true` if a body that begins with this text is not in the format of this decoder. A stream
    /// without an item is then an error that has the text, and not an empty stream. The default is `false`.
    fn is_foreign(&self, start: &[u8]) -> bool {
        let _ = start;
        false
    }
}

/// An error in the bytes of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// An event or a line is larger than the decoder's limit.
    TooLarge {
        /// The limit, in bytes.
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

/// Converts the error of a decoder to the error of a call.
pub(crate) fn read_error(problem: DecodeError) -> Error {
    Error::decode("the stream cannot be read").caused_by(problem)
}

/// A string of a stream.
///
/// It usually shares the memory of the chunk it arrived in, and keeps that chunk alive. Copy a string that
/// is kept for long.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(ByteString);

impl Text {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text as bytes, without copying it. The bytes are valid UTF-8.
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

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
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
    fn the_message_of_an_error_has_the_reason() {
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
