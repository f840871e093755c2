//! The states a resource can be in.

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

/// The states a list can be asked for, in every version. The emulator's own walks do not come by
/// the last three.
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
    "ARCHIVING",
    "ARCHIVED",
    "UNARCHIVING",
];
