//! Queries that only administrators of the account may send.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;

/// The reason for a 403 where the query itself explains it: the query filters or groups by workspace,
/// which only administrators of the account may do. Being an administrator of a workspace is not enough.
///
/// It is the cause of the error:
///
/// ```
/// use blaxel_billing::AdminOnly;
///
/// # fn advise(error: &blaxel_core::Error) -> &'static str {
/// match AdminOnly::find_in(error) {
///     Some(_) => "group by resource name instead; its rows name the workspace too",
///     None if error.is_forbidden() => "this credential may not read the costs of the account",
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
    /// Returns the reason if it is a cause of `error`.
    #[must_use]
    pub fn find_in(error: &Error) -> Option<&Self> {
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

    /// Adds `reason` as the cause of `error` if the error is a 403.
    pub(crate) fn explain(reason: Option<Self>, error: Error) -> Error {
        match reason {
            Some(reason) if error.is_forbidden() => error.caused_by(reason),
            _ => error,
        }
    }
}

impl fmt::Display for AdminOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = match (self.filters, self.groups) {
            (true, true) => "filtering and grouping",
            (true, false) => "filtering",
            _ => "grouping",
        };
        write!(
            f,
            "{action} by workspace is for administrators of the account"
        )
    }
}

impl std::error::Error for AdminOnly {}
