//! The states of a resource.

pub(crate) const DELETING: &str = "DELETING";
pub(crate) const TERMINATED: &str = "TERMINATED";
pub(crate) const FAILED: &str = "FAILED";
pub(crate) const DEACTIVATED: &str = "DEACTIVATED";
pub(crate) const DEACTIVATING: &str = "DEACTIVATING";
pub(crate) const UPLOADING: &str = "UPLOADING";
pub(crate) const BUILDING: &str = "BUILDING";
pub(crate) const DEPLOYING: &str = "DEPLOYING";
pub(crate) const DEPLOYED: &str = "DEPLOYED";
pub(crate) const BUILT: &str = "BUILT";
pub(crate) const ARCHIVING: &str = "ARCHIVING";
pub(crate) const ARCHIVED: &str = "ARCHIVED";
pub(crate) const UNARCHIVING: &str = "UNARCHIVING";

/// The states that a list can be filtered by, in every version.
pub(crate) const ALL: [&str; 13] = [
    DELETING,
    TERMINATED,
    FAILED,
    DEACTIVATED,
    DEACTIVATING,
    UPLOADING,
    BUILDING,
    DEPLOYING,
    DEPLOYED,
    BUILT,
    ARCHIVING,
    ARCHIVED,
    UNARCHIVING,
];
