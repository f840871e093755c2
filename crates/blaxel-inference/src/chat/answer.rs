//! What a model answers, whole.

use blaxel_core::open_enum;
use serde::Deserialize;

use super::message::Message;
use super::nothing_for_null;
use super::tool::ToolCall;

/// A model's whole answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatCompletion {
    /// The provider's id of the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// The provider's name of the model that answered.
    #[serde(default)]
    pub model: Option<String>,
    /// The answers; one unless more were asked for.
    #[serde(default, deserialize_with = "nothing_for_null")]
    pub choices: Vec<Choice>,
    /// What the call used.
    #[serde(default)]
    pub usage: Option<Usage>,
}

impl ChatCompletion {
    /// The text of the first answer.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.choices.first()?.message.text()
    }

    /// The tools that the first answer wants to be called.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.choices
            .first()
            .map_or(&[], |choice| &choice.message.tool_calls)
    }
}

/// One answer of a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// Which one it is, from 0.
    #[serde(default)]
    pub index: u32,
    /// What the model said.
    pub message: Message,
    /// Why it stopped.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

open_enum! {
    /// Why a model stopped.
    pub enum FinishReason {
        /// It was done.
        Stop = "stop",
        /// It ran into the limit of tokens.
        Length = "length",
        /// It wants tools to be called.
        ToolCalls = "tool_calls",
        /// The provider held the answer back.
        ContentFilter = "content_filter",
    }
}

/// How many tokens a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// In the question.
    #[serde(deserialize_with = "nothing_for_null")]
    pub prompt_tokens: u64,
    /// In the answer.
    #[serde(deserialize_with = "nothing_for_null")]
    pub completion_tokens: u64,
    /// In both.
    #[serde(deserialize_with = "nothing_for_null")]
    pub total_tokens: u64,
    /// More about those in the question, with some providers.
    pub prompt_tokens_details: Option<PromptTokens>,
    /// More about those in the answer, with some providers.
    pub completion_tokens_details: Option<CompletionTokens>,
}

/// What the tokens of a question were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PromptTokens {
    /// Those that the provider had kept from an earlier call, which cost less.
    pub cached_tokens: Option<u64>,
    /// Those of recordings.
    pub audio_tokens: Option<u64>,
}

/// What the tokens of an answer were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CompletionTokens {
    /// Those that the model thought with and did not say.
    pub reasoning_tokens: Option<u64>,
    /// Those of recordings.
    pub audio_tokens: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn usage_is_read_with_its_details_and_without() {
        let usage: Usage = serde_json::from_value(json!({
            "prompt_tokens": 5, "completion_tokens": null, "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": null},
            "completion_tokens_details": {"reasoning_tokens": 2, "new": 1}, "cost": 0.1,
        }))
        .unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5, 0));
        assert_eq!(usage.prompt_tokens_details.unwrap().cached_tokens, Some(3));
        let thought = usage.completion_tokens_details.unwrap().reasoning_tokens;
        assert_eq!(thought, Some(2));
        let none: Usage = serde_json::from_value(json!({})).unwrap();
        assert_eq!(none, Usage::default());
    }
}
