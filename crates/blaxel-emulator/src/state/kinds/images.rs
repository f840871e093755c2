//! Container images and their shares.

use std::time::Duration;

use serde_json::{Value, json};

use super::sandboxes::SANDBOXES;
use super::workloads::{AGENTS, APPLICATIONS, FUNCTIONS, JOBS};
use crate::clock::timestamp;
use crate::state::kind::{AuditFields, Kind, Layout, Lifecycle, Naming};
use crate::state::timeline::{BUILD_FAILURE, Timeline};
use crate::state::{Document, Record, Rows, member, rule, status};

/// The types of images: the name, the kind of the workloads, and the member in which these name
/// their image.
pub(crate) static TYPES: [(&str, &Kind, &str); 5] = [
    ("agent", &AGENTS, "spec/runtime/image"),
    ("application", &APPLICATIONS, "spec/image"),
    ("function", &FUNCTIONS, "spec/runtime/image"),
    ("job", &JOBS, "spec/runtime/image"),
    ("sandbox", &SANDBOXES, "spec/runtime/image"),
];

/// An image is identified by its name and type, so its record is named by [`key`].
pub(crate) static IMAGES: Kind = Kind {
    path: "images",
    parameter: "imageName",
    noun: "Image",
    audit_fields: AuditFields {
        created_by: None,
        updated_by: None,
        ..AuditFields::ALL
    },
    lifecycle: Lifecycle::Plain,
    compute: |rows, _, record, shown| show(rows, record, shown.to_mut()),
    ..Kind::RESOURCE
};

/// A workspace with which an image is shared. Nested under the image.
pub(crate) static IMAGE_SHARES: Kind = Kind {
    path: "images/{imageName}/share",
    parameter: "targetWorkspace",
    noun: "Image share",
    parent: Some(&IMAGES),
    form: Layout::Flat { key: "workspace" },
    ..Kind::FLAT
};

/// A share between two accounts that is waiting to be accepted.
pub(crate) static PENDING_SHARES: Kind = Kind {
    path: "pending-image-shares",
    parameter: "pendingShareId",
    noun: "Pending image share",
    naming: Naming::Generated("share"),
    audit_fields: AuditFields {
        workspace: None,
        ..AuditFields::ALL
    },
    compute: |_, _, _, shown| shown.remove(OFFERED),
    ..Kind::FLAT
};

/// The member of a pending share with the tags of the image. It is not shown.
pub(crate) const OFFERED: &str = "offered";

/// Returns the key of an image. Keys sort like names.
pub(crate) fn key(name: &str, image_type: &str) -> String {
    // Neither of the two contains a space.
    format!("{name} {image_type}")
}

/// Returns the name and the type of an image.
pub(crate) fn parts(image: &Record) -> (&str, &str) {
    image.name.split_once(' ').unwrap_or((&image.name, ""))
}

/// Creates a tag that exists from a time on.
pub(crate) fn tag(name: &str, from: Duration, size: u64) -> Value {
    let at = timestamp(from);
    json!({"name": name, "createdAt": at, "updatedAt": at, "size": size})
}

/// Returns the tags of an image that exist already.
pub(crate) fn tags(image: &Record, now: Duration) -> Vec<Value> {
    let tags = member::get(&image.document, "spec/tags").and_then(Value::as_array);
    let is_there = |tag: &&Value| {
        let at = tag
            .get("createdAt")
            .and_then(Value::as_str)
            .and_then(rule::moment);
        at.is_none_or(|at| at <= now)
    };
    tags.into_iter()
        .flatten()
        .filter(is_there)
        .cloned()
        .collect()
}

/// Adds a tag to an image, replacing one of the same name.
pub(crate) fn add_tag(image: &mut Record, tag: Value) {
    let mut tags = match member::remove(&mut image.document, "spec/tags") {
        Some(Value::Array(tags)) => tags,
        _ => Vec::new(),
    };
    tags.retain(|other| other.get("name") != tag.get("name"));
    tags.push(tag);
    member::set(&mut image.document, "spec/tags", tags.into());
}

/// Starts waiting for an upload, after which [`build`] is called.
pub(crate) fn await_upload(timeline: &mut Timeline, now: Duration) {
    timeline.cancel_pending(now);
    timeline.add_state(now, "build", (status::UPLOADING, "The upload is awaited."));
}

/// Builds an image, which takes this long.
pub(crate) fn build(timeline: &mut Timeline, now: Duration, lasts: Duration) {
    timeline.cancel_pending(now);
    timeline.add_state(now, "build", (status::BUILDING, "The build has begun."));
    let end = now.saturating_add(lasts);
    timeline.add_state(end, "build", (status::BUILT, "The build is complete."));
}

/// Builds an image, which fails after this long.
pub(crate) fn fail_build(timeline: &mut Timeline, now: Duration, lasts: Duration) {
    timeline.cancel_pending(now);
    timeline.add_state(now, "build", (status::BUILDING, "The build has begun."));
    let end = now.saturating_add(lasts);
    timeline.add_state(end, "build", (status::FAILED, BUILD_FAILURE));
}

fn show(rows: &Rows, image: &Record, document: &mut Document) {
    let (name, image_type) = parts(image);
    let tags = tags(image, rows.now());
    let size = |tag: &Value| tag.get("size").and_then(Value::as_u64).unwrap_or(0);
    let sizes: u64 = tags.iter().map(size).sum();
    // An image has its states in its metadata, not at the root.
    let state = document
        .remove("status")
        .unwrap_or_else(|| status::BUILT.into());
    let events = document.remove("events").unwrap_or_else(|| json!([]));
    let workspace = &rows.setting().workspace;
    for (path, value) in [
        ("metadata/name", Value::from(name)),
        ("metadata/resourceType", image_type.into()),
        (
            "metadata/displayName",
            format!("registry.emulator.invalid/{workspace}/{name}").into(),
        ),
        ("metadata/status", state),
        ("metadata/events", events),
        ("spec/tags", tags.into()),
        ("spec/size", sizes.into()),
    ] {
        member::set(document, path, value);
    }
    let deployed = users(rows, image).map(|(user, _)| user.created).max();
    if let Some(at) = deployed {
        member::set(
            document,
            "metadata/lastDeployedAt",
            timestamp(at).as_str().into(),
        );
    }
}

/// Returns the workloads that run an image, with the tag that each of them names, if any. A
/// workload of the same name was built as this image, even if it does not name it.
pub(crate) fn users<'a>(
    rows: &'a Rows,
    image: &'a Record,
) -> impl Iterator<Item = (&'a Record, Option<&'a str>)> {
    let (name, image_type) = parts(image);
    let workspace = &rows.setting().workspace;
    let full = [
        name.to_owned(),
        format!("{image_type}/{name}"),
        format!("{workspace}/{name}"),
    ];
    let of_type = TYPES.iter().filter(move |(own, _, _)| *own == image_type);
    let workloads = of_type.flat_map(|(_, kind, path)| {
        rows.not_terminated(kind.path)
            .map(move |record| (record, *path))
    });
    workloads.filter_map(move |(record, path)| {
        let reference = member::text(&record.document, path).unwrap_or_default();
        let (repository, tag) = split(reference);
        if full.iter().any(|full| full == repository) {
            return Some((record, Some(tag)));
        }
        (record.name == name).then_some((record, None))
    })
}

/// Splits a reference into repository and tag. The default tag is `latest`.
pub(crate) fn split(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (reference, "latest"),
    }
}
