//! Where a collection lies: under nothing, or under the resources it belongs to.

use std::fmt;
use std::sync::Arc;

/// The names of the resources that a collection lies under, the outermost first: for the tokens of a
/// preview, the sandbox and the preview. A clone counts a reference.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Scope(Option<Arc<[String]>>);

impl Scope {
    /// Under nothing.
    #[must_use]
    pub const fn top() -> Self {
        Self(None)
    }

    /// Under the resources of these names.
    pub fn under<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self(Some(names.into_iter().map(Into::into).collect()))
    }

    /// Under one more resource, which itself lies here.
    #[must_use]
    pub fn and(&self, name: &str) -> Self {
        Self::under(self.names().chain([name]))
    }

    /// The names, the outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|names| names.iter())
            .map(String::as_str)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
