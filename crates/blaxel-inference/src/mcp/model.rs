//! What servers offer and answer.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::Role;

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerInfo {
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// Its own version.
    pub version: String,
    /// The version of the protocol that the session is in, such as `2025-11-25`.
    pub protocol_version: String,
    /// How a model should use it.
    pub instructions: Option<String>,
    /// What it can do, such as `tools` or `prompts`, with particulars.
    pub capabilities: Map<String, Value>,
}

impl ServerInfo {
    /// Reads the answer to `initialize`, in which the server's names stand a level deeper.
    pub(super) fn read(answer: Value) -> Result<Self, serde_json::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Answer {
            server_info: Map<String, Value>,
            #[serde(flatten)]
            other: Map<String, Value>,
        }
        let Answer {
            server_info: mut all,
            other,
        } = serde_json::from_value(answer)?;
        all.extend(other);
        serde_json::from_value(Value::Object(all))
    }
}

/// Something that servers list.
pub(super) trait Listed: DeserializeOwned {
    /// The member of a page that holds them.
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

/// A tool that a server has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tool {
    /// Its name, by which it is called.
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    #[serde(default)]
    pub input_schema: Value,
    /// The JSON Schema of its structured output, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What the server says about its effects.
    #[serde(default)]
    pub annotations: ToolAnnotations,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a server says about the effects of a tool. Nothing holds it to that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolAnnotations {
    /// It changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// It may destroy something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// A second call with the same arguments changes nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It reaches into the world outside of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a tool has put out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolOutput {
    /// The output, piece by piece.
    pub content: Vec<Content>,
    /// The output as JSON, from a tool with an [`output_schema`](Tool::output_schema).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// Whether the tool failed; the output tells how, for the model to read.
    pub is_error: bool,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ToolOutput {
    /// The texts among the output, a line end between each two.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.content.iter().filter_map(Content::text).collect();
        texts.join("\n")
    }
}

/// A piece of a tool's output or of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// A text.
    Text(TextContent),
    /// A picture.
    Image(BinaryContent),
    /// A sound.
    Audio(BinaryContent),
    /// A resource that can be read.
    ResourceLink(Resource),
    /// A resource with what is in it.
    Resource(EmbeddedResource),
    /// A piece of a kind that this version of the SDK has no name for.
    #[serde(untagged)]
    Other(Value),
}

impl Content {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }
}

/// A text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TextContent {
    /// The text.
    pub text: String,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A picture or a sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BinaryContent {
    /// Its bytes in base 64.
    pub data: String,
    /// Its media type.
    pub mime_type: String,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A resource with what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmbeddedResource {
    /// The resource.
    pub resource: ResourceContents,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A resource that a server has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// Its address, by which it is read.
    pub uri: String,
    /// Its name for programs.
    #[serde(default)]
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// How large it is, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A pattern of addresses under which a server has resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceTemplate {
    /// The pattern, as RFC 6570 has it.
    pub uri_template: String,
    /// Its name for programs.
    #[serde(default)]
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the resources are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Their media type, if they all have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What is in a resource: a text, or bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceContents {
    /// The address of the resource.
    pub uri: String,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The text, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in base 64, if it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A prompt that a server has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Prompt {
    /// Its name, by which it is asked for.
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is to be filled in.
    #[serde(default)]
    pub arguments: Vec<PromptArgument>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What is to be filled in of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the prompt cannot do without it.
    #[serde(default)]
    pub required: bool,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A prompt that is filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PromptOutput {
    /// What it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The messages to give to a model.
    pub messages: Vec<PromptMessage>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A message of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

/// How far a call has come.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// How much is done, in a unit of the server's own. It only grows.
    pub progress: f64,
    /// How much there is to do, if that is known.
    #[serde(default)]
    pub total: Option<f64>,
    /// What is being done, for people.
    #[serde(default)]
    pub message: Option<String>,
}
