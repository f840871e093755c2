//! The error of a creation that took longer than its deadline.

use std::fmt;
use std::time::Duration;

use blaxel_core::__private::duration;
use blaxel_core::Error;

/// A sandbox that was not ready before its creation deadline, and that the platform has removed.
///
/// It is a cause of the error of such a creation, which has the status 408 or the code `CREATION_TIMEOUT`. Nothing
/// remains of the sandbox, and its name is free again.
///
/// ```
/// use blaxel_management::sandboxes::CreationTimeout;
///
/// fn is_slow(error: &blaxel_core::Error) -> bool {
///     CreationTimeout::of(error).is_some()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationTimeout {
    sandbox: Option<String>,
    deadline: Option<Duration>,
}

impl CreationTimeout {
    pub(super) fn new(sandbox: &str, deadline: Option<Duration>) -> Self {
        Self {
            sandbox: Some(sandbox.to_owned()).filter(|name| !name.is_empty()),
            deadline,
        }
    }

    /// Returns the creation timeout among the causes of an error.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns the name of the sandbox, or `None` if the draft had none.
    #[must_use]
    pub fn sandbox(&self) -> Option<&str> {
        self.sandbox.as_deref()
    }

    /// Returns the deadline of the creation, or `None` if it was the platform's own.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }
}

impl fmt::Display for CreationTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sandbox {
            Some(name) => write!(f, "the sandbox `{name}`")?,
            None => f.write_str("the sandbox without a name")?,
        }
        match self.deadline {
            Some(deadline) => write!(f, " was not ready within {}", duration(deadline)),
            None => f.write_str(" was not ready within the platform's time limit"),
        }?;
        f.write_str(" and was removed")
    }
}

impl std::error::Error for CreationTimeout {}
