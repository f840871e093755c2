//! Which schemas are used how.

use std::collections::{BTreeMap, BTreeSet};

use super::node::Node;
use super::schema;

/// How a schema is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// In a request, a success or another schema.
    Plain,
    /// As a part that others are put together of.
    Part,
    /// In the answer to a call that failed.
    Failure,
}

#[derive(Debug, Default)]
pub(super) struct References {
    uses: BTreeMap<String, BTreeSet<Use>>,
}

impl References {
    /// Notes all references under a node.
    pub(super) fn note(&mut self, node: Node<'_>, used: Use) {
        if let Some(name) = schema::referred(node) {
            self.uses.entry(name).or_default().insert(used);
        }
        for (key, member) in node.members() {
            let within = match key.as_str() {
                "allOf" if schema::only_part(node).is_none() => Use::Part,
                _ => used,
            };
            for item in member.items() {
                match schema::referred(item) {
                    Some(name) => {
                        self.uses.entry(name).or_default().insert(within);
                    }
                    None => self.note(item, used),
                }
            }
            self.note(member, used);
        }
    }

    /// Whether a schema is used as such, or not at all.
    pub(super) fn is_plain(&self, name: &str) -> bool {
        match self.uses.get(name) {
            None => true,
            Some(uses) => uses.contains(&Use::Plain),
        }
    }
}
