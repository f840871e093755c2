//! The arguments of a call, and its outcome.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::router::respond::Refusal;

/// The result of a tool.
pub(super) type Outcome = Result<Value, Failure>;

/// The message of a tool that failed.
#[derive(Debug)]
pub(super) struct Failure(String);

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self(message.to_owned())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.message().to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads arguments that were checked before.
pub(super) fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, Failure> {
    serde_json::from_value(arguments).map_err(|error| Failure(error.to_string()))
}

/// Returns a result as JSON.
pub(super) fn value(result: &impl Serialize) -> Outcome {
    serde_json::to_value(result).map_err(|error| Failure(error.to_string()))
}
