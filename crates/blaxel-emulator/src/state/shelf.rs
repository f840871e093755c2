//! Where records lie: a kind, and what they are under.

use std::cmp::Ordering;

use super::Kind;

/// The place of a collection: its kind, and the names of what it is under, outermost first. The
/// previews of the sandbox `sb-1` lie on the shelf of the kind with the scope `["sb-1"]`; agents lie
/// on the one shelf of theirs, whose scope is empty.
#[derive(Clone)]
pub(crate) struct Shelf {
    kind: &'static Kind,
    scope: Vec<String>,
}

impl Shelf {
    /// The shelf of a kind that is under nothing.
    pub(crate) fn top(kind: &'static Kind) -> Self {
        Self::under(kind, Vec::new())
    }

    /// The shelf of a kind under the parents with these names, outermost first.
    pub(crate) fn under(kind: &'static Kind, scope: Vec<String>) -> Self {
        Self { kind, scope }
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The names of the parents, outermost first.
    pub(crate) fn scope(&self) -> &[String] {
        &self.scope
    }

    /// Whether this shelf is under the record of that name on another shelf, at any depth.
    pub(super) fn is_under(&self, other: &Self, name: &str) -> bool {
        let mut kinds = std::iter::successors(self.kind.parent, |kind| kind.parent);
        kinds.any(|kind| kind.path == other.kind.path)
            && self.scope.starts_with(&other.scope)
            && self.scope.get(other.scope.len()).map(String::as_str) == Some(name)
    }

    fn key(&self) -> (&str, &[String]) {
        (self.kind.path, &self.scope)
    }
}

impl PartialEq for Shelf {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Shelf {}

impl PartialOrd for Shelf {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shelf {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
