//! Volumes, volume templates and drives.

use blaxel_management::Megabytes;
use blaxel_management::drives::{Drive, DriveMode, DrivePermission, DriveSpec};
use blaxel_management::volume_templates::{VolumeTemplate, VolumeTemplateSpec};
use blaxel_management::volumes::{Volume, VolumeSpec};
use http::Method;
use serde_json::json;

use crate::support::lifecycle::{Change, Plan, REPLACE_FIRST, REPLACE_ONLY};
use crate::support::{Api, Lifecycle, World, assert_keeps_all, request};

pub async fn perform(world: &World) {
    volumes(world).await;
    volume_templates(world).await;
    drives(world).await;
}

async fn volumes(world: &World) {
    // A volume in a page has fewer members than in a bare array and in operations on a single
    // volume.
    let volumes = Lifecycle::of(world, "Volume", "Volumes", Api::volumes).omitting_in_lists(&[
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
            // The size of a volume can only grow, and the draft is applied again below.
            apply: |volume| volume.metadata.display_name = Some("Sets".to_owned()),
            expected: ("/metadata/displayName", json!("Sets")),
        },
        modified: Change {
            apply: |volume| volume.metadata.display_name = Some("Data".to_owned()),
            expected: ("/metadata/displayName", json!("Data")),
        },
        applying: REPLACE_FIRST,
    };
    volumes.create_and_modify(&plan).await;
    volumes.assert_found_by_external_id("disk-7").await;
    volumes.list_in_pages(&["datasets"]).await;
    volumes.change(plan).await;
}

async fn volume_templates(world: &World) {
    let templates = Lifecycle::of(
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
            apply: |template| template.spec.description = Some("All of it".to_owned()),
            expected: ("/spec/description", json!("All of it")),
        },
        modified: Change {
            apply: |template| template.spec.default_size = Some(Megabytes::new(4096)),
            expected: ("/spec/defaultSize", json!(4096)),
        },
        applying: REPLACE_ONLY,
    };
    templates.create_and_modify(&plan).await;
    templates.assert_count(1).await;
    templates.change(plan).await;
    versions(world, &templates).await;
}

/// Versions are created by uploads, which this facade does not perform.
async fn versions(world: &World, templates: &Lifecycle<'_, VolumeTemplate>) {
    let document = json!({"metadata": {"name": "corpus"}, "spec": {"defaultSize": 2048}});
    for version in ["one", "two"] {
        let template = format!("/volume_templates/corpus?upload=true&version={version}");
        let response = world.send_raw(Method::PUT, &template, &document).await;
        let address = response.headers()["x-blaxel-upload-url"].to_str().unwrap();
        world
            .send_raw(Method::PUT, address, &json!("an archive"))
            .await;
    }
    templates.get("corpus").await;
    let deleted = templates
        .all()
        .delete_version("corpus", "one")
        .await
        .unwrap();
    let exchange =
        world.assert_sent(request("DeleteVolumeTemplateVersion").path_params(["corpus", "one"]));
    assert_keeps_all(&deleted, exchange.response());
    let left = deleted.template.and_then(|template| template.versions);
    assert_eq!(left.map(|versions| versions.len()), Some(1));
}

async fn drives(world: &World) {
    let drives = Lifecycle::of(world, "Drive", "Drives", Api::drives);
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
            apply: |drive| drive.spec.permissions = Some(Vec::new()),
            expected: ("/spec/permissions", json!([])),
        },
        modified: Change {
            apply: |drive| drive.metadata.display_name = Some("Handbook".to_owned()),
            expected: ("/metadata/displayName", json!("Handbook")),
        },
        applying: REPLACE_FIRST,
    };
    drives.create_and_modify(&plan).await;
    drives.assert_found_by_external_id("drive-7").await;
    drives.list_in_pages(&["handbook"]).await;

    let token = drives.all().access_token("handbook").await.unwrap();
    let exchange = world.assert_sent(request("CreateDriveAccessToken").path_params(["handbook"]));
    assert_keeps_all(&token, exchange.response());
    assert!(token.lifetime().is_some());
    let keys = drives.all().keys().await.unwrap();
    let exchange = world.assert_sent(request("GetDriveJWKS"));
    assert_keeps_all(&keys, exchange.response());
    assert!(!keys.keys.is_empty());

    drives
        .all()
        .delete_folder("handbook", "/drafts/a b")
        .await
        .unwrap();
    let delete = request("DeleteDriveFolder").path_params(["handbook"]);
    world.assert_sent(delete.query("path", "/drafts/a b").status(204));
    let root = drives
        .all()
        .delete_folder("handbook", "/")
        .await
        .unwrap_err();
    assert_eq!(
        root.status().map(|status| status.as_u16()),
        Some(400),
        "{root}"
    );
    let missing = drives.all().delete_folder("none", "/a").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    world.take();
    drives.change(plan).await;
}
