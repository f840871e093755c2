//! The results of calls: outputs of tools and rendered prompts, with their parts.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::lenient;
use super::model::{Resource, ResourceContents};
use crate::chat::Role;

/// The output of a tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolOutput {
    /// The output, as parts.
    #[serde(deserialize_with = "parts")]
    pub content: Vec<Content>,
    /// The output as JSON, from a tool with an [`output_schema`](super::Tool::output_schema).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// `true` if the tool failed; the output then describes the failure for the model.
    #[serde(deserialize_with = "lenient::flag")]
    pub is_error: bool,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ToolOutput {
    /// Reads the result of `tools/call`. A result that is not an object is taken for the content.
    pub(super) fn read(result: Value) -> Self {
        let result = match result {
            Value::Object(_) => result,
            content => json!({"content": content}),
        };
        // No value of a member is refused.
        Self::deserialize(result).unwrap_or_default()
    }

    /// Returns the text parts of the output, joined by line ends.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.content.iter().filter_map(Content::text).collect();
        texts.join("\n")
    }
}

/// A part of a tool's output or of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// A text.
    Text(TextContent),
    /// An image.
    Image(BinaryContent),
    /// An audio recording.
    Audio(BinaryContent),
    /// A reference to a resource.
    ResourceLink(Resource),
    /// A resource with its contents.
    Resource(EmbeddedResource),
    /// A part of a type that this version of the SDK does not know.
    #[serde(untagged)]
    Other(Value),
}

impl Content {
    /// Returns the text of a text part.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }
}

/// Reads the parts of an output: a list, one part, or null. No part is left out.
fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Content>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => Vec::new(),
        Value::Array(parts) => parts.into_iter().map(part).collect(),
        one => vec![part(one)],
    })
}

/// Reads the content of a message, which some servers put into a list.
fn one_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(mut parts) if parts.len() == 1 => part(parts.remove(0)),
        one => part(one),
    })
}

/// Reads a part. A bare text, and a part with a text but without a type, is a text.
fn part(value: Value) -> Content {
    let value = match value {
        Value::Object(mut members)
            if members.get("type").is_none_or(Value::is_null)
                && members.get("text").is_some_and(Value::is_string) =>
        {
            members.insert("type".to_owned(), "text".into());
            Value::Object(members)
        }
        Value::Bool(flag) => json!({"type": "text", "text": flag.to_string()}),
        text @ (Value::String(_) | Value::Number(_)) => json!({"type": "text", "text": text}),
        other => other,
    };
    Content::deserialize(&value).unwrap_or(Content::Other(value))
}

/// A text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TextContent {
    /// The text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub text: String,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An image or an audio recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BinaryContent {
    /// The bytes in base64.
    pub data: String,
    /// The media type; empty if the server sent none.
    #[serde(default, deserialize_with = "lenient::text_or_empty")]
    pub mime_type: String,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A resource with its contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EmbeddedResource {
    /// The resource.
    pub resource: ResourceContents,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A rendered prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PromptOutput {
    /// The purpose.
    #[serde(
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// The messages for a model.
    #[serde(deserialize_with = "lenient::list")]
    pub messages: Vec<PromptMessage>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A message of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptMessage {
    /// The author; the user if the server sent none.
    #[serde(default = "user", deserialize_with = "role")]
    pub role: Role,
    /// The content.
    #[serde(deserialize_with = "one_part")]
    pub content: Content,
}

fn user() -> Role {
    Role::User
}

/// Reads an author, the user for a value that is not a text.
fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    let role = Value::deserialize(deserializer)?;
    Ok(Role::deserialize(role).unwrap_or_else(|_| user()))
}
