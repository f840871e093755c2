//! Chat completions of the OpenAI API, which the gateway provides for the models behind it.

mod answer;
mod assembler;
mod chunk;
mod message;
mod request;
mod stream;
mod tool;

pub use self::answer::{
    ChatCompletion, Choice, CompletionTokens, FinishReason, PromptTokens, Usage,
};
pub use self::assembler::ChatAssembler;
pub use self::chunk::{ChatChunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub use self::message::{Content, ImageUrl, InputAudio, Message, Part, Parts, Role};
pub(crate) use self::request::RequestBody;
pub use self::request::{ChatRequest, ResponseFormat, ToolChoice};
pub use self::stream::ChatStream;
pub use self::tool::{FunctionCall, Tool, ToolCall};
