//! Conversions to and from the types of the crates `jiff` and `chrono`.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;

use crate::parse_error::ParseError;
use crate::time::Timestamp;

/// Creates the error of a time that the other crate's type cannot represent.
fn out_of_range(time: &Timestamp) -> ParseError {
    ParseError::quoting("timestamp", time.as_str(), "is out of range")
}

/// Creates the error of a duration that the other crate's type, or [`Period`](crate::Period),
/// cannot represent.
fn invalid_duration(duration: impl std::fmt::Display) -> ParseError {
    ParseError::quoting(
        "period",
        &duration.to_string(),
        "is negative or out of range",
    )
}

/// Implements a conversion by value in terms of the conversion by reference.
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
