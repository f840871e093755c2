//! The chunks of a streamed answer.

mod received;

use blaxel_core::__private::lenient;
use blaxel_core::stream::Text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use self::received::{Received, ReceivedChoice, ReceivedDelta};
use super::answer::{FinishReason, Usage};
use super::message::Role;
use super::tool::json_text;

/// A chunk of a streamed answer.
///
/// It serializes with all members that the provider sent, and with the current values of the named ones.
/// Two chunks are equal if their named members are; [`raw`](Self::raw) is not compared, and is empty in a
/// chunk that was not read by a [`ChatStream`](crate::ChatStream).
///
/// The choices and their indices are read strictly: a document with an error in it, or with choices that cannot
/// be told apart, does not deserialize. Other members may be missing or odd.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Received")]
#[non_exhaustive]
pub struct ChatChunk {
    /// The provider's id of the answer, the same in all chunks.
    pub id: Option<String>,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// The additions to each choice. It is empty in a chunk that only reports the usage.
    pub choices: Vec<ChunkChoice>,
    /// The numbers of tokens used, in one of the last chunks.
    pub usage: Option<Usage>,
    pub(super) raw: Text,
    /// `true` for a whole answer, from a server that does not stream.
    pub(super) whole: bool,
}

impl ChatChunk {
    /// Returns the new text of the choice with index 0, which is the only one unless more were requested. It is
    /// empty for a chunk without text, and for one of another choice: [`choices`](Self::choices) has all of them.
    #[must_use]
    pub fn text(&self) -> &str {
        let first = self.choices.iter().find(|choice| choice.index == 0);
        let text = first.and_then(|choice| choice.delta.content.as_deref());
        text.unwrap_or_default()
    }

    /// Returns the JSON of the chunk as received, for members that this version of the SDK does not
    /// know.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

impl PartialEq for ChatChunk {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            id,
            model,
            choices,
            usage,
            raw: _,
            whole: _,
        } = self;
        *id == other.id
            && *model == other.model
            && *choices == other.choices
            && *usage == other.usage
    }
}

impl Serialize for ChatChunk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            id: &'a Option<String>,
            model: &'a Option<String>,
            choices: &'a [ChunkChoice],
            usage: Option<Usage>,
        }

        let named = Named {
            id: &self.id,
            model: &self.model,
            choices: &self.choices,
            usage: self.usage,
        };
        let Ok(mut whole) = serde_json::from_str(&self.raw) else {
            return named.serialize(serializer);
        };
        let named = serde_json::to_value(named).map_err(serde::ser::Error::custom)?;
        overlay(&mut whole, named);
        whole.serialize(serializer)
    }
}

/// Writes the named members over the received ones. Members that are null or empty are not added.
fn overlay(received: &mut Value, named: Value) {
    match (received, named) {
        (Value::Object(received), Value::Object(named)) => {
            for (member, value) in named {
                match received.get_mut(&member) {
                    Some(existing) => overlay(existing, value),
                    None if is_nothing(&value) => {}
                    None => {
                        received.insert(member, value);
                    }
                }
            }
        }
        (Value::Array(received), Value::Array(named)) if received.len() == named.len() => {
            for (existing, value) in received.iter_mut().zip(named) {
                overlay(existing, value);
            }
        }
        // Some providers send null for an absent member; it is kept.
        (Value::Null, named) if is_nothing(&named) => {}
        (existing, named) => *existing = named,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// The additions to one choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "ReceivedChoice")]
#[non_exhaustive]
pub struct ChunkChoice {
    /// The index of the choice, from 0. A choice without one has 0.
    pub index: u32,
    /// The additions to its message.
    pub delta: Delta,
    /// The reason why the model stopped, in the last chunk of the choice.
    pub finish_reason: Option<FinishReason>,
}

/// The additions to a message. Other members than these are in [`ChatChunk::raw`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "ReceivedDelta")]
#[non_exhaustive]
pub struct Delta {
    /// The author, in the first chunk.
    pub role: Option<Role>,
    /// Text to append to the content. If it is sent in parts, this is the text of all of them.
    pub content: Option<String>,
    /// Text to append to the refusal, from a model that declines to answer.
    pub refusal: Option<String>,
    /// Text to append to the reasoning, from some providers.
    pub reasoning_content: Option<String>,
    /// Text to append to the reasoning, from other providers.
    pub reasoning: Option<String>,
    /// The additions to the tool calls.
    pub tool_calls: Vec<ToolCallDelta>,
}

/// The additions to a tool call. [`ChatAssembler`](crate::ChatAssembler) assembles them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// The index of the call, from 0. Some providers send none, or the same for all calls.
    #[serde(deserialize_with = "number_of_call")]
    pub index: Option<u32>,
    /// The id of the call, in its first chunk.
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The additions to the function.
    #[serde(deserialize_with = "lenient::object")]
    pub function: FunctionDelta,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn number_of_call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = lenient::number(deserializer)?;
    Ok(number.and_then(|number| u32::try_from(number).ok()))
}

/// The additions to a function of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FunctionDelta {
    /// The name, in the first chunk.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// Text to append to the arguments.
    #[serde(deserialize_with = "json_text")]
    pub arguments: Option<String>,
}
