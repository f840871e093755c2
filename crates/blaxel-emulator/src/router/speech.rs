//! What models say, whichever dialect they say it in: the same answer to the same question.

use serde_json::Value;

use super::call::Call;
use crate::workload::Said;

/// How many characters of a tool's arguments come at once in a stream.
const FRAGMENT: usize = 8;

/// An answer, and how much was heard and said. A word counts as a token.
pub(crate) struct Speech {
    /// Empty if tools are called.
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) heard: usize,
    pub(crate) said: usize,
}

/// A tool that a model wants to be called.
pub(crate) struct ToolCall {
    /// What tells it from all others, without the prefix that dialects put before it.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What was asked of a model.
pub(crate) struct Question<'a> {
    pub(crate) model: &'a str,
    /// What the user said last.
    pub(crate) text: String,
    /// All that was sent, the question included.
    pub(crate) all: Vec<String>,
    /// Whether there are tools that may be called.
    pub(crate) tools: bool,
}

impl Speech {
    /// The answer to a question: what a script lets the model say, or else what depends on the model's
    /// name and the question alone.
    pub(crate) fn on(call: &Call, question: &Question<'_>) -> Self {
        let (text, calls) = match &call.said {
            Some(Said::Text(text)) => (text.clone(), Vec::new()),
            Some(Said::Calls(calls)) if question.tools => {
                let calls = calls.iter().map(|(name, arguments)| ToolCall {
                    id: format!("{:08}", call.engine.next_number()),
                    name: name.clone(),
                    arguments: arguments.clone(),
                });
                (String::new(), calls.collect())
            }
            _ => (answer(question.model, question.text.trim()), Vec::new()),
        };
        let called = calls.iter().map(|call: &ToolCall| 1 + words(&call.text()));
        Self {
            heard: question.all.iter().map(|text| words(text)).sum(),
            said: words(&text) + called.sum::<usize>(),
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

    /// That text in pieces.
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

fn answer(model: &str, question: &str) -> String {
    if question.is_empty() {
        return format!(
            "Hello! This is {model}, played by the emulator. What would you like to know?"
        );
    }
    format!(
        "You asked: \"{question}\". This is {model}, played by the emulator: \
         I say the same to the same question, so you can rely on me in a test."
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
pub(crate) fn question(messages: &[Value]) -> String {
    let from_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let last = messages.iter().rev().find(from_user);
    last.map(content).unwrap_or_default()
}

/// How many words a text has.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}
