//! OpenStore: collections together with what their records are like.

use super::kind::Kind;
use super::rows::CollectionKey;

/// A collection and its kind.
#[derive(Clone)]
pub(crate) struct Collection {
    kind: &'static Kind,
    key: CollectionKey,
}

impl Collection {
    /// The collection of a kind that is under nothing.
    pub(crate) fn top(kind: &'static Kind) -> Self {
        Self::under(kind, Vec::new())
    }

    /// The collection of a kind under the parents with these names, outermost first.
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

    /// The names of the parents, outermost first.
    pub(crate) fn parents(&self) -> &[String] {
        self.key.parents()
    }
}
