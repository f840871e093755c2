//! Revisions: what a workload was deployed as.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

/// How many revisions are kept.
const KEPT: usize = 5;

/// One revision.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) id: String,
    pub(super) at: Duration,
    pub(super) by: String,
    /// The spec as it was.
    pub(super) spec: Value,
}

/// The last revisions of a record, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Revisions(VecDeque<Revision>);

impl Revisions {
    /// Adds one, and lets go of the oldest.
    pub(crate) fn add(&mut self, id: String, at: Duration, by: &str, spec: Option<&Value>) {
        self.0.push_back(Revision {
            id,
            at,
            by: by.to_owned(),
            spec: spec.cloned().unwrap_or_default(),
        });
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// Newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Revision> {
        self.0.iter().rev()
    }

    pub(crate) fn latest(&self) -> Option<&str> {
        self.0.back().map(|revision| revision.id.as_str())
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|revision| revision.id == id)
    }
}

/// Whether two specs make two revisions: how the traffic is shared out makes none.
pub(crate) fn differ(spec: Option<&Value>, other: Option<&Value>) -> bool {
    let plain = |spec: Option<&Value>| {
        let mut spec = spec.and_then(Value::as_object).cloned().unwrap_or_default();
        spec.remove("revision");
        spec
    };
    plain(spec) != plain(other)
}
