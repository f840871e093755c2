//! Chat completions in the manner of OpenAI, which the gateway offers for the models behind it.

use blaxel_core::open_enum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

open_enum! {
    /// Who says a message.
    pub enum Role {
        /// The instructions that the conversation is under.
        System = "system",
        /// The person.
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
    /// Who says it.
    pub role: Role,
    /// What is said: a text, or a list of parts as the provider has them. Null beside tool calls.
    #[serde(default)]
    pub content: Value,
    /// Every other member, tool calls for instance.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Message {
    /// A text said by somebody.
    #[must_use]
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            content: Value::String(text.into()),
            other: Map::new(),
        }
    }

    /// Instructions.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    /// What the person says.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// What the model said.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// The text, if the content is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.content.as_str()
    }
}

/// What to ask a model.
///
/// ```
/// use blaxel_inference::{ChatRequest, Message};
///
/// let request = ChatRequest::new([Message::user("Why is the sky blue?")])
///     .temperature(0.2)
///     .max_tokens(200)
///     .with("seed", 7);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct ChatRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl ChatRequest {
    /// A conversation, to which the model is to say the next message.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The name that the model has for whoever answers. Unless it is set, the model's name at Blaxel
    /// is sent, as models of generation `mk3` want it; those of `mk2` want the provider's name, which
    /// stands in `spec.runtime.model`.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// Adds a message.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// How freely the model chooses its words, from 0 to 2 with most providers.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// At most so many tokens of answer.
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Any other parameter that the provider understands.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.other.insert(name.into(), value.into());
        self
    }
}

/// A model's whole answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatCompletion {
    /// The provider's id of the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// The provider's name of the model that answered.
    #[serde(default)]
    pub model: Option<String>,
    /// The answers; one unless more were asked for.
    #[serde(default)]
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
    pub prompt_tokens: u64,
    /// In the answer.
    pub completion_tokens: u64,
    /// In both.
    pub total_tokens: u64,
}

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
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// What the call used, in one of the last pieces.
    #[serde(default)]
    pub usage: Option<Usage>,
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
}

/// What is new in one answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Which answer it is, from 0.
    #[serde(default)]
    pub index: u32,
    /// What is new in it.
    #[serde(default)]
    pub delta: Delta,
    /// Why the model stopped, in the last piece of the answer.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What is new in an answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Delta {
    /// Who says it, in the first piece.
    pub role: Option<Role>,
    /// The text that is to be put behind what came before.
    pub content: Option<String>,
    /// Every other member, tool calls for instance.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
