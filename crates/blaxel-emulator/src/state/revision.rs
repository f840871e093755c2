//! Revisions: the specs that a workload was deployed with.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::saved_time;

/// Maximum number of revisions of a record.
const KEPT: usize = 5;

/// A revision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revision {
    pub(crate) id: String,
    #[serde(with = "saved_time")]
    pub(super) at: Duration,
    pub(super) by: String,
    /// The deployed spec.
    pub(super) spec: Value,
}

/// The last revisions of a record, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Revisions(VecDeque<Revision>);

impl Revisions {
    /// Adds a revision and removes the oldest one if there are too many.
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

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the revisions, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Revision> {
        self.0.iter().rev()
    }

    pub(crate) fn latest(&self) -> Option<&str> {
        self.0.back().map(|revision| revision.id.as_str())
    }

    /// Returns the time from which the latest revision is the current spec.
    pub(crate) fn latest_at(&self) -> Option<Duration> {
        self.0.back().map(|revision| revision.at)
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|revision| revision.id == id)
    }
}

/// Returns `true` if two specs need two revisions. A change of the traffic split alone does not.
pub(crate) fn differ(spec: Option<&Value>, other: Option<&Value>) -> bool {
    let plain = |spec: Option<&Value>| {
        let mut spec = spec.and_then(Value::as_object).cloned().unwrap_or_default();
        spec.remove("revision");
        spec
    };
    plain(spec) != plain(other)
}
