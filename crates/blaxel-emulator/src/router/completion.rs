//! The completion of a prompt, independent of the dialect. Equal prompts have equal completions.

use serde_json::Value;

use super::call::Call;
use crate::workload::ScriptedReply;

/// The number of characters of a tool's arguments per streamed chunk.
const FRAGMENT: usize = 8;

/// The completion of a prompt, with the token counts. A word counts as one token.
pub(crate) struct Completion {
    /// Empty if tools are called.
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) input_tokens: usize,
    pub(crate) output_tokens: usize,
}

/// A tool call that a model requests.
pub(crate) struct ToolCall {
    /// The id without the dialect's prefix.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// The prompt of a request.
pub(crate) struct Prompt<'a> {
    pub(crate) model: &'a str,
    /// The last message of the user.
    pub(crate) text: String,
    /// All texts of the request, including the last message.
    pub(crate) all: Vec<String>,
    /// Set if the request offers tools.
    pub(crate) tools: bool,
}

impl Completion {
    /// Returns the completion of a prompt: the reply of a script, or else one that depends only on
    /// the model's name and the last message.
    pub(crate) fn for_prompt(call: &Call, prompt: &Prompt<'_>) -> Self {
        let (text, calls) = match &call.scripted_reply {
            Some(ScriptedReply::Text(text)) => (text.clone(), Vec::new()),
            Some(ScriptedReply::Calls(calls)) if prompt.tools => {
                let calls = calls.iter().map(|(name, arguments)| ToolCall {
                    id: format!("{:08}", call.engine.next_number()),
                    name: name.clone(),
                    arguments: arguments.clone(),
                });
                (String::new(), calls.collect())
            }
            _ => (default_reply(prompt.model, prompt.text.trim()), Vec::new()),
        };
        let called = calls.iter().map(|call: &ToolCall| 1 + words(&call.text()));
        Self {
            input_tokens: prompt.all.iter().map(|text| words(text)).sum(),
            output_tokens: words(&text) + called.sum::<usize>(),
            text,
            calls,
        }
    }

    /// Returns the words, each with the space after it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }
}

impl ToolCall {
    /// Returns the arguments as JSON text.
    pub(crate) fn text(&self) -> String {
        self.arguments.to_string()
    }

    /// Returns that text split into fragments.
    pub(crate) fn fragments(&self) -> Vec<String> {
        let text: Vec<char> = self.text().chars().collect();
        text.chunks(FRAGMENT).map(String::from_iter).collect()
    }
}

/// Returns `true` if a request offers tools.
pub(crate) fn has_tools(body: &serde_json::Map<String, Value>) -> bool {
    let tools = body.get("tools").and_then(Value::as_array);
    tools.is_some_and(|tools| !tools.is_empty())
}

fn default_reply(model: &str, prompt: &str) -> String {
    if prompt.is_empty() {
        return format!(
            "Hello! This is {model}, played by the emulator. What would you like to know?"
        );
    }
    format!(
        "You asked: \"{prompt}\". This is {model}, played by the emulator: \
         I say the same to the same prompt, so you can rely on me in a test."
    )
}

/// Returns the text of a content, which is a string or a list of parts of which some have a `text`.
pub(crate) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// Returns the text of a message's `content`.
pub(crate) fn content(message: &Value) -> String {
    message.get("content").map(text).unwrap_or_default()
}

/// Returns the last message of the user.
pub(crate) fn prompt(messages: &[Value]) -> String {
    let from_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let last = messages.iter().rev().find(from_user);
    last.map(content).unwrap_or_default()
}

/// Returns the number of words in a text.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}
