//! Queries that only administrators of the account may ask.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;

/// Why the server refused a query with a 403, where the query itself explains it: it filters or
/// groups by workspace, which only administrators of the account may. Being an administrator of a
/// workspace is not enough.
///
/// It is the cause of the error:
///
/// ```
/// use blaxel_billing::AdminOnly;
///
/// # fn advise(error: &blaxel_core::Error) -> &'static str {
/// match AdminOnly::behind(error) {
///     Some(_) => "ask without workspaces; grouping by resource names tells them too",
///     None if error.is_forbidden() => "this credential sees no costs of the account",
///     None => "something else",
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminOnly {
    pub(crate) filters: bool,
    pub(crate) groups: bool,
}

impl AdminOnly {
    /// The reason behind an error, if it is this one.
    #[must_use]
    pub fn behind(error: &Error) -> Option<&Self> {
        error.find_cause()
    }

    /// Returns `true` if the query filters by workspace.
    #[must_use]
    pub fn filters(&self) -> bool {
        self.filters
    }

    /// Returns `true` if the query groups by workspace.
    #[must_use]
    pub fn groups(&self) -> bool {
        self.groups
    }

    /// Puts the reason behind a 403.
    pub(crate) fn explain(reason: Option<Self>, error: Error) -> Error {
        match reason {
            Some(reason) if error.is_forbidden() => error.caused_by(reason),
            _ => error,
        }
    }
}

impl fmt::Display for AdminOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.filters, self.groups) {
            (true, true) => "filtering and grouping",
            (true, false) => "filtering",
            _ => "grouping",
        };
        write!(
            f,
            "{what} by workspace is for administrators of the account"
        )
    }
}

impl std::error::Error for AdminOnly {}
