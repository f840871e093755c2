//! The state that a failed launch has left.

use std::fmt;

use blaxel_core::Error;

/// A sandbox whose drives could not be mounted, or that could not be called, and what remains of the launch.
///
/// It is a [cause](Error::find_cause) of the error of a [`Launch`](super::Launch), and has the first failure as its own
/// cause.
///
/// ```
/// use blaxel_sandbox::SetupError;
///
/// fn report(error: &blaxel_sandbox::blaxel_core::Error) {
///     if let Some(setup) = SetupError::of(error) {
///         println!("failed: {}; the sandbox remains: {:?}", setup.error(), setup.sandbox());
///     }
/// }
/// ```
#[derive(Debug)]
pub struct SetupError {
    pub(super) error: Error,
    pub(super) sandbox: Option<String>,
    pub(super) drives: Vec<String>,
}

impl SetupError {
    /// Returns the setup error among the causes of an error.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns the first failure.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the name of the sandbox, if it exists: because it existed before, because the caller wants to keep it, or
    /// because it could not be deleted.
    #[must_use]
    pub fn sandbox(&self) -> Option<&str> {
        self.sandbox.as_deref()
    }

    /// Returns the names of the drives that this launch has created, and that remain: those with a name of the caller's
    /// own, those that are mounted in a sandbox that remains, and those that could not be deleted.
    #[must_use]
    pub fn created_drives(&self) -> &[String] {
        &self.drives
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sandbox {
            Some(name) => write!(f, "the sandbox `{name}` remains")?,
            None => f.write_str("no sandbox remains")?,
        }
        match self.drives.as_slice() {
            [] => Ok(()),
            drives => write!(f, ", and of the new drives `{}`", drives.join("`, `")),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
