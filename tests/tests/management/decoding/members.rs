//! Promise: a type has the members of its schema and no others, requires the members that the
//! schema requires, and refuses a member of another type.

use std::collections::BTreeSet;

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Value, json};

use super::schemas::Schemas;
use super::types::{TYPES, Typed};

/// Members that the schema does not have.
const EXTRA: &[&str] = &[
    // An image with and without its number of tags share a type.
    "ImageSpec.tagCount",
    // A pending share has the same type when it is created and when it is listed.
    "PendingImageShare.hasConflict",
    "PendingImageShare.sharedByEmail",
    "PendingImageShare.sourceWorkspaceDisplayName",
    "PendingImageShare.targetWorkspaceDisplayName",
    "PendingImageShareRender.createdBy",
    "PendingImageShareRender.updatedAt",
    "PendingImageShareRender.updatedBy",
];

/// Members that are always written and that the schema does not require.
const ALWAYS: &[&str] = &[
    // The name or id that identifies a resource.
    "CustomDomainMetadata.name",
    "ImageMetadata.name",
    "ImageTag.name",
    "LiteVolumeMetadata.name",
    "PendingImageShare.id",
    "PendingImageShareRender.id",
    "Workspace.name",
    // All its members are optional, so an absent one and an empty one decode to the same value.
    "GetDriveJWKS.keys",
    "JobExecutionTask.metadata",
    "JobExecutionTask.spec",
    "LiteVolume.metadata",
    "LiteVolume.spec",
];

/// Members that the schema requires and that may be omitted.
const OPTIONAL: &[&str] = &[
    // A sandbox can be created without a name.
    "Metadata.name",
    // The volumes of sandboxes and of jobs share a type; the constructor for jobs sets these
    // members.
    "JobVolume.mountPath",
    "JobVolume.name",
    "JobVolume.sizeMb",
    "JobVolume.type",
    // Only the server writes it, and it is optional when read.
    "ImageShareTarget.status",
    "LogEntry.message",
    "LogEntry.severity",
    "LogEntry.timestamp",
    "Logs.logs",
    "Logs.totalCount",
    "Quota.resourceType",
    "Quota.value",
    "SandboxSnapshot.createdAt",
    "SandboxSnapshot.status",
];

/// Members that are decoded from any JSON type: a quota may be something else than a number, and a
/// feature flag has any payload.
const LOOSE: &[&str] = &["Quota.value", "testFeatureFlag.payload"];

/// A deserializer that records the names of a struct's members, which its `Deserialize` passes to
/// it, and reads nothing.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = names;
        Err(Error::custom("the names are taken"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("it is no struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

pub fn members_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    let _ = T::deserialize(Names(&mut names));
    names
}

/// Fails unless the members found, such as `Agent.spec`, are those of a table.
#[track_caller]
pub fn assert_same(found: &BTreeSet<String>, table: &[&str]) {
    let known = table.iter().map(ToString::to_string).collect();
    let found: Vec<_> = found.symmetric_difference(&known).collect();
    assert!(
        found.is_empty(),
        "only found, or only in the table: {found:#?}"
    );
}

/// Returns the types of objects, except pages, each with its schema.
pub fn objects(schemas: &Schemas) -> impl Iterator<Item = (&'static Typed, &Value)> {
    let all = TYPES
        .iter()
        .map(|typed| (typed, schemas.resolved(schemas.named(typed.name))));
    all.filter(|(_, schema)| {
        let properties = &schema["properties"];
        properties.is_object() && (properties["data"].is_null() || properties["meta"].is_null())
    })
}

/// Returns the members for which `holds` returns `true`, as `Agent.spec`.
fn members(schemas: &Schemas, holds: impl Fn(&Typed, &Value, &str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (typed, schema) in objects(schemas) {
        let properties = schema["properties"].as_object().unwrap();
        let names = properties.keys().map(String::as_str);
        let names = names.chain((typed.members)().iter().copied());
        let names = names.filter(|name| holds(typed, schema, name));
        found.extend(names.map(|name| format!("{}.{name}", typed.name)));
    }
    found
}

#[tokio::test]
async fn no_type_has_a_member_that_its_schema_lacks() {
    let schemas = Schemas::read().await;
    for (typed, _) in objects(&schemas) {
        assert!(!(typed.members)().is_empty(), "{} is no struct", typed.name);
    }
    let extra = members(&schemas, |_, schema, name| {
        schema["properties"].get(name).is_none()
    });
    assert_same(&extra, EXTRA);
}

#[tokio::test]
async fn exactly_the_required_members_are_always_written() {
    let schemas = Schemas::read().await;
    let is_written = |typed: &Typed, name: &str| {
        let nothing = (typed.read)("{}").unwrap();
        nothing.get(name).is_some()
    };
    let is_required = |schema: &Value, name: &str| {
        let required = schema["required"].as_array().into_iter().flatten();
        required.into_iter().any(|required| required == name)
    };
    let always = members(&schemas, |typed, schema, name| {
        is_written(typed, name) && !is_required(schema, name)
    });
    assert_same(&always, ALWAYS);
    let optional = members(&schemas, |typed, schema, name| {
        is_required(schema, name) && !is_written(typed, name)
    });
    assert_same(&optional, OPTIONAL);
}

#[tokio::test]
async fn a_member_of_another_type_is_refused() {
    let schemas = Schemas::read().await;
    let loose = members(&schemas, |typed, schema, name| {
        let Some(member) = schema["properties"].get(name) else {
            return false;
        };
        others(schemas.resolved(member))
            .iter()
            .any(|other| (typed.debug)(&json!({name: other})).is_ok())
    });
    assert_same(&loose, LOOSE);
}

/// Returns values that the schema does not allow.
fn others(schema: &Value) -> Vec<Value> {
    match schema["type"].as_str() {
        Some("string") => vec![json!(1), json!([]), json!({})],
        Some("integer") => vec![json!("1"), json!(1.5), json!(true), json!({})],
        Some("number") => vec![json!("1"), json!(true), json!({})],
        Some("boolean") => vec![json!("true"), json!(1)],
        Some("array") => vec![json!("a"), json!({}), json!(1)],
        Some("object") => vec![json!("a"), json!(1)],
        _ => Vec::new(),
    }
}
