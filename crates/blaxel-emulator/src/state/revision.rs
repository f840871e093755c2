//! Revisions: what a workload was deployed as.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::secret::{self, Secret, Sight};
use super::{Document, Record, member, status};
use crate::clock::timestamp;

/// How many revisions are kept.
const KEPT: usize = 5;

/// One revision.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) id: String,
    at: Duration,
    by: String,
    /// The spec as it was.
    spec: Value,
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

    pub(crate) fn latest(&self) -> Option<&str> {
        self.0.back().map(|revision| revision.id.as_str())
    }

    fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|revision| revision.id == id)
    }
}

/// How the revisions of a kind are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Which one runs, and how much of the traffic it gets.
    Traffic,
    /// What each one consists of.
    Content,
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

/// The revisions of a record as the API shows them, newest first.
pub(crate) fn list(record: &Record, shape: Shape, secrets: &[Secret], now: Duration) -> Vec<Value> {
    let revisions = record.revisions.0.iter().rev();
    match shape {
        Shape::Traffic => {
            let traffic = Traffic::of(record, now);
            revisions
                .map(|revision| traffic.told(revision, record, now))
                .collect()
        }
        Shape::Content => revisions
            .map(|revision| content(revision, secrets))
            .collect(),
    }
}

fn content(revision: &Revision, secrets: &[Secret]) -> Value {
    let mut document = Document::new();
    document.insert("spec".to_owned(), revision.spec.clone());
    secret::hide(secrets, &mut document, Sight::Masked, &[]);
    let mut told = json!({
        "id": revision.id,
        "createdAt": timestamp(revision.at).as_str(),
        "createdBy": revision.by,
        "image": member::text(&document, "spec/image").unwrap_or_default(),
    });
    for name in ["envs", "memory", "port", "snapshot"] {
        if let Some(value) = document.get("spec").and_then(|spec| spec.get(name)) {
            told[name] = value.clone();
        }
    }
    told
}

/// Who gets the traffic.
struct Traffic<'a> {
    active: Option<&'a str>,
    previous: Option<&'a str>,
    canary: Option<&'a str>,
    canary_percent: u64,
}

impl<'a> Traffic<'a> {
    fn of(record: &'a Record, now: Duration) -> Self {
        let named = |name: &str| {
            let id = member::text(&record.document, &format!("spec/revision/{name}"));
            id.filter(|id| record.revisions.knows(id))
        };
        let mut running = record.revisions.0.iter().rev().filter(|revision| {
            let status = status_of(revision, record, now);
            [status::DEPLOYED, status::DEACTIVATED].contains(&status)
        });
        let newest = running.next().map(|revision| revision.id.as_str());
        let active = named("active").or(newest);
        let mut older = newest
            .into_iter()
            .chain(running.map(|revision| revision.id.as_str()));
        let previous = older.find(|id| Some(*id) != active);
        let canary = named("canary").filter(|canary| Some(*canary) != active);
        let percent = member::get(&record.document, "spec/revision/canaryPercent");
        let percent = percent.and_then(Value::as_u64).unwrap_or(0).min(100);
        Self {
            active,
            previous,
            canary,
            canary_percent: if canary.is_some() { percent } else { 0 },
        }
    }

    fn told(&self, revision: &Revision, record: &Record, now: Duration) -> Value {
        let id = Some(revision.id.as_str());
        let percent = match id {
            _ if id == self.active => 100 - self.canary_percent,
            _ if id == self.canary => self.canary_percent,
            _ => 0,
        };
        json!({
            "id": revision.id,
            "active": id == self.active,
            "previousActive": id == self.previous,
            "canary": id == self.canary,
            "trafficPercent": percent,
            "status": status_of(revision, record, now),
            "createdAt": timestamp(revision.at).as_str(),
            "createdBy": revision.by,
        })
    }
}

/// Where a revision got to. Of one whose deployment is long forgotten it is known that it was
/// deployed.
fn status_of(revision: &Revision, record: &Record, now: Duration) -> &'static str {
    let status = record.walk.status_of(&revision.id, now);
    status.unwrap_or(status::DEPLOYED)
}
