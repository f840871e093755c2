//! [`ServerVersion`], the age of the sandbox server.

use serde::{Deserialize, Serialize};

/// A version of the server inside of a sandbox. Versions are ordered by age.
///
/// A sandbox keeps the server that it was created with until it is upgraded, so clients meet old
/// servers for a long time.
///
/// ```
/// use blaxel_guest::ServerVersion;
///
/// assert!(ServerVersion::August < ServerVersion::Current);
/// assert_eq!(ServerVersion::default(), ServerVersion::Current);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServerVersion {
    /// The server of August 2026. It streams logs only as text, and has no long poll for the end
    /// of a process, no standard input, no recursive tree, no copy and no archives. `HEAD` returns
    /// 200 for every path.
    August,
    /// Today's server.
    #[default]
    Current,
}
