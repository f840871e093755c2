//! Shelves: collections together with what their records are like.

use super::kind::Kind;
use super::rows::Collection;

/// A collection and its kind.
#[derive(Clone)]
pub(crate) struct Shelf {
    kind: &'static Kind,
    collection: Collection,
}

impl Shelf {
    /// The shelf of a kind that is under nothing.
    pub(crate) fn top(kind: &'static Kind) -> Self {
        Self::under(kind, Vec::new())
    }

    /// The shelf of a kind under the parents with these names, outermost first.
    pub(crate) fn under(kind: &'static Kind, scope: Vec<String>) -> Self {
        Self {
            kind,
            collection: Collection::under(kind.path, scope),
        }
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        self.kind
    }

    pub(super) fn collection(&self) -> &Collection {
        &self.collection
    }

    /// The names of the parents, outermost first.
    pub(crate) fn scope(&self) -> &[String] {
        self.collection.parents()
    }
}
