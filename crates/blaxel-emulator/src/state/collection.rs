//! [`Collection`], a collection of records together with its kind.

use super::kind::Kind;
use super::rows::CollectionKey;

/// A collection and its kind.
#[derive(Clone)]
pub(crate) struct Collection {
    kind: &'static Kind,
    key: CollectionKey,
}

impl Collection {
    /// Returns the top-level collection of a kind.
    pub(crate) fn top(kind: &'static Kind) -> Self {
        Self::under(kind, Vec::new())
    }

    /// Returns the collection of a kind under the parents with these names, outermost first.
    pub(crate) fn under(kind: &'static Kind, parents: Vec<String>) -> Self {
        Self {
            kind,
            key: CollectionKey::under(kind.path, parents),
        }
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        self.kind
    }

    pub(super) fn key(&self) -> &CollectionKey {
        &self.key
    }

    /// Returns the names of the parents, outermost first.
    pub(crate) fn parents(&self) -> &[String] {
        self.key.parents()
    }
}
