//! The drives that a sandbox may mount.

use std::fmt;

use crate::volume::Volume;

/// The drives of a workspace, from the view of one sandbox.
///
/// The owner of the server implements it: it knows which drives exist, and which of them this
/// sandbox may use.
pub trait DriveStore: Send + Sync + 'static {
    /// Returns the contents of the drive `name`, of which the directory `path` is to be mounted.
    ///
    /// # Errors
    ///
    /// Fails if there is no such drive, or if the sandbox may not mount that directory, or only
    /// with `read_only`.
    fn open(&self, name: &str, path: &str, read_only: bool) -> Result<Volume, DriveError>;
}

/// The reason why a drive cannot be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriveError {
    /// There is no such drive.
    NotFound,
    /// The sandbox may not use the drive in this way.
    Forbidden,
    /// Another reason.
    Other(String),
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("drive not found"),
            Self::Forbidden => f.write_str("permission denied"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for DriveError {}

/// A drive at a place in the file system of a sandbox.
#[derive(Clone, Debug)]
pub struct DriveMount {
    /// The name of the drive.
    pub drive_name: String,
    /// The absolute path that it is mounted at.
    pub mount_path: String,
    /// The directory of the drive that is mounted; `/` for all of it.
    pub drive_path: String,
    /// `true` if writing is refused.
    pub read_only: bool,
    /// The contents.
    pub volume: Volume,
}
