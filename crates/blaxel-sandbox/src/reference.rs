//! References to sandboxes and processes, which a program can store and join again later.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A reference to a sandbox: its name and its address. It contains no secret.
///
/// A program can store it, and another one can [join](crate::Sandboxes::join) the sandbox with it, without
/// asking the platform for its address again.
///
/// ```
/// use blaxel_sandbox::SandboxRef;
///
/// let reference = SandboxRef::new("dev").url("https://sbx-dev-team.us-pdx-1.bl.run");
/// let json = serde_json::to_string(&reference)?;
/// assert_eq!(serde_json::from_str::<SandboxRef>(&json)?, reference);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SandboxRef {
    /// The name of the sandbox.
    pub name: String,
    /// The address of the sandbox, its `metadata.url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl SandboxRef {
    /// Creates a reference to the sandbox of this name, without an address.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: None,
        }
    }

    /// Sets the address. It is checked when the sandbox is joined and called.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }
}

/// Formats the name only: an address from elsewhere may contain anything.
impl fmt::Debug for SandboxRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxRef")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A reference to a process in a sandbox. It contains no secret.
///
/// Another program can [join](crate::Sandboxes::join) the sandbox, and follow the process from there on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProcessRef {
    /// The sandbox that the process runs in.
    pub sandbox: SandboxRef,
    /// The name of the process, or its PID in decimal digits.
    pub process: String,
}

impl ProcessRef {
    /// Creates a reference to the process with this name or PID.
    #[must_use]
    pub fn new(sandbox: SandboxRef, process: impl Into<String>) -> Self {
        Self {
            sandbox,
            process: process.into(),
        }
    }
}
