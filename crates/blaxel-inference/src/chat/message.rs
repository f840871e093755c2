//! The messages of a conversation.

use std::ops::Deref;

use blaxel_core::__private::lenient;
use blaxel_core::open_enum;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::tool::ToolCall;

open_enum! {
    /// The author of a message.
    pub enum Role {
        /// Instructions for the model.
        System = "system",
        /// Instructions, under the name that newer models use.
        Developer = "developer",
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool that the model called.
        Tool = "tool",
    }
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The author. A message without one, as some providers send it, is the model's.
    #[serde(default = "assistant", deserialize_with = "role")]
    pub role: Role,
    /// The content. A message with tool calls may have none.
    #[serde(default)]
    pub content: Option<Content>,
    /// The tool calls that the model requests.
    #[serde(
        default,
        deserialize_with = "lenient::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_calls: Vec<ToolCall>,
    /// The id of the tool call whose result this message is.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub tool_call_id: Option<String>,
    /// All other members. Keep them when a model's message is sent back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Message {
    /// Creates a message of any author.
    #[must_use]
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self {
            content: Some(content.into()),
            ..Self::empty(role)
        }
    }

    /// Creates a message of the model without content.
    pub(super) fn of_model() -> Self {
        Self::empty(Role::Assistant)
    }

    fn empty(role: Role) -> Self {
        Self {
            role,
            content: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            other: Map::new(),
        }
    }

    /// Creates a message with instructions.
    #[must_use]
    pub fn system(content: impl Into<Content>) -> Self {
        Self::new(Role::System, content)
    }

    /// Creates a message of the user, with a text or several parts.
    ///
    /// ```
    /// use blaxel_inference::{Message, Part};
    ///
    /// let question = Message::user([
    ///     Part::text("What is in this picture?"),
    ///     Part::image("https://example.com/cat.png"),
    /// ]);
    /// ```
    #[must_use]
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content)
    }

    /// Creates a message of the model.
    #[must_use]
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Creates a message with the result of a tool call. `call` is the [id](ToolCall::id) of the call.
    #[must_use]
    pub fn tool(call: impl Into<String>, content: impl Into<Content>) -> Self {
        Self {
            tool_call_id: Some(call.into()),
            ..Self::new(Role::Tool, content)
        }
    }

    /// Returns the text of the content: the text itself, or that of the [parts](Parts::text). It is `None` for
    /// content without text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.content.as_ref()? {
            Content::Text(text) => Some(text),
            Content::Parts(parts) => parts.text(),
            Content::Other(_) => None,
        }
    }
}

fn assistant() -> Role {
    Role::Assistant
}

fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    Ok(optional_role(deserializer)?.unwrap_or_else(assistant))
}

/// Deserializes a role. Some providers send an empty text where others send null.
pub(super) fn optional_role<'de, D>(deserializer: D) -> Result<Option<Role>, D::Error>
where
    D: Deserializer<'de>,
{
    let role = lenient::text(deserializer)?;
    Ok(role.filter(|role| !role.is_empty()).map(Role::from))
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Content {
    /// A text.
    Text(String),
    /// Several parts: texts, images, recordings.
    Parts(Parts),
    /// Content in a form that this version of the SDK does not know.
    Other(Value),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Part>> for Content {
    fn from(parts: Vec<Part>) -> Self {
        Self::Parts(parts.into())
    }
}

impl<const N: usize> From<[Part; N]> for Content {
    fn from(parts: [Part; N]) -> Self {
        Self::Parts(Vec::from(parts).into())
    }
}

/// The parts of the content of a message. It can be used like a slice.
///
/// ```
/// use blaxel_inference::{Content, Part};
///
/// let content = Content::from([Part::text("Hel"), Part::text("lo")]);
/// let Content::Parts(parts) = content else { return };
/// assert_eq!((parts.len(), parts.text()), (2, Some("Hello")));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Part>", into = "Vec<Part>")]
pub struct Parts {
    parts: Vec<Part>,
    /// The joined text, if several parts have one.
    joined: Option<String>,
}

impl Parts {
    /// Returns the text of all text parts, joined; `None` if no part is a text. Thinking, images and other parts
    /// are not part of it.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let first = || self.parts.iter().find_map(Part::as_text);
        self.joined.as_deref().or_else(first)
    }
}

impl From<Vec<Part>> for Parts {
    fn from(parts: Vec<Part>) -> Self {
        let texts: Vec<&str> = parts.iter().filter_map(Part::as_text).collect();
        let joined = (texts.len() > 1).then(|| texts.concat());
        Self { parts, joined }
    }
}

impl From<Parts> for Vec<Part> {
    fn from(parts: Parts) -> Self {
        parts.parts
    }
}

impl Deref for Parts {
    type Target = [Part];

    fn deref(&self) -> &[Part] {
        &self.parts
    }
}

/// A part of the content of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Part {
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// An image.
    ImageUrl {
        /// The address of the image.
        image_url: ImageUrl,
    },
    /// An audio recording.
    InputAudio {
        /// The recording.
        input_audio: InputAudio,
    },
    /// A part that this version of the SDK does not know, or one with unknown members.
    #[serde(untagged)]
    Other(Value),
}

impl Part {
    /// Creates a text part.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// Returns the text of a text part, even of one with members that this version of the SDK does not know.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Other(part) => text_of(part),
            Self::ImageUrl { .. } | Self::InputAudio { .. } => None,
        }
    }

    /// Creates an image part from a URL. A `data:` URL contains the image itself, in base64.
    #[must_use]
    pub fn image(url: impl Into<String>) -> Self {
        Self::ImageUrl {
            image_url: ImageUrl {
                url: url.into(),
                detail: None,
            },
        }
    }

    /// Creates an audio part from its bytes in base64 and its format, which is `wav` or `mp3` at most providers.
    #[must_use]
    pub fn audio(data: impl Into<String>, format: impl Into<String>) -> Self {
        Self::InputAudio {
            input_audio: InputAudio {
                data: data.into(),
                format: format.into(),
            },
        }
    }
}

/// Returns the text of a part of content: some providers send a bare text, or a type of their own.
fn text_of(part: &Value) -> Option<&str> {
    let Value::Object(members) = part else {
        return part.as_str();
    };
    let kind = members.get("type").and_then(Value::as_str);
    let is_text = matches!(kind, None | Some("text" | "output_text"));
    members.get("text").filter(|_| is_text)?.as_str()
}

/// The text of a delta, by its meaning.
#[derive(Default)]
pub(super) struct DeltaText {
    /// The text of the answer.
    pub(super) content: Option<String>,
    /// The thinking that some providers send as parts of the content.
    pub(super) thinking: Option<String>,
}

impl<'de> Deserialize<'de> for DeltaText {
    /// Deserializes content of any form: a text, a number, a part, or a list of those.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Self::default();
        match Value::deserialize(deserializer)? {
            Value::String(content) => text.content = Some(content),
            Value::Number(number) => text.content = Some(number.to_string()),
            Value::Array(parts) => parts.iter().for_each(|part| text.add(part)),
            part => text.add(&part),
        }
        Ok(text)
    }
}

impl DeltaText {
    fn add(&mut self, part: &Value) {
        if let Some(text) = text_of(part) {
            self.content.get_or_insert_default().push_str(text);
        }
        let thinking = match part.get("thinking") {
            Some(Value::Array(parts)) => parts.as_slice(),
            Some(part) => std::slice::from_ref(part),
            None => &[],
        };
        for text in thinking.iter().filter_map(text_of) {
            self.thinking.get_or_insert_default().push_str(text);
        }
    }
}

/// A reference to an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageUrl {
    /// The URL, which may be a `data:` URL.
    pub url: String,
    /// The resolution: `low`, `high` or `auto`. By default the provider chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An audio recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAudio {
    /// The bytes in base64.
    pub data: String,
    /// The format, such as `wav`.
    pub format: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A provider's message is sent back unchanged, including members that this version does not know.
    #[test]
    fn a_message_is_serialized_as_it_was_received() {
        for message in [
            json!({"role": "assistant", "content": "hi", "refusal": null, "annotations": []}),
            json!({"role": "assistant", "content": null, "tool_calls": [{
                "id": "c1", "type": "function", "extra_content": {"google": {"signature": "s"}},
                "function": {"name": "f", "arguments": "{}", "strict": true}}]}),
            json!({"role": "user", "content": [
                {"type": "text", "text": "a"},
                {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://x/y", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://x/y", "size": 1}},
                {"type": "video", "video": {}},
                {"kind": "odd"}]}),
            json!({"role": "narrator", "content": {"odd": true}}),
            json!({"role": "tool", "tool_call_id": "c1", "content": "42"}),
        ] {
            let read: Message = serde_json::from_value(message.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), message);
        }
    }

    #[test]
    fn parts_are_serialized_as_the_providers_expect() {
        let message = Message::user([
            Part::text("a"),
            Part::image("data:image/png;base64,AA=="),
            Part::audio("AA==", "wav"),
        ]);
        assert_eq!(
            serde_json::to_value(&message).unwrap(),
            json!({"role": "user", "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]})
        );
    }

    #[test]
    fn null_tool_calls_count_as_none() {
        let message = json!({"role": "assistant", "content": "a", "tool_calls": null});
        let read: Message = serde_json::from_value(message).unwrap();
        assert!(read.tool_calls.is_empty());
        assert_eq!(read.text(), Some("a"));
    }
}
