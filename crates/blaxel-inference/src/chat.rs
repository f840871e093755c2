//! Chat completions of the OpenAI API, which the gateway provides for the models behind it.

mod answer;
mod assembler;
mod chunk;
mod message;
mod request;
mod stream;
mod tool;

use serde::{Deserialize, Deserializer};

pub use self::answer::{
    ChatCompletion, Choice, CompletionTokens, FinishReason, PromptTokens, Usage,
};
pub use self::assembler::ChatAssembler;
pub use self::chunk::{ChatChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use self::message::{Content, ImageUrl, InputAudio, Message, Part, Role};
pub(crate) use self::request::RequestBody;
pub use self::request::{ChatRequest, ResponseFormat, ToolChoice};
pub use self::stream::ChatStream;
pub use self::tool::{FunctionCall, Tool, ToolCall};

/// Deserializes null as the default value: some providers send null where others omit the member.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
