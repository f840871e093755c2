//! [`TerminalEvent`].

use std::fmt;

use serde_json::{Map, Value};

/// An event of a terminal.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum TerminalEvent {
    /// Output of the shell and of the programs in it, with the control sequences of a terminal.
    ///
    /// The sandbox sends it as text. In place of bytes that are not UTF-8, it sends `U+FFFD`; so it does for a
    /// character that it has read in two parts.
    Output(String),
    /// A message of the sandbox about a failure, such as a shell that cannot be started.
    Error(String),
    /// A message of a type that this version of the SDK has no name for.
    Other(Map<String, Value>),
}

impl fmt::Debug for TerminalEvent {
    /// Prints the size and never the output, which can be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(text) => write!(f, "Output({} bytes)", text.len()),
            Self::Error(message) => f.debug_tuple("Error").field(message).finish(),
            Self::Other(members) => {
                let kind = members.get("type").and_then(Value::as_str);
                f.debug_tuple("Other")
                    .field(&kind.unwrap_or_default())
                    .finish()
            }
        }
    }
}
