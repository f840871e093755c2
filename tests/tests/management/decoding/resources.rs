//! Promise: the trait `Resource` returns the name, labels, times and status of a resource of any
//! kind.
//!
//! In these documents each string is its own JSON pointer.

use blaxel_management::*;
use serde_json::Value;

use super::schemas::Schemas;

/// The expected values of a resource, as JSON pointers into its document. An empty one means that
/// there is no value.
struct Expected {
    schema: &'static str,
    name: &'static str,
    labels: &'static str,
    created: &'static str,
    updated: &'static str,
    status: &'static str,
    read: fn(Value) -> [String; 5],
}

fn read<R: Resource>(document: Value) -> [String; 5] {
    let resource: R = serde_json::from_value(document).unwrap();
    let text = |found: Option<&str>| found.unwrap_or_default().to_owned();
    let label = resource.labels().get("one").map(String::as_str);
    if let Some(value) = label {
        assert!(resource.has_label("one", value) && !resource.has_label("one", "other"));
    }
    assert!(!resource.has_label("other", "one"));
    [
        resource.name().to_owned(),
        text(label),
        text(resource.created_at().map(blaxel_core::Timestamp::as_str)),
        text(resource.updated_at().map(blaxel_core::Timestamp::as_str)),
        text(resource.status()),
    ]
}

macro_rules! expected {
    ($($type:ty = $schema:literal { $($what:ident: $pointer:literal),+ })+) => {
        &[$(Expected {
            schema: $schema,
            read: read::<$type>,
            $($what: $pointer,)+
            ..NOTHING
        }),+]
    };
}

const NOTHING: Expected = Expected {
    schema: "",
    name: "",
    labels: "",
    created: "",
    updated: "",
    status: "",
    read: |_| Default::default(),
};

/// Returns the kinds with the usual metadata and status.
macro_rules! usual {
    ($($type:ty = $schema:literal),+) => {
        expected! { $($type = $schema {
            name: "/metadata/name",
            labels: "/metadata/labels/one",
            created: "/metadata/createdAt",
            updated: "/metadata/updatedAt",
            status: "/status"
        })+ }
    };
}

#[allow(
    clippy::needless_update,
    reason = "some kinds have a pointer for every value"
)]
const USUAL: &[Expected] = usual! {
    agents::Agent = "Agent",
    applications::Application = "Application",
    drives::Drive = "Drive",
    functions::Function = "Function",
    jobs::Job = "Job",
    models::Model = "Model",
    sandboxes::Sandbox = "Sandbox",
    volumes::Volume = "Volume",
    vpcs::Vpc = "VPC"
};

#[allow(
    clippy::needless_update,
    reason = "some kinds have a pointer for every value"
)]
const OTHERS: &[Expected] = expected! {
    applications::AppRevision = "AppRevision" { name: "/id", created: "/createdAt" }
    custom_domains::CustomDomain = "CustomDomain" {
        name: "/metadata/name", labels: "/metadata/labels/one", created: "/metadata/createdAt",
        updated: "/metadata/updatedAt", status: "/spec/status"
    }
    custom_domains::CustomDomainShareTarget = "CustomDomainShareTarget" {
        name: "/workspace", status: "/status"
    }
    hubs::McpDefinition = "MCPDefinition" {
        name: "/name", created: "/createdAt", updated: "/updatedAt"
    }
    hubs::SandboxDefinition = "SandboxDefinition" { name: "/name" }
    images::Image = "Image" {
        name: "/metadata/name", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/metadata/status"
    }
    images::ImageShare = "ImageShareTarget" { name: "/workspace", status: "/status" }
    images::ImageTag = "ImageTag" { name: "/name", created: "/createdAt", updated: "/updatedAt" }
    images::PendingImageShare = "PendingImageShare" {
        name: "/id", created: "/createdAt", updated: "/updatedAt"
    }
    integrations::Integration = "Integration" { name: "/name" }
    integrations::IntegrationConnection = "IntegrationConnection" {
        name: "/metadata/name", labels: "/metadata/labels/one", created: "/metadata/createdAt",
        updated: "/metadata/updatedAt"
    }
    jobs::JobExecution = "JobExecution" {
        name: "/metadata/id", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/status"
    }
    jobs::JobExecutionTask = "JobExecutionTask" {
        name: "/metadata/name", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/status"
    }
    locations::Location = "LocationResponse" { name: "/region", status: "/status" }
    policies::Policy = "Policy" {
        name: "/metadata/name", labels: "/metadata/labels/one", created: "/metadata/createdAt",
        updated: "/metadata/updatedAt"
    }
    sandboxes::Preview = "Preview" {
        name: "/metadata/name", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/status"
    }
    sandboxes::PreviewToken = "PreviewToken" { name: "/metadata/name" }
    sandboxes::Schedule = "SandboxScheduleEntry" { name: "/id", created: "/createdAt" }
    sandboxes::ScheduleExecution = "SandboxScheduleExecution" {
        name: "/id", created: "/createdAt", status: "/status"
    }
    sandboxes::Snapshot = "SandboxSnapshot" {
        name: "/id", created: "/createdAt", status: "/status"
    }
    secrets::WorkspaceSecret = "Secret" {
        name: "/name", created: "/createdAt", updated: "/updatedAt"
    }
    service_accounts::ApiKey = "ApiKey" {
        name: "/id", created: "/createdAt", updated: "/updatedAt"
    }
    service_accounts::NewServiceAccount = "CreateWorkspaceServiceAccount" {
        name: "/client_id", created: "/created_at", updated: "/updated_at"
    }
    service_accounts::ServiceAccount = "ServiceAccount" {
        name: "/client_id", created: "/created_at", updated: "/updated_at"
    }
    templates::Template = "Template" { name: "/name" }
    users::PendingInvitation = "PendingInvitation" {
        name: "/email", created: "/createdAt", updated: "/updatedAt"
    }
    users::WorkspaceUser = "WorkspaceUser" { name: "/email" }
    volume_templates::VolumeTemplate = "VolumeTemplate" {
        name: "/metadata/name", labels: "/metadata/labels/one", created: "/metadata/createdAt",
        updated: "/metadata/updatedAt", status: "/state/status"
    }
    volumes::VolumeSummary = "LiteVolume" {
        name: "/metadata/name", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/status"
    }
    vpcs::EgressGateway = "EgressGateway" {
        name: "/metadata/name", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/status"
    }
    vpcs::EgressIp = "EgressIP" {
        name: "/metadata/name", created: "/metadata/createdAt", updated: "/metadata/updatedAt",
        status: "/status"
    }
    workload::Revision = "RevisionMetadata" {
        name: "/id", created: "/createdAt", status: "/status"
    }
    workspaces::Workspace = "Workspace" {
        name: "/name", labels: "/labels/one", created: "/createdAt", updated: "/updatedAt",
        status: "/status"
    }
};

#[tokio::test]
async fn every_resource_returns_its_name_labels_times_and_status() {
    let schemas = Schemas::read().await;
    for resource in USUAL.iter().chain(OTHERS) {
        let mut document = schemas.full(schemas.named(resource.schema));
        write_pointers(&mut document, "");
        let expected = [
            resource.name,
            resource.labels,
            resource.created,
            resource.updated,
            resource.status,
        ];
        assert_eq!((resource.read)(document), expected, "{}", resource.schema);
    }
}

#[test]
fn a_resource_without_metadata_returns_empty_values() {
    let user: users::WorkspaceUser = serde_json::from_str("{}").unwrap();
    assert_eq!(
        (user.name(), user.status(), user.created_at()),
        ("", None, None)
    );
    assert!(user.labels().is_empty() && !user.has_label("team", ""));
}

/// Replaces each string by its own JSON pointer.
fn write_pointers(value: &mut Value, pointer: &str) {
    match value {
        Value::String(text) => pointer.clone_into(text),
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                write_pointers(item, &format!("{pointer}/{index}"));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                write_pointers(member, &format!("{pointer}/{name}"));
            }
        }
        _ => {}
    }
}
