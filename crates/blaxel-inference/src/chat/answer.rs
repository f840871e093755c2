//! The whole answer of a model.

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::message::Message;
use super::null_as_default;
use super::tool::ToolCall;

/// The whole answer of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatCompletion {
    /// The provider's id of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The provider's name of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The alternative answers. There is one unless more were requested.
    #[serde(default, deserialize_with = "null_as_default")]
    pub choices: Vec<Choice>,
    /// The numbers of tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ChatCompletion {
    /// Returns the text of the first choice.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.choices.first()?.message.text()
    }

    /// Returns the tool calls that the first choice requests.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.choices
            .first()
            .map_or(&[], |choice| &choice.message.tool_calls)
    }
}

/// One of the alternative answers of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// The index, from 0.
    #[serde(default)]
    pub index: u32,
    /// The message of the model.
    pub message: Message,
    /// The reason why the model stopped.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// All other members, such as `logprobs`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
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

/// The numbers of tokens that a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens in the prompt.
    #[serde(deserialize_with = "null_as_default")]
    pub prompt_tokens: u64,
    /// Tokens in the answer.
    #[serde(deserialize_with = "null_as_default")]
    pub completion_tokens: u64,
    /// Tokens in both.
    #[serde(deserialize_with = "null_as_default")]
    pub total_tokens: u64,
    /// A breakdown of the tokens in the prompt, from some providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokens>,
    /// A breakdown of the tokens in the answer, from some providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokens>,
}

/// A breakdown of the tokens in a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PromptTokens {
    /// Tokens in the provider's cache, which cost less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Tokens of audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_tokens: Option<u64>,
}

/// A breakdown of the tokens in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CompletionTokens {
    /// Tokens of reasoning, which are not part of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// Tokens of audio.
    #[serde(skip_serializing_if = "Option::is_none")]
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
