//! Snapshots of sandboxes. They belong to the workspace, and stay when their sandbox is deleted.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Value, json};

use super::sandboxes::SANDBOXES;
use crate::state::kind::{AuditFields, DeleteResponse, Kind, Listing, Naming, Operations, Pages};
use crate::state::{CollectionKey, Document, Record, Rows, Shown, member};

pub(crate) static SNAPSHOTS: Kind = Kind {
    path: "snapshots",
    parameter: "snapshotName",
    noun: "Snapshot",
    operations: Operations {
        list: Some("ListSnapshots"),
        // Creation has its own route: see `router/snapshots.rs`.
        create: None,
        get: Some("GetSnapshot"),
        delete: Some("DeleteSnapshot"),
        ..Operations::NONE
    },
    naming: Naming::Generated("snap"),
    audit_fields: AuditFields {
        updated_at: None,
        updated_by: None,
        ..AuditFields::ALL
    },
    listing: Listing::Paged(Pages::PLAIN),
    deleted: DeleteResponse::Nothing,
    compute,
    sort_key: |record| {
        // Names are unique within one sandbox only.
        let name = member::text(&record.document, "name").unwrap_or_default();
        Cow::Owned(format!("{name} {}", record.name))
    },
    keywords: |record, now| {
        let text = |path| member::text(&record.document, path);
        let texts = [text("name"), text("source/name"), Some(record.status(now))];
        texts.into_iter().flatten().collect()
    },
    sample: |name| {
        json!({
            "name": name,
            "status": "ready",
            "source": {"name": "sandbox", "kind": "sandbox"},
            "spec": {},
        })
    },
    ..Kind::FLAT
};

/// The member with the serial number of the sandbox. It is not shown.
const SERIAL: &str = "serial";

/// The members of a snapshot that describe the machine, each with the member of the sandbox.
pub(crate) const MACHINE: [(&str, &str); 5] = [
    ("spec/image", "spec/runtime/image"),
    ("spec/memory", "spec/runtime/memory"),
    ("spec/ports", "spec/runtime/ports"),
    ("spec/region", "spec/region"),
    ("spec/volumes", "spec/volumes"),
];

/// Returns the document of a new snapshot.
pub(crate) fn document(sandbox: &Record, name: &str) -> Document {
    let mut document = Document::new();
    let mut set = |path: &str, value: Value| member::set(&mut document, path, value);
    set("name", name.into());
    set("source/name", sandbox.name.as_str().into());
    set("source/kind", "sandbox".into());
    set("spec/generation", "mk3".into());
    for (own, path) in MACHINE {
        let value = member::get(&sandbox.document, path);
        if let Some(value) = value.filter(|value| !value.is_null()) {
            set(own, value.clone());
        }
    }
    set(SERIAL, sandbox.serial.into());
    document
}

/// Returns `true` if a snapshot was taken of the sandbox with this serial number, and not of an earlier one of its
/// name.
pub(crate) fn is_of(snapshot: &Record, sandbox: u64) -> bool {
    snapshot.document.get(SERIAL).and_then(Value::as_u64) == Some(sandbox)
}

/// Returns the sandbox that a snapshot was taken of, if it still exists.
pub(crate) fn source<'a>(rows: &'a Rows, snapshot: &Record) -> Option<&'a Record> {
    let name = member::text(&snapshot.document, "source/name")?;
    let sandbox = rows.get(&CollectionKey::top(SANDBOXES.path), name)?;
    let is_over = sandbox.timeline.is_terminated(rows.now());
    (is_of(snapshot, sandbox.serial) && !is_over).then_some(sandbox)
}

/// The status of a snapshot that takes its time, and of one that could not be taken.
pub(crate) const PENDING: (&str, &str) = ("pending", "The snapshot is being taken.");
pub(crate) const READY: (&str, &str) = ("ready", "The snapshot is ready.");
pub(crate) const FAILED: (&str, &str) = (
    "failed",
    "The snapshot could not be taken (requested by the test).",
);

/// Plans the statuses of a new snapshot.
pub(crate) fn plan(snapshot: &mut Record, start: Duration, lasts: Duration, fails: bool) {
    let timeline = &mut snapshot.timeline;
    timeline.add_state(start, "snapshot", PENDING);
    let last = if fails { FAILED } else { READY };
    timeline.add_state(start.saturating_add(lasts), "snapshot", last);
}

fn compute(rows: &Rows, _: &CollectionKey, record: &Record, shown: &mut Shown<'_>) {
    let document = shown.to_mut();
    document.remove(SERIAL);
    document.remove("events");
    if let Some(name) = member::get(document, "source/name").cloned() {
        document.insert("sandboxName".to_owned(), name);
    }
    if source(rows, record).is_none() {
        member::set(document, "source/deleted", true.into());
    }
}
