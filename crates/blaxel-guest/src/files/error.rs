//! [`FileError`], an error with the path that it is about.

use std::fmt;

use crate::errno::Errno;

/// A system call that failed, as the server's messages name it: `open /tmp/a: permission denied`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    operation: &'static str,
    path: String,
    errno: Errno,
}

impl FileError {
    /// Creates the error of the system call `operation` on `path`.
    #[must_use]
    pub fn new(operation: &'static str, path: &str, errno: Errno) -> Self {
        Self {
            operation,
            path: path.to_owned(),
            errno,
        }
    }

    /// Returns the reason.
    #[must_use]
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// Returns the path that the system call failed for.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.operation, self.path, self.errno)
    }
}

impl std::error::Error for FileError {}
