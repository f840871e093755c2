//! The name of a workspace.

use std::fmt;

use crate::error::Error;
use crate::source::Source;

/// The name of a workspace.
///
/// ```
/// use blaxel_core::{Source, Workspace};
///
/// assert_eq!(Workspace::parse("my-team", &Source::Code)?.as_str(), "my-team");
/// let error = Workspace::parse("  ", &Source::variable("BL_WORKSPACE")).unwrap_err();
/// assert!(error.to_string().contains("BL_WORKSPACE"));
/// # Ok::<(), blaxel_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Workspace(Box<str>);

impl Workspace {
    /// Reads a name; `source` is named in the error. Space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if it is empty or holds anything but letters, digits, `-`, `_` and `.`.
    pub fn parse(name: &str, source: &Source) -> Result<Self, Error> {
        let name = name.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let problem = if name.is_empty() {
            "it is empty; give the name shown in the console, or leave it out altogether"
        } else if !name.bytes().all(plain) || name.trim_matches('.').is_empty() {
            "a workspace is named with letters, digits and hyphens"
        } else {
            return Ok(Self(name.into()));
        };
        Err(Error::input("workspace", source, problem))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
