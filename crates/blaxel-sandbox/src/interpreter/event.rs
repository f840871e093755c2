//! The events of a run.

use blaxel_core::__private::lenient::{null_as_default, text};
use blaxel_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rich_result::RichResult;
use crate::lenient::time;

/// An event of a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExecutionEvent {
    /// The number of the run in its context. It is the first event of most runs.
    ExecutionCount(u64),
    /// The code printed to its standard output.
    Stdout(Printed),
    /// The code printed to its standard error.
    Stderr(Printed),
    /// The code displayed a value, or ended with one.
    Result(Box<RichResult>),
    /// The code failed.
    Error(ExecutionError),
    /// An event that this version of the SDK has no name for.
    Other(Map<String, Value>),
}

/// Printed text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Printed {
    /// The text, with its line ends. It may be a part of a line.
    #[serde(default, deserialize_with = "null_as_default")]
    pub text: String,
    /// The time at which it was printed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time"
    )]
    pub timestamp: Option<Timestamp>,
}

/// A failure of the code: an exception that it does not handle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExecutionError {
    /// The name of the exception, such as `ZeroDivisionError`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The message of the exception.
    #[serde(default, deserialize_with = "null_as_default")]
    pub value: String,
    /// The stack trace, with the control sequences that color it in a terminal.
    #[serde(default, deserialize_with = "text")]
    pub traceback: Option<String>,
}

impl std::fmt::Display for ExecutionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl std::error::Error for ExecutionError {}
