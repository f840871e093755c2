//! Amounts of memory and storage.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of memory or disk in megabytes, the unit of the API.
///
/// One gigabyte is 1024 megabytes.
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
    /// Creates an amount from a number of megabytes.
    #[must_use]
    pub const fn new(count: u32) -> Self {
        Self(count)
    }

    /// Creates an amount from a number of gigabytes of 1024 megabytes. An amount beyond `u32::MAX`
    /// megabytes becomes `u32::MAX` megabytes.
    #[must_use]
    pub const fn gigabytes(count: u32) -> Self {
        Self(count.saturating_mul(1024))
    }

    /// Returns the number of megabytes.
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

/// An amount of storage in bytes, such as the size of an image.
///
/// ```
/// use blaxel_management::ByteSize;
///
/// assert_eq!(ByteSize::new(1500).get(), 1500);
/// assert_eq!(ByteSize::new(1500).to_string(), "1500 bytes");
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteSize(u64);

impl ByteSize {
    /// Creates an amount from a number of bytes.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// Returns the number of bytes.
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
