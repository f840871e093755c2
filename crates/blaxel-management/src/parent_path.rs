//! The position of a collection: at the top of the workspace, or nested under other resources.

use std::fmt;
use std::sync::Arc;

/// The names of the resources above a nested collection, outermost first. For the tokens of a
/// preview they are the sandbox and the preview.
///
/// A clone is as cheap as a clone of an [`Arc`].
///
/// ```
/// use blaxel_core::{Error, ListParams, Operation};
/// use blaxel_management::ParentPath;
/// use blaxel_management::operations::List;
/// use blaxel_management::sandboxes::PreviewToken;
///
/// let preview = ParentPath::new(["code-runner"]).join("web");
/// let list = List::<PreviewToken>::new(ListParams::new()).within(&preview);
/// let uri = list.encode()?.uri().to_string();
/// assert_eq!(uri, "blaxel://control/sandboxes/code-runner/previews/web/tokens");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ParentPath(Option<Arc<[String]>>);

impl ParentPath {
    /// Returns the empty path, for collections that are not nested.
    #[must_use]
    pub const fn root() -> Self {
        Self(None)
    }

    /// Creates a path from the names of the parents, outermost first.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self(Some(names.into_iter().map(Into::into).collect()))
    }

    /// Returns this path with one more parent at its inner end.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self::new(self.names().chain([name]))
    }

    /// Returns an iterator over the names, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|names| names.iter())
            .map(String::as_str)
    }
}

impl fmt::Debug for ParentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
