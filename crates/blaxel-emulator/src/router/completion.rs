//! What models say, whichever dialect they say it in: the same answer to the same prompt.

use serde_json::Value;

use super::call::Call;
use crate::workload::ScriptedReply;

/// How many characters of a tool's arguments come at once in a stream.
const FRAGMENT: usize = 8;

/// An answer, and how much was input_tokens and said. A word counts as a token.
pub(crate) struct Completion {
    /// Empty if tools are called.
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) input_tokens: usize,
    pub(crate) output_tokens: usize,
}

/// A tool that a model wants to be called.
pub(crate) struct ToolCall {
    /// What tells it from all others, without the prefix that dialects put before it.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What was asked of a model.
pub(crate) struct Prompt<'a> {
    pub(crate) model: &'a str,
    /// What the user said last.
    pub(crate) text: String,
    /// All that was sent, the prompt included.
    pub(crate) all: Vec<String>,
    /// Whether there are tools that may be called.
    pub(crate) tools: bool,
}

impl Completion {
    /// The answer to a prompt: what a script lets the model say, or else what depends on the model's
    /// name and the prompt alone.
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

    /// The words, each with the space behind it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }
}

impl ToolCall {
    /// The arguments as JSON in a text.
    pub(crate) fn text(&self) -> String {
        self.arguments.to_string()
    }

    /// That text in chunks.
    pub(crate) fn fragments(&self) -> Vec<String> {
        let text: Vec<char> = self.text().chars().collect();
        text.chunks(FRAGMENT).map(String::from_iter).collect()
    }
}

/// Whether a request offers tools.
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

/// The text of what was sent: a text, or a list of parts of which some have a `text`.
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

/// The text of a message, whose `content` it is.
pub(crate) fn content(message: &Value) -> String {
    message.get("content").map(text).unwrap_or_default()
}

/// What the user said last.
pub(crate) fn prompt(messages: &[Value]) -> String {
    let from_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let last = messages.iter().rev().find(from_user);
    last.map(content).unwrap_or_default()
}

/// How many words a text has.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}
