//! What models say, whichever dialect they say it in: the same answer to the same question.

use serde_json::Value;

/// An answer, and how much was heard and said. A word counts as a token.
pub(crate) struct Speech {
    pub(crate) text: String,
    pub(crate) heard: usize,
    pub(crate) said: usize,
}

impl Speech {
    /// The answer to a question, which depends on the model's name and the question alone; `texts`
    /// are all that was sent, the question included.
    pub(crate) fn on(model: &str, question: &str, texts: impl IntoIterator<Item = String>) -> Self {
        let text = answer(model, question.trim());
        Self {
            heard: texts.into_iter().map(|text| words(&text)).sum(),
            said: words(&text),
            text,
        }
    }
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

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}
