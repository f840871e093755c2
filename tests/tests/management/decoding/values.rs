//! Promise: an enum has the values of its schema and no others.

use std::collections::BTreeSet;

use blaxel_management::*;
use serde_json::{Value, json};

use super::members::assert_same;
use super::schemas::Schemas;
use super::types::{TYPES, Typed};

/// Members whose enum differs from the schema, as `Schema.member value`: a value that only the enum
/// has, or, if the member accepts any string, one that only the schema has.
const OTHERS: &[&str] = &[
    // The member accepts any string: it may name other workloads than running ones.
    "CreateImage.request.resourceType agent",
    "CreateImage.request.resourceType application",
    "CreateImage.request.resourceType function",
    "CreateImage.request.resourceType job",
    "CreateImage.request.resourceType sandbox",
    // The volumes of sandboxes and of jobs share a type.
    "JobVolume.type persistent",
    // The emulator's users have it. The enum decodes it as an unknown value.
    "UpdateWorkspaceUserRole.request.role viewer",
];

/// Members that have an enum in the facade, and whose schema accepts any string.
const UNLISTED: &[&str] = &[
    "Application.status: Status",
    "CoreEvent.status: Status",
    "CreateImage.request.generation: Generation",
    "CreateImage.resourceType: ResourceType",
    "Drive.status: Status",
    "ImageMetadata.resourceType: ResourceType",
    "ImageShareTarget.status: ShareStatus",
    "LiteVolume.status: Status",
    "PendingImageShare.resourceType: ResourceType",
    "PendingImageShareRender.resourceType: ResourceType",
    "PendingInvitation.role: Role",
    "PendingInvitationRender.role: Role",
    "Quota.resourceType: QuotaKind",
    "SandboxSnapshot.status: SnapshotStatus",
    "Volume.status: Status",
    "WorkspaceUser.role: Role",
];

/// The name of an enum of the facade, and its values.
pub type Enum = (&'static str, &'static [&'static str]);

macro_rules! enums {
    ($($type:ty),+ $(,)?) => {
        [$((std::any::type_name::<$type>(), <$type>::from("").__values())),+]
    };
}

/// Returns all enums of the facade, and the order of lists.
pub fn enums() -> Vec<Enum> {
    let enums = enums![
        blaxel_core::Sort,
        custom_domains::DomainKind,
        custom_domains::ValidationMethod,
        drives::DriveMode,
        functions::Transport,
        images::ResourceType,
        images::ShareStatus,
        jobs::JobExecutionStatus,
        jobs::JobExecutionTaskStatus,
        logs::LogSource,
        logs::Severity,
        models::Provider,
        policies::PolicyKind,
        policies::PolicyLocationKind,
        policies::PolicyResourceType,
        quotas::QuotaKind,
        sandboxes::ArchiveRestoreState,
        sandboxes::ExpirationAction,
        sandboxes::ExpirationKind,
        sandboxes::ExtraArg,
        sandboxes::ForkKind,
        sandboxes::SandboxState,
        sandboxes::ScheduleExecutionStatus,
        sandboxes::ScheduleKind,
        sandboxes::SnapshotSourceKind,
        sandboxes::SnapshotStatus,
        users::UserSource,
        volume_templates::VolumeTemplateStatus,
        volume_templates::VolumeTemplateVersionStatus,
        vpcs::IpFamily,
        workload::PortProtocol,
        workload::TriggerKind,
        workload::VolumeKind,
        workspaces::Role,
        workspaces::UnavailableReason,
        workspaces::WorkspaceStatus,
        FlavorKind,
        Generation,
        Status,
        VerificationStatus,
    ];
    enums.to_vec()
}

/// A string in a type: a whole schema, or a member of an object.
struct Text<'a> {
    typed: &'static Typed,
    /// The name of the member; `None` for a whole schema.
    member: Option<&'a str>,
    is_list: bool,
    /// The values that the schema lists.
    values: BTreeSet<&'a str>,
}

impl<'a> Text<'a> {
    fn of(
        schemas: &'a Schemas,
        typed: &'static Typed,
        member: Option<&'a str>,
        schema: &'a Value,
    ) -> Option<Self> {
        let mut schema = schemas.resolved(schema);
        let is_list = schema["type"] == "array";
        if is_list {
            schema = schemas.resolved(&schema["items"]);
        }
        let values = schema["enum"].as_array().into_iter().flatten();
        (schema["type"] == "string").then(|| Self {
            typed,
            member,
            is_list,
            values: values.filter_map(Value::as_str).collect(),
        })
    }

    fn name(&self) -> String {
        let member = self.member.map(|member| format!(".{member}"));
        format!("{}{}", self.typed.name, member.unwrap_or_default())
    }

    /// Returns `true` if the type decodes this string as an unknown value of its enum.
    fn is_other(&self, text: &str) -> bool {
        let mut document = if self.is_list {
            json!([text])
        } else {
            json!(text)
        };
        if let Some(member) = self.member {
            document = json!({member: document});
        }
        let read = (self.typed.debug)(&document);
        read.is_ok_and(|read| read.contains(&format!("UnknownValue({text:?})")))
    }
}

/// Returns all strings in types.
fn texts(schemas: &Schemas) -> Vec<Text<'_>> {
    let mut texts = Vec::new();
    for typed in TYPES {
        let schema = schemas.resolved(schemas.named(typed.name));
        texts.extend(Text::of(schemas, typed, None, schema));
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if name != "data" && name != "meta" {
                texts.extend(Text::of(schemas, typed, Some(name), member));
            }
        }
    }
    texts
}

#[tokio::test]
async fn an_enum_has_the_values_of_its_schema_and_no_others() {
    let schemas = Schemas::read().await;
    let enums = enums();
    let all: BTreeSet<&str> = enums
        .iter()
        .flat_map(|(_, values)| *values)
        .copied()
        .collect();
    let (mut differences, mut unlisted) = (BTreeSet::new(), BTreeSet::new());
    for field in texts(&schemas) {
        let is_enum = field.is_other("no value of any enum");
        let known = all.union(&field.values);
        let known = known
            .filter(|text| is_enum && !field.is_other(text))
            .copied();
        let known: BTreeSet<&str> = known.collect();
        if is_enum && field.values.is_empty() {
            let mut enums = enums.iter();
            let found =
                enums.find(|(_, values)| values.iter().copied().collect::<BTreeSet<_>>() == known);
            let name = found.and_then(|(path, _)| path.rsplit("::").next());
            unlisted.insert(format!(
                "{}: {}",
                field.name(),
                name.unwrap_or("of no enum")
            ));
            continue;
        }
        for value in known.symmetric_difference(&field.values) {
            differences.insert(format!("{} {value}", field.name()));
        }
    }
    differences.extend(unlisted);
    assert_same(&differences, &[OTHERS, UNLISTED].concat());
}
