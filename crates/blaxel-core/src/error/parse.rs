//! Conversion of parse errors.

use super::Error;
use crate::parse_error::ParseError;

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        let (what, source, problem) = error.parts();
        Self::input(what, source, problem)
    }
}
