//! The things that a server offers: tools, resources and prompts, and its notifications.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;

/// Information that a server gives about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerInfo {
    /// The name, for programs.
    #[serde(deserialize_with = "lenient::text_or_empty")]
    pub name: String,
    /// The name, for people.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub title: Option<String>,
    /// The version of the server.
    #[serde(deserialize_with = "lenient::text_or_empty")]
    pub version: String,
    /// The protocol version of the session, such as `2025-11-25`. If the server sent none, it is the one that the
    /// client asked for.
    #[serde(deserialize_with = "lenient::text_or_empty")]
    pub protocol_version: String,
    /// Instructions for a model that uses the server.
    #[serde(deserialize_with = "lenient::optional_text")]
    pub instructions: Option<String>,
    /// The capabilities, such as `tools` or `prompts`, with their details.
    #[serde(deserialize_with = "lenient::or_default")]
    pub capabilities: Map<String, Value>,
}

impl ServerInfo {
    /// Reads the result of `initialize`, which has the server's names one level deeper. `None` if it has no member
    /// of such a result.
    pub(super) fn read(result: &Value, requested_version: &str) -> Option<Self> {
        let Value::Object(result) = result else {
            return None;
        };
        let members = ["protocolVersion", "capabilities", "serverInfo"];
        if !members.iter().any(|member| result.contains_key(*member)) {
            return None;
        }
        let mut all = match result.get("serverInfo") {
            Some(Value::Object(names)) => names.clone(),
            _ => Map::new(),
        };
        all.extend(result.clone());
        let mut info = Self::deserialize(Value::Object(all)).ok()?;
        if info.protocol_version.is_empty() {
            requested_version.clone_into(&mut info.protocol_version);
        }
        Some(info)
    }
}

/// An item of a list of the server.
pub(super) trait Listed: DeserializeOwned {
    /// The member of a page that has the items.
    const MEMBER: &'static str;
}

impl Listed for Tool {
    const MEMBER: &'static str = "tools";
}

impl Listed for Resource {
    const MEMBER: &'static str = "resources";
}

impl Listed for ResourceTemplate {
    const MEMBER: &'static str = "resourceTemplates";
}

impl Listed for Prompt {
    const MEMBER: &'static str = "prompts";
}

/// A tool of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tool {
    /// The name, by which the tool is called.
    #[serde(deserialize_with = "lenient::key")]
    pub name: String,
    /// The name, for people.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// The purpose.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The JSON Schema of the arguments.
    #[serde(default)]
    pub input_schema: Value,
    /// The JSON Schema of the structured output, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Hints about the tool's effects.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub annotations: ToolAnnotations,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Hints of a server about the effects of a tool. They are not guaranteed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolAnnotations {
    /// `true` if the tool changes nothing.
    #[serde(
        deserialize_with = "lenient::optional_flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub read_only_hint: Option<bool>,
    /// `true` if the tool may delete or overwrite something.
    #[serde(
        deserialize_with = "lenient::optional_flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub destructive_hint: Option<bool>,
    /// `true` if a second call with the same arguments has no further effect.
    #[serde(
        deserialize_with = "lenient::optional_flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub idempotent_hint: Option<bool>,
    /// `true` if the tool interacts with systems outside of the server.
    #[serde(
        deserialize_with = "lenient::optional_flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub open_world_hint: Option<bool>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A resource of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// The URI, by which the resource is read.
    #[serde(deserialize_with = "lenient::key")]
    pub uri: String,
    /// The name, for programs.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub name: String,
    /// The name, for people.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// The description.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The media type.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub mime_type: Option<String>,
    /// The size in bytes.
    #[serde(
        default,
        deserialize_with = "lenient::optional_size",
        skip_serializing_if = "Option::is_none"
    )]
    pub size: Option<u64>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A URI template for resources of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceTemplate {
    /// The template, as defined by RFC 6570.
    #[serde(deserialize_with = "lenient::key")]
    pub uri_template: String,
    /// The name, for programs.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub name: String,
    /// The name, for people.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// The description of the resources.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The media type, if all of the resources have the same.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub mime_type: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The contents of a resource: text or bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceContents {
    /// The URI of the resource; empty if the server sent none.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub uri: String,
    /// The media type.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub mime_type: Option<String>,
    /// The text of a text resource.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub text: Option<String>,
    /// The bytes of any other resource, in base64.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub blob: Option<String>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A prompt of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Prompt {
    /// The name, by which the prompt is requested.
    #[serde(deserialize_with = "lenient::key")]
    pub name: String,
    /// The name, for people.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// The purpose.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The parameters.
    #[serde(default, deserialize_with = "lenient::list")]
    pub arguments: Vec<PromptArgument>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A parameter of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptArgument {
    /// The name.
    #[serde(deserialize_with = "lenient::key")]
    pub name: String,
    /// The description.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// `true` if the prompt cannot be rendered without it.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub required: bool,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The progress of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// The amount of work done, in a unit of the server's own. It only increases.
    #[serde(deserialize_with = "lenient::number")]
    pub progress: f64,
    /// The total amount of work, if it is known.
    #[serde(
        default,
        deserialize_with = "lenient::optional_number",
        skip_serializing_if = "Option::is_none"
    )]
    pub total: Option<f64>,
    /// The current activity, for people.
    #[serde(
        default,
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub message: Option<String>,
}

/// A message of a server that is not a response, such as a change of a list or a log entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// The method, such as `notifications/tools/list_changed`.
    pub method: String,
    /// The parameters; null for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub params: Value,
}
