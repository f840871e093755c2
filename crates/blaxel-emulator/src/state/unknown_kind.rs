//! [`UnknownKind`], the error for a name that no kind of resources has.

use std::fmt;

/// The error for a collection or an image type that the emulator does not have, or that does not have the work in
/// question. Its text lists the known ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind {
    /// Such as `collection`.
    what: &'static str,
    name: String,
    known: Vec<&'static str>,
}

impl UnknownKind {
    pub(crate) fn new(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'static str>,
    ) -> Self {
        Self {
            what,
            name: name.to_owned(),
            known: known.collect(),
        }
    }
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, known } = self;
        write!(
            f,
            "unknown {what} `{name}`: use one of {}",
            known.join(", ")
        )
    }
}

impl std::error::Error for UnknownKind {}
