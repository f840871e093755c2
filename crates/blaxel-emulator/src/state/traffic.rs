//! Revisions as the API shows them, with the active one and the traffic split.

use std::time::Duration;

use serde_json::{Value, json};

use super::member::{self, Document};
use super::record::Record;
use super::revision::Revision;
use super::secret::{self, Secret, Visibility};
use super::status;
use crate::clock::timestamp;

/// The format in which the revisions of a kind are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RevisionFormat {
    /// The active revision and the share of the traffic.
    Traffic,
    /// The contents of each revision.
    Content,
}

/// Returns the revisions of a record as the API shows them, newest first.
pub(crate) fn list(
    record: &Record,
    format: RevisionFormat,
    secrets: &[Secret],
    now: Duration,
) -> Vec<Value> {
    let revisions = record.revisions.newest_first();
    match format {
        RevisionFormat::Traffic => {
            let traffic = Traffic::of(record, now);
            revisions
                .map(|revision| traffic.to_json(revision, record, now))
                .collect()
        }
        RevisionFormat::Content => revisions
            .map(|revision| content(revision, secrets))
            .collect(),
    }
}

fn content(revision: &Revision, secrets: &[Secret]) -> Value {
    let mut document = Document::new();
    document.insert("spec".to_owned(), revision.spec.clone());
    secret::hide(secrets, &mut document, Visibility::Masked, &[]);
    let mut content = json!({
        "id": revision.id,
        "createdAt": timestamp(revision.at).as_str(),
        "createdBy": revision.by,
        "image": member::text(&document, "spec/image").unwrap_or_default(),
    });
    for name in ["envs", "memory", "port", "snapshot"] {
        if let Some(value) = document.get("spec").and_then(|spec| spec.get(name)) {
            content[name] = value.clone();
        }
    }
    content
}

/// The revisions that get traffic.
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
        let mut running = record.revisions.newest_first().filter(|revision| {
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

    fn to_json(&self, revision: &Revision, record: &Record, now: Duration) -> Value {
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

/// Returns the spec that a workload serves calls with, or `None` if it serves none.
///
/// While a new revision is being deployed, and after that has failed, the one before it goes on serving.
pub(crate) fn served(record: &Record, now: Duration) -> Option<&Value> {
    let may_serve = [
        status::DEPLOYED,
        status::UPLOADING,
        status::BUILDING,
        status::DEPLOYING,
        status::FAILED,
    ];
    if !may_serve.contains(&record.status(now)) {
        return None;
    }
    let active = Traffic::of(record, now).active?;
    let mut revisions = record.revisions.newest_first();
    let revision = revisions.find(|revision| revision.id == active)?;
    (status_of(revision, record, now) == status::DEPLOYED).then_some(&revision.spec)
}

/// Returns the status that a revision reached. If its deployment is no longer known, it was
/// deployed.
fn status_of<'a>(revision: &Revision, record: &'a Record, now: Duration) -> &'a str {
    let status = record.timeline.status_of(&revision.id, now);
    status.unwrap_or(status::DEPLOYED)
}
