//! Conversions to and from the types of other time crates.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;

use crate::parse_error::ParseError;
use crate::time::Timestamp;

/// The error for a time that the other crate's type cannot hold.
fn out_of_range(time: &Timestamp) -> ParseError {
    ParseError::quoting("timestamp", time.as_str(), "is out of range")
}

/// The error for a duration that the other crate's type, or ours, cannot hold.
fn not_a_length(duration: impl std::fmt::Display) -> ParseError {
    ParseError::quoting(
        "period",
        &duration.to_string(),
        "is negative or out of range",
    )
}

/// Implements a conversion from a reference for the value too.
macro_rules! try_from_owned {
    ($from:ty => $to:ty) => {
        impl TryFrom<$from> for $to {
            type Error = ParseError;

            fn try_from(value: $from) -> Result<Self, ParseError> {
                Self::try_from(&value)
            }
        }
    };
}

use try_from_owned;
