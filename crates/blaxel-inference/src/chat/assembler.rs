//! Assembling a whole answer from its chunks.

mod calls;

use blaxel_core::Error;
use serde_json::{Map, Value};

use self::calls::Calls;
use super::answer::{ChatCompletion, Choice};
use super::chunk::{ChatChunk, ChunkChoice, Delta};
use super::message::{Content, Message};

/// Assembles the chunks of a streamed answer, including tool calls.
///
/// ```no_run
/// # use blaxel_core::Error;
/// # async fn example(mut stream: blaxel_inference::ChatStream) -> Result<(), Error> {
/// use blaxel_inference::ChatAssembler;
///
/// let mut assembler = ChatAssembler::new();
/// while let Some(chunk) = stream.try_next().await? {
///     print!("{}", chunk.text());
///     assembler.add(&chunk)?;
/// }
/// let answer = assembler.finish();
/// # Ok(())
/// # }
/// ```
///
/// If the chunks themselves are not needed, use
/// [`ChatStream::into_completion`](crate::ChatStream::into_completion).
#[derive(Clone, Debug, Default)]
pub struct ChatAssembler {
    /// The answer without its choices.
    answer: ChatCompletion,
    choices: Vec<PartialChoice>,
    size: usize,
}

/// A choice, whose tool calls are still separate.
#[derive(Clone, Debug)]
struct PartialChoice {
    choice: Choice,
    calls: Calls,
}

impl ChatAssembler {
    /// Creates an assembler without chunks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the size of the answer so far in bytes: content, reasoning and arguments of tool calls.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Adds the next chunk.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the chunk has arguments of a tool call, but does not say of which. These arguments are
    /// not part of the answer.
    pub fn add(&mut self, chunk: &ChatChunk) -> Result<(), Error> {
        keep_first(&mut self.answer.id, &chunk.id);
        keep_first(&mut self.answer.model, &chunk.model);
        self.answer.usage = chunk.usage.or(self.answer.usage);
        chunk
            .choices
            .iter()
            .try_for_each(|choice| self.add_choice(choice))
    }

    /// Returns the answer so far, with its choices in order of their index.
    #[must_use]
    pub fn finish(self) -> ChatCompletion {
        let mut answer = self.answer;
        let whole = self.choices.into_iter().map(PartialChoice::finish);
        answer.choices.extend(whole);
        answer.choices.sort_by_key(|choice| choice.index);
        answer
    }

    fn add_choice(&mut self, chunk: &ChunkChoice) -> Result<(), Error> {
        let choices = &mut self.choices;
        // Searched for rather than used to index: the server chooses the index.
        let existing = choices.iter().position(|it| it.choice.index == chunk.index);
        let position = existing.unwrap_or_else(|| {
            choices.push(PartialChoice::new(chunk.index));
            choices.len() - 1
        });
        let Some(PartialChoice { choice, calls }) = choices.get_mut(position) else {
            return Ok(());
        };
        if chunk.finish_reason.is_some() {
            choice.finish_reason.clone_from(&chunk.finish_reason);
        }
        self.size += add_delta(&mut choice.message, &chunk.delta);
        for call in &chunk.delta.tool_calls {
            self.size += calls.add(call)?;
        }
        Ok(())
    }
}

impl PartialChoice {
    fn new(index: u32) -> Self {
        Self {
            choice: Choice {
                index,
                message: Message::of_model(),
                finish_reason: None,
                other: Map::new(),
            },
            calls: Calls::default(),
        }
    }

    fn finish(self) -> Choice {
        let mut choice = self.choice;
        choice.message.tool_calls = self.calls.into_calls();
        choice
    }
}

fn keep_first(kept: &mut Option<String>, new: &Option<String>) {
    if kept.is_none() {
        kept.clone_from(new);
    }
}

/// Adds everything but tool calls. Returns the length of the added text.
fn add_delta(message: &mut Message, delta: &Delta) -> usize {
    if let Some(role) = &delta.role {
        message.role = role.clone();
    }
    let mut added = 0;
    if let Some(text) = &delta.content {
        added += text.len();
        match &mut message.content {
            Some(Content::Text(before)) => before.push_str(text),
            other => *other = Some(Content::Text(text.clone())),
        }
    }
    for (member, text) in [
        ("refusal", &delta.refusal),
        ("reasoning_content", &delta.reasoning_content),
        ("reasoning", &delta.reasoning),
    ] {
        if let Some(text) = text {
            added += text.len();
            append(&mut message.other, member, text);
        }
    }
    added
}

fn append(members: &mut Map<String, Value>, member: &str, text: &str) {
    match members.get_mut(member) {
        Some(Value::String(before)) => before.push_str(text),
        _ => {
            members.insert(member.to_owned(), text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::FinishReason;
    use serde_json::json;

    fn assemble(chunks: &[Value]) -> ChatCompletion {
        let mut assembler = ChatAssembler::new();
        for chunk in chunks {
            let chunk = serde_json::from_value(chunk.clone()).unwrap();
            assembler.add(&chunk).unwrap();
        }
        assembler.finish()
    }

    fn delta(delta: Value) -> Value {
        json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta}]})
    }

    #[test]
    fn text_and_usage_are_assembled() {
        let answer = assemble(&[
            delta(json!({"role": "assistant", "content": ""})),
            delta(json!({"content": "Hel", "reasoning_content": "a"})),
            delta(json!({"content": "lo", "reasoning_content": "b"})),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            json!({"choices": [], "usage": {"total_tokens": 7}}),
        ]);
        assert_eq!(
            (answer.text(), answer.id.as_deref()),
            (Some("Hello"), Some("c"))
        );
        assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop));
        assert_eq!(answer.choices[0].message.other["reasoning_content"], "ab");
        assert_eq!(answer.usage.unwrap().total_tokens, 7);
    }

    #[test]
    fn interleaved_tool_calls_are_assembled_separately() {
        let call = |index: u32, id: Value, name: Value, arguments: &str| {
            json!({"index": index, "id": id, "type": "function",
                "function": {"name": name, "arguments": arguments}})
        };
        let answer = assemble(&[
            delta(json!({"role": "assistant", "content": null,
                "tool_calls": [call(0, json!("a"), json!("f"), "")]})),
            delta(json!({"tool_calls": [call(1, json!("b"), json!("g"), "{\"y\"")]})),
            delta(json!({"tool_calls": [
                {"index": 0, "function": {"arguments": "{\"x\""}},
                call(1, Value::Null, Value::Null, ":2}")]})),
            delta(
                json!({"tool_calls": [{"index": 0, "id": "", "function": {"arguments": ":1}"}}]}),
            ),
        ]);
        let calls = answer.tool_calls();
        let seen: Vec<_> = calls
            .iter()
            .map(|call| {
                (
                    call.id.as_str(),
                    call.function.name.as_str(),
                    call.arguments::<Value>().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [("a", "f", json!({"x": 1})), ("b", "g", json!({"y": 2}))]
        );
        assert_eq!(answer.text(), None);
        // The message as it is sent back to the provider.
        let sent = serde_json::to_value(&answer.choices[0].message).unwrap();
        assert_eq!(
            sent["tool_calls"][0],
            json!({"id": "a", "type": "function",
            "function": {"name": "f", "arguments": "{\"x\":1}"}})
        );
    }

    #[test]
    fn whole_calls_of_one_index_are_distinguished_by_their_ids() {
        let call = |id: &str| {
            json!({"index": 0, "id": id, "function": {"name": id, "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": id}}})
        };
        let answer = assemble(&[
            delta(json!({"tool_calls": [call("a"), call("b")]})),
            delta(json!({"tool_calls": [call("c")]})),
        ]);
        let ids: Vec<_> = answer
            .tool_calls()
            .iter()
            .map(|call| call.id.as_str())
            .collect();
        assert_eq!(ids, ["a", "b", "c"]);
        let signature = &answer.tool_calls()[1].other["extra_content"]["google"];
        assert_eq!(signature["thought_signature"], "b");
    }

    /// The server chooses the index, so it must not be used to reserve memory.
    #[test]
    fn large_indices_reserve_no_memory_and_choices_are_sorted() {
        let chunk = |index: u32| json!({"choices": [{"index": index, "delta": {"content": "x"}}]});
        let answer = assemble(&[chunk(u32::MAX), chunk(0), chunk(7)]);
        let indices: Vec<_> = answer.choices.iter().map(|choice| choice.index).collect();
        assert_eq!(indices, [0, 7, u32::MAX]);
    }
}
