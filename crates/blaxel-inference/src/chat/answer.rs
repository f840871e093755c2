//! The whole answer of a model.

use std::collections::BTreeSet;

use blaxel_core::__private::lenient;
use blaxel_core::{Error, open_enum};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::message::Message;
use super::tool::ToolCall;
use crate::report::{is_finish_error, says_something};

/// The whole answer of a model.
///
/// Of an answer, the choices and their indices are read strictly: a document without `choices`, with choices that
/// cannot be told apart, or with an error in it does not deserialize. Other members may be missing or odd.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Received")]
#[non_exhaustive]
pub struct ChatCompletion {
    /// The provider's id of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The provider's name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The alternative answers, in order of their index. There is one unless more were requested.
    pub choices: Vec<Choice>,
    /// The numbers of tokens used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ChatCompletion {
    /// Returns the completion unless it has no choice, and so no answer.
    pub(crate) fn answered(self) -> Result<Self, Error> {
        if self.choices.is_empty() {
            return Err(Error::decode(
                "the response has no answer: `choices` is empty",
            ));
        }
        Ok(self)
    }

    /// Returns the choice with index 0, which is the only one unless more were requested.
    fn first(&self) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.index == 0)
    }

    /// Returns the text of the choice with index 0. Other choices are in [`choices`](Self::choices).
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.first()?.message.text()
    }

    /// Returns the tool calls that the choice with index 0 requests.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.first()
            .map_or(&[], |choice| &choice.message.tool_calls)
    }
}

/// A completion as received.
#[derive(Deserialize)]
struct Received {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    model: Option<String>,
    choices: Option<Choices>,
    #[serde(default, deserialize_with = "lenient::optional_object")]
    usage: Option<Usage>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Choices(#[serde(deserialize_with = "lenient::list")] Vec<Choice>);

impl TryFrom<Received> for ChatCompletion {
    type Error = &'static str;

    fn try_from(received: Received) -> Result<Self, Self::Error> {
        let Received {
            id,
            model,
            choices,
            usage,
            other,
        } = received;
        let Choices(mut choices) = choices.ok_or("missing field `choices`")?;
        if !are_distinct(choices.iter().map(|choice| choice.index)) {
            return Err(SAME_INDEX);
        }
        choices.sort_by_key(|choice| choice.index);
        let mut others = choices.iter().map(|choice| &choice.other);
        if is_error(&other) || others.any(is_error) {
            return Err("the response contains an error");
        }
        let mut reasons = choices.iter().flat_map(|choice| &choice.finish_reason);
        if reasons.any(|reason| is_finish_error(reason.as_str())) {
            return Err("the answer was cut off by an error");
        }
        Ok(Self {
            id,
            model,
            choices,
            usage,
            other,
        })
    }
}

/// The problem of choices that cannot be told apart.
pub(super) const SAME_INDEX: &str = "several choices have the same index, or none";

/// Returns `true` if no index occurs twice. Nearly all chunks have one choice, which needs no set.
pub(super) fn are_distinct(indices: impl ExactSizeIterator<Item = u32>) -> bool {
    if indices.len() < 2 {
        return true;
    }
    let mut seen = BTreeSet::new();
    indices.into_iter().all(|index| seen.insert(index))
}

fn is_error(members: &Map<String, Value>) -> bool {
    members.get("error").is_some_and(says_something)
}

/// One of the alternative answers of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// The index, from 0. A choice without one has 0.
    #[serde(default, deserialize_with = "index_or_zero")]
    pub index: u32,
    /// The message of the model.
    #[serde(default = "Message::of_model", deserialize_with = "message_of_model")]
    pub message: Message,
    /// The reason why the model stopped.
    #[serde(default, deserialize_with = "finish_reason")]
    pub finish_reason: Option<FinishReason>,
    /// All other members, such as `logprobs`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn index_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    lenient::index(deserializer).map(Option::unwrap_or_default)
}

fn message_of_model<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Message, D::Error> {
    let message: Option<Message> = lenient::optional_object(deserializer)?;
    Ok(message.unwrap_or_else(Message::of_model))
}

/// Deserializes a reason. Some providers send an empty text where others send null.
pub(super) fn finish_reason<'de, D>(deserializer: D) -> Result<Option<FinishReason>, D::Error>
where
    D: Deserializer<'de>,
{
    let reason = lenient::text(deserializer)?;
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    Ok(reason.map(FinishReason::from))
}

open_enum! {
    /// The reason why a model stopped.
    pub enum FinishReason {
        /// The answer is complete.
        Stop = "stop",
        /// The limit of tokens was reached.
        Length = "length",
        /// The model requests tool calls.
        ToolCalls = "tool_calls",
        /// The provider filtered the answer.
        ContentFilter = "content_filter",
    }
}

/// The numbers of tokens that a call used. A number that is missing or no number is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens in the prompt.
    #[serde(deserialize_with = "lenient::count")]
    pub prompt_tokens: u64,
    /// Tokens in the answer.
    #[serde(deserialize_with = "lenient::count")]
    pub completion_tokens: u64,
    /// Tokens in both.
    #[serde(deserialize_with = "lenient::count")]
    pub total_tokens: u64,
    /// A breakdown of the tokens in the prompt, from some providers.
    #[serde(
        deserialize_with = "lenient::optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub prompt_tokens_details: Option<PromptTokens>,
    /// A breakdown of the tokens in the answer, from some providers.
    #[serde(
        deserialize_with = "lenient::optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub completion_tokens_details: Option<CompletionTokens>,
}

/// A breakdown of the tokens in a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PromptTokens {
    /// Tokens in the provider's cache, which cost less.
    #[serde(
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub cached_tokens: Option<u64>,
    /// Tokens of audio.
    #[serde(
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub audio_tokens: Option<u64>,
}

/// A breakdown of the tokens in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CompletionTokens {
    /// Tokens of reasoning, which are not part of the text.
    #[serde(
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub reasoning_tokens: Option<u64>,
    /// Tokens of audio.
    #[serde(
        deserialize_with = "lenient::number",
        skip_serializing_if = "Option::is_none"
    )]
    pub audio_tokens: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn usage_is_read_with_and_without_details() {
        let usage: Usage = serde_json::from_value(json!({
            "prompt_tokens": 5, "completion_tokens": null, "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": null},
            "completion_tokens_details": {"reasoning_tokens": 2, "new": 1}, "cost": 0.1,
        }))
        .unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5, 0));
        assert_eq!(usage.prompt_tokens_details.unwrap().cached_tokens, Some(3));
        let reasoning = usage.completion_tokens_details.unwrap().reasoning_tokens;
        assert_eq!(reasoning, Some(2));
        let none: Usage = serde_json::from_value(json!({})).unwrap();
        assert_eq!(none, Usage::default());
    }
}
