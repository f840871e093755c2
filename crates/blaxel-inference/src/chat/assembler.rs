//! Assembling a whole answer from its chunks.

use serde_json::{Map, Value};

use super::answer::{ChatCompletion, Choice};
use super::chunk::{ChatChunk, ChunkChoice, Delta, ToolCallDelta};
use super::message::{Content, Message, Role};
use super::tool::ToolCall;

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
///     assembler.add(&chunk);
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
    answer: ChatCompletion,
    /// The indices that chunks use for the tool calls of each choice.
    calls: Vec<Vec<u32>>,
    size: usize,
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
    pub fn add(&mut self, chunk: &ChatChunk) {
        keep_first(&mut self.answer.id, &chunk.id);
        keep_first(&mut self.answer.model, &chunk.model);
        self.answer.usage = chunk.usage.or(self.answer.usage);
        for choice in &chunk.choices {
            self.add_choice(choice);
        }
    }

    /// Returns the answer so far, with its choices in order of their index.
    #[must_use]
    pub fn finish(mut self) -> ChatCompletion {
        self.answer.choices.sort_by_key(|choice| choice.index);
        self.answer
    }

    fn add_choice(&mut self, chunk: &ChunkChoice) {
        let choices = &mut self.answer.choices;
        // Searched for rather than used to index: the server chooses the index.
        let existing = choices
            .iter()
            .position(|choice| choice.index == chunk.index);
        let position = existing.unwrap_or_else(|| {
            choices.push(Choice {
                index: chunk.index,
                message: Message::empty(Role::Assistant),
                finish_reason: None,
                other: Map::new(),
            });
            self.calls.push(Vec::new());
            choices.len() - 1
        });
        let (Some(choice), Some(calls)) = (choices.get_mut(position), self.calls.get_mut(position))
        else {
            return;
        };
        if chunk.finish_reason.is_some() {
            choice.finish_reason.clone_from(&chunk.finish_reason);
        }
        self.size += add_delta(&mut choice.message, &chunk.delta);
        for call in &chunk.delta.tool_calls {
            self.size += add_call(&mut choice.message.tool_calls, calls, call);
        }
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

/// Adds a delta to its tool call. Returns the length of the added arguments.
fn add_call(calls: &mut Vec<ToolCall>, indices: &mut Vec<u32>, delta: &ToolCallDelta) -> usize {
    let id = delta.id.as_deref().unwrap_or_default();
    // Searched from the end: some providers give all calls one index and distinguish them by id only.
    let existing = indices.iter().rposition(|index| *index == delta.index);
    let existing = existing.filter(|position| {
        let own_id = calls.get(*position).map_or("", |call| call.id.as_str());
        id.is_empty() || own_id.is_empty() || own_id == id
    });
    let position = existing.unwrap_or_else(|| {
        calls.push(ToolCall::new(String::new()));
        indices.push(delta.index);
        calls.len() - 1
    });
    let Some(call) = calls.get_mut(position) else {
        return 0;
    };
    if call.id.is_empty() {
        id.clone_into(&mut call.id);
    }
    if let Some(name) = delta
        .function
        .name
        .as_deref()
        .filter(|name| !name.is_empty())
    {
        // Most providers send the name once, some with each chunk, and none in parts.
        name.clone_into(&mut call.function.name);
    }
    for (member, value) in &delta.other {
        call.other.insert(member.clone(), value.clone());
    }
    let arguments = delta.function.arguments.as_deref().unwrap_or_default();
    call.function.arguments.push_str(arguments);
    arguments.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::FinishReason;
    use serde_json::json;

    fn assemble(chunks: &[Value]) -> ChatCompletion {
        let mut assembler = ChatAssembler::new();
        for chunk in chunks {
            assembler.add(&serde_json::from_value(chunk.clone()).unwrap());
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
