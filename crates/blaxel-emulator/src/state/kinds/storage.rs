//! Volumes, volume templates and drives.

use serde_json::{Map, Value, json};

use super::PAGES;
use super::sandboxes::{SANDBOXES, complete_region};
use super::workloads::AGENTS;
use crate::state::kind::{DeleteResponse, Kind, Lifecycle, Listing, Operations};
use crate::state::{Document, Record, Rows, member, rule};

/// The default size of a volume, in megabytes.
const SIZE: u64 = 1024;
/// The room of a drive, in bytes. The platform documents no limit.
const DRIVE_CAPACITY: u64 = 1 << 40;
/// Maximum number of permissions of a drive.
const MAX_PERMISSIONS: usize = 3;

pub(crate) static VOLUMES: Kind = Kind {
    path: "volumes",
    parameter: "volumeName",
    noun: "Volume",
    operations: Operations {
        list: Some("ListVolumes"),
        create: Some("CreateVolume"),
        get: Some("GetVolume"),
        update: Some("UpdateVolume"),
        delete: Some("DeleteVolume"),
        by_external_id: Some("GetVolumeByExternalId"),
        ..Operations::NONE
    },
    listing: Listing::Paged(PAGES),
    read_only: &["state", "terminatedAt"],
    complete: |document, context| {
        member::default(document, "spec/size", SIZE);
        complete_region(document, context.before);
    },
    compute: |rows, _, record, shown| {
        if let Some(user) = user_of(rows, &record.name) {
            shown.set("state", json!({"attachedTo": user}));
        }
    },
    abridge: |shown, paged| {
        if paged {
            abridge(shown.to_mut());
        }
    },
    capacity: |document| Some(size(document)?.saturating_mul(1 << 20)),
    check_change: |before, after| match (size(before), size(after)) {
        (Some(old), Some(new)) if new < old => Err("spec.size cannot be decreased.".to_owned()),
        _ => Ok(()),
    },
    deletion_blocker: |rows, record| {
        let user = user_of(rows, &record.name)?;
        Some(format!("The volume is attached to {user}."))
    },
    sample: |_| json!({"size": SIZE}),
    ..Kind::RESOURCE
};

/// Returns the size of a volume, in megabytes.
fn size(document: &Document) -> Option<u64> {
    member::get(document, "spec/size").and_then(Value::as_u64)
}

/// Returns the first resource that a volume is attached to, such as `sandbox:name`.
fn user_of(rows: &Rows, volume: &str) -> Option<String> {
    let attaches = |record: &Record| {
        let volumes = member::get(&record.document, "spec/volumes").and_then(Value::as_array);
        let mut volumes = volumes.into_iter().flatten();
        volumes.any(|attached| {
            attached.get("name").and_then(Value::as_str) == Some(volume)
                && attached.get("type").and_then(Value::as_str) != Some("ephemeral")
        })
    };
    [("sandbox", &SANDBOXES), ("agent", &AGENTS)]
        .into_iter()
        .find_map(|(noun, kind)| {
            let user = rows
                .not_terminated(kind.path)
                .find(|record| attaches(record))?;
            Some(format!("{noun}:{}", user.name))
        })
}

/// Removes the members of a volume that paged lists do not show.
fn abridge(document: &mut Document) {
    let only = |members: &mut Map<String, Value>, names: &[&str]| {
        members.retain(|name, _| names.contains(&name.as_str()));
    };
    only(
        document,
        &["metadata", "spec", "state", "status", "terminatedAt"],
    );
    let metadata = [
        "createdAt",
        "displayName",
        "externalId",
        "name",
        "updatedAt",
    ];
    for (name, names) in [("metadata", &metadata[..]), ("spec", &["region", "size"])] {
        if let Some(members) = document.get_mut(name).and_then(Value::as_object_mut) {
            only(members, names);
        }
    }
}

pub(crate) static DRIVES: Kind = Kind {
    path: "drives",
    parameter: "driveName",
    noun: "Drive",
    operations: Operations {
        list: Some("ListDrives"),
        create: Some("CreateDrive"),
        get: Some("GetDrive"),
        update: Some("UpdateDrive"),
        delete: Some("DeleteDrive"),
        by_external_id: Some("GetDriveByExternalId"),
        ..Operations::NONE
    },
    listing: Listing::Paged(PAGES),
    deleted: DeleteResponse::MessageAndName,
    read_only: &["state"],
    check: |document| rule::at_most(document, "spec/permissions", MAX_PERMISSIONS),
    capacity: |_| Some(DRIVE_CAPACITY),
    ..Kind::RESOURCE
};

pub(crate) static VOLUME_TEMPLATES: Kind = Kind {
    path: "volume_templates",
    parameter: "volumeTemplateName",
    noun: "Volume template",
    operations: Operations {
        list: Some("ListVolumeTemplates"),
        // Both have their own routes: see `router/volume_templates.rs`.
        create: None,
        update: None,
        get: Some("GetVolumeTemplate"),
        delete: Some("DeleteVolumeTemplate"),
        ..Operations::NONE
    },
    lifecycle: Lifecycle::Plain,
    read_only: &["state", "versions"],
    complete: |document, _| {
        member::default(document, "versions", json!([]));
        member::default(
            document,
            "state",
            json!({"status": "created", "versionCount": 0}),
        );
    },
    sample: |_| json!({"defaultSize": SIZE}),
    ..Kind::RESOURCE
};
