//! [`Message`] and [`Close`], the units of a WebSocket.

use std::fmt;

use bytes::Bytes;

/// A message of a WebSocket.
///
/// Pings are answered while messages are awaited, and never seen.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// Returns the size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns the bytes, of a text in UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the bytes, of a text in UTF-8.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl fmt::Debug for Message {
    /// Prints the size and never the content, which can be a password that somebody types.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Text(_) => "Text",
            Self::Binary(_) => "Binary",
        };
        write!(f, "{kind}({} bytes)", self.size())
    }
}

/// The reason for which a WebSocket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close {
    /// The code: 1000 for a normal end. Codes from 4000 to 4999 have the meaning that the server gives them.
    pub code: u16,
    /// The reason in words, which may be empty.
    pub reason: String,
}

impl Close {
    /// The code of a normal end.
    pub const NORMAL: u16 = 1000;

    /// Creates a reason.
    #[must_use]
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// Creates the reason of a normal end.
    #[must_use]
    pub fn normal() -> Self {
        Self::new(Self::NORMAL, "")
    }
}
