//! Volumes, volume templates and drives.

use blaxel_management::Megabytes;
use blaxel_management::drives::{Drive, DriveMode, DrivePermission, DriveSpec};
use blaxel_management::volume_templates::{VolumeTemplate, VolumeTemplateSpec};
use blaxel_management::volumes::{Volume, VolumeSpec};
use http::Method;
use serde_json::json;

use crate::support::life::{Change, Plan, REPLACE_FIRST, REPLACE_ONLY};
use crate::support::{Api, Life, World, request, tells};

pub async fn perform(world: &World) {
    volumes(world).await;
    volume_templates(world).await;
    drives(world).await;
}

async fn volumes(world: &World) {
    // A volume in a page has fewer members than in a bare array and in operations on a single
    // volume.
    let volumes = Life::of(world, "Volume", "Volumes", Api::volumes).not_listing(&[
        "/events",
        "/metadata/createdBy",
        "/metadata/labels",
        "/metadata/plan",
        "/metadata/updatedBy",
        "/metadata/workspace",
    ]);
    let spec = VolumeSpec::new()
        .region("us-pdx-1")
        .size(Megabytes::gigabytes(1));
    let mut draft = Volume::new("datasets").label("team", "care").spec(spec);
    draft.metadata.external_id = Some("disk-7".to_owned());
    let plan = Plan {
        draft,
        sent: json!({
            "metadata": {"name": "datasets", "labels": {"team": "care"}, "externalId": "disk-7"},
            "spec": {"region": "us-pdx-1", "size": 1024},
        }),
        replaced: Change {
            made: |volume| volume.spec.size = Some(Megabytes::new(2048)),
            seen: ("/spec/size", json!(2048)),
        },
        modified: Change {
            made: |volume| volume.metadata.display_name = Some("Data".to_owned()),
            seen: ("/metadata/displayName", json!("Data")),
        },
        applying: REPLACE_FIRST,
    };
    volumes.begins(&plan).await;
    volumes.is_found_by_external_id("disk-7").await;
    volumes.are_paged(&["datasets"]).await;
    volumes.changes(plan).await;
}

async fn volume_templates(world: &World) {
    let templates = Life::of(
        world,
        "VolumeTemplate",
        "VolumeTemplates",
        Api::volume_templates,
    );
    let plan = Plan {
        draft: VolumeTemplate::new("corpus")
            .spec(VolumeTemplateSpec::new().default_size(Megabytes::new(2048))),
        sent: json!({"metadata": {"name": "corpus"}, "spec": {"defaultSize": 2048}}),
        replaced: Change {
            made: |template| template.spec.description = Some("All of it".to_owned()),
            seen: ("/spec/description", json!("All of it")),
        },
        modified: Change {
            made: |template| template.spec.default_size = Some(Megabytes::new(4096)),
            seen: ("/spec/defaultSize", json!(4096)),
        },
        applying: REPLACE_ONLY,
    };
    templates.begins(&plan).await;
    templates.are_enumerated(1).await;
    templates.changes(plan).await;
    versions(world, &templates).await;
}

/// Versions are created by uploads, which this facade does not perform.
async fn versions(world: &World, templates: &Life<'_, VolumeTemplate>) {
    let document = json!({"metadata": {"name": "corpus"}, "spec": {"defaultSize": 2048}});
    for version in ["one", "two"] {
        let template = format!("/volume_templates/corpus?upload=true&version={version}");
        let answer = world
            .past_the_facade(Method::PUT, &template, &document)
            .await;
        let address = answer.headers()["x-blaxel-upload-url"].to_str().unwrap();
        world
            .past_the_facade(Method::PUT, address, &json!("an archive"))
            .await;
    }
    templates.is_read("corpus").await;
    let deleted = templates
        .all()
        .delete_version("corpus", "one")
        .await
        .unwrap();
    let exchange = world.sent(request("DeleteVolumeTemplateVersion").on(["corpus", "one"]));
    tells(&deleted, exchange.answer());
    let left = deleted.template.and_then(|template| template.versions);
    assert_eq!(left.map(|versions| versions.len()), Some(1));
}

async fn drives(world: &World) {
    let drives = Life::of(world, "Drive", "Drives", Api::drives);
    let readers = DrivePermission::new()
        .label("team", "care")
        .mode(DriveMode::Read);
    let spec = DriveSpec::new().region("us-pdx-1").permissions([readers]);
    let mut draft = Drive::new("handbook").spec(spec);
    draft.metadata.external_id = Some("drive-7".to_owned());
    let plan = Plan {
        draft,
        sent: json!({
            "metadata": {"name": "handbook", "externalId": "drive-7"},
            "spec": {
                "region": "us-pdx-1",
                "permissions": [{"labels": {"team": "care"}, "mode": "read"}],
            },
        }),
        replaced: Change {
            made: |drive| drive.spec.permissions = Some(Vec::new()),
            seen: ("/spec/permissions", json!([])),
        },
        modified: Change {
            made: |drive| drive.metadata.display_name = Some("Handbook".to_owned()),
            seen: ("/metadata/displayName", json!("Handbook")),
        },
        applying: REPLACE_FIRST,
    };
    drives.begins(&plan).await;
    drives.is_found_by_external_id("drive-7").await;
    drives.are_paged(&["handbook"]).await;

    let token = drives.all().access_token("handbook").await.unwrap();
    let exchange = world.sent(request("CreateDriveAccessToken").on(["handbook"]));
    tells(&token, exchange.answer());
    assert!(token.lifetime().is_some());
    let keys = drives.all().keys().await.unwrap();
    let exchange = world.sent(request("GetDriveJWKS"));
    tells(&keys, exchange.answer());
    assert!(!keys.keys.is_empty());
    drives.changes(plan).await;
}
