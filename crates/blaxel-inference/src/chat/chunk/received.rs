//! Chunks as providers send them.

use blaxel_core::__private::lenient;
use blaxel_core::stream::Text;
use serde::Deserialize;
use serde_json::Value;

use super::{ChatChunk, ChunkChoice, Delta, ToolCallDelta};
use crate::chat::answer::{FinishReason, SAME_INDEX, Usage, are_distinct, finish_reason};
use crate::chat::message::{DeltaText, Role, optional_role};
use crate::report::{is_finish_error, says_something};

/// A chunk as received.
#[derive(Deserialize)]
pub(super) struct Received {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    choices: Vec<ReceivedChoice>,
    #[serde(default, deserialize_with = "lenient::optional_object")]
    usage: Option<Usage>,
    #[serde(default)]
    error: Value,
}

impl TryFrom<Received> for ChatChunk {
    type Error = &'static str;

    fn try_from(received: Received) -> Result<Self, Self::Error> {
        let choices = received.choices;
        if says_something(&received.error) || choices.iter().any(ReceivedChoice::is_error) {
            return Err("the chunk contains an error");
        }
        let whole = !choices.is_empty() && choices.iter().all(ReceivedChoice::is_whole);
        let choices: Vec<ChunkChoice> = choices.into_iter().map(Into::into).collect();
        if !are_distinct(choices.iter().map(|choice| choice.index)) {
            return Err(SAME_INDEX);
        }
        Ok(Self {
            id: received.id,
            model: received.model,
            choices,
            usage: received.usage,
            raw: Text::default(),
            whole,
        })
    }
}

/// The additions to one choice as received.
#[derive(Deserialize)]
pub(super) struct ReceivedChoice {
    #[serde(default, deserialize_with = "lenient::index")]
    index: Option<u32>,
    #[serde(default, deserialize_with = "lenient::optional_object")]
    delta: Option<Delta>,
    /// The whole message, from a server that does not stream although it was requested.
    #[serde(default, deserialize_with = "lenient::optional_object")]
    message: Option<Delta>,
    #[serde(default, deserialize_with = "finish_reason")]
    finish_reason: Option<FinishReason>,
    #[serde(default)]
    error: Value,
}

impl ReceivedChoice {
    fn is_whole(&self) -> bool {
        self.delta.is_none() && self.message.is_some()
    }

    fn is_error(&self) -> bool {
        let reason = self.finish_reason.as_ref().map(FinishReason::as_str);
        reason.is_some_and(is_finish_error) || says_something(&self.error)
    }
}

impl From<ReceivedChoice> for ChunkChoice {
    fn from(received: ReceivedChoice) -> Self {
        Self {
            index: received.index.unwrap_or_default(),
            delta: received.delta.or(received.message).unwrap_or_default(),
            finish_reason: received.finish_reason,
        }
    }
}

/// The additions to a message as received.
#[derive(Deserialize)]
pub(super) struct ReceivedDelta {
    #[serde(default, deserialize_with = "optional_role")]
    role: Option<Role>,
    #[serde(default)]
    content: DeltaText,
    #[serde(default, deserialize_with = "lenient::text")]
    refusal: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    reasoning_content: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    reasoning: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    tool_calls: Vec<ToolCallDelta>,
}

impl From<ReceivedDelta> for Delta {
    fn from(received: ReceivedDelta) -> Self {
        let DeltaText { content, thinking } = received.content;
        Self {
            role: received.role,
            content,
            refusal: received.refusal,
            reasoning_content: received.reasoning_content.or(thinking),
            reasoning: received.reasoning,
            tool_calls: received.tool_calls,
        }
    }
}
