//! What a model answers, piece by piece.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{FinishReason, Usage};
use super::message::Role;
use super::nothing_for_null;
use crate::decode::Text;

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatChunk {
    /// The provider's id of the answer, the same in all pieces.
    #[serde(default)]
    pub id: Option<String>,
    /// The provider's name of the model that answers.
    #[serde(default)]
    pub model: Option<String>,
    /// What is new in each answer; empty in a piece that only tells the usage.
    #[serde(default, deserialize_with = "nothing_for_null")]
    pub choices: Vec<ChunkChoice>,
    /// What the call used, in one of the last pieces.
    #[serde(default)]
    pub usage: Option<Usage>,
    #[serde(skip)]
    pub(super) raw: Text,
}

impl ChatChunk {
    /// The new text of the first answer; empty for a piece without text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.choices
            .first()
            .and_then(|choice| choice.delta.content.as_deref())
            .unwrap_or_default()
    }

    /// The piece as it came, JSON: for members that this version of the SDK has no name for.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

/// What is new in one answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Which answer it is, from 0.
    #[serde(default)]
    pub index: u32,
    /// What is new in it.
    #[serde(default, deserialize_with = "nothing_for_null")]
    pub delta: Delta,
    /// Why the model stopped, in the last piece of the answer.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What is new in an answer. Other members than these are found in [`ChatChunk::raw`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Delta {
    /// Who says it, in the first piece.
    pub role: Option<Role>,
    /// The text that is to be put behind what came before.
    pub content: Option<String>,
    /// What the model says where it will not answer.
    pub refusal: Option<String>,
    /// What the model thinks, with some providers.
    pub reasoning_content: Option<String>,
    /// The same, with others.
    pub reasoning: Option<String>,
    /// What is new in the tools that the model wants to be called.
    #[serde(deserialize_with = "nothing_for_null")]
    pub tool_calls: Vec<ToolCallDelta>,
}

/// What is new in the call of a tool. [`ChatAssembler`](crate::ChatAssembler) puts the pieces together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// Which call it is, from 0.
    #[serde(deserialize_with = "nothing_for_null")]
    pub index: u32,
    /// The call's id, in its first piece.
    pub id: Option<String>,
    /// What is new of the function.
    #[serde(deserialize_with = "nothing_for_null")]
    pub function: FunctionDelta,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What is new of a function to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FunctionDelta {
    /// Its name, in the first piece.
    pub name: Option<String>,
    /// The text that is to be put behind the arguments that came before.
    pub arguments: Option<String>,
}
