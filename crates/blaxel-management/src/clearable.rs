//! A field that can be left unchanged, set, or cleared.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field for which the API distinguishes "absent" from "null".
///
/// In a request, an absent field leaves the stored value unchanged; `null` clears it.
///
/// ```
/// use blaxel_core::Period;
/// use blaxel_management::Clearable;
///
/// let mut ttl = Clearable::from(Period::hours(24));
/// assert_eq!(ttl.value().map(Period::as_str), Some("24h"));
/// ttl = Clearable::Null;
/// assert_eq!(serde_json::to_string(&ttl)?, "null");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Clearable<T> {
    /// Absent: the stored value is left unchanged.
    #[default]
    Absent,
    /// `null`: the stored value is cleared.
    Null,
    /// The value to set, or the value that was read.
    Value(T),
}

impl<T> Clearable<T> {
    /// Returns the value, or `None` if the field is absent or `null`.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Returns `true` if the field is absent, and so is left out of a request.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<T> From<T> for Clearable<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T: Serialize> Serialize for Clearable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Clearable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}
