//! The drives that are mounted.

use crate::drives::DriveMount;

/// A mounted drive, with the ids that its files have in the sandbox.
#[derive(Clone, Debug)]
pub(crate) struct MountedDrive {
    pub(crate) mount: DriveMount,
    pub(crate) user_map: String,
    pub(crate) group_map: String,
}
