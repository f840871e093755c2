//! Amounts of memory and storage.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of memory or disk, in the megabytes that the API counts in.
///
/// ```
/// use blaxel_management::Megabytes;
///
/// assert_eq!(Megabytes::gigabytes(4), Megabytes::new(4096));
/// assert_eq!(Megabytes::new(2048).to_string(), "2048 MB");
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Megabytes(u32);

impl Megabytes {
    /// So many megabytes.
    #[must_use]
    pub const fn new(count: u32) -> Self {
        Self(count)
    }

    /// So many gigabytes of 1024 megabytes; as many as can be counted, if they are more.
    #[must_use]
    pub const fn gigabytes(count: u32) -> Self {
        Self(count.saturating_mul(1024))
    }

    /// How many megabytes they are.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for Megabytes {
    fn from(count: u32) -> Self {
        Self(count)
    }
}

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0)
    }
}

/// An amount of storage in bytes, the size of an image for instance.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// How many bytes they are.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}
