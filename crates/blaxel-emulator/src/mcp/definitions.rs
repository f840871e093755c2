//! The tools, resources and prompts of an MCP server. Most are the same for all functions; the
//! others contain the function's name.

use rmcp::ErrorData;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The number of items per page, small enough that every list has several pages.
const PAGE: usize = 3;
/// The number of notes of a function.
pub(super) const NOTES: usize = 7;

pub(super) fn tools(function: &str) -> Value {
    let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let text = json!({"type": "string"});
    let number = json!({"type": "number"});
    let note = json!({"type": "integer", "minimum": 1, "maximum": NOTES});
    let reads = json!({"readOnlyHint": true});
    json!([
        {
            "name": "echo",
            "description": "Says what it heard.",
            "inputSchema": object(json!({"text": text}), json!(["text"])),
            "annotations": reads,
        },
        {
            "name": "add",
            "description": "Adds two numbers.",
            "inputSchema": object(json!({"a": number, "b": number}), json!(["a", "b"])),
            "outputSchema": object(json!({"sum": number}), json!(["sum"])),
            "annotations": reads,
        },
        {
            "name": "count",
            "description": "Counts up to a number, tells at each step how far it has come, and rests \
                            between the steps.",
            "inputSchema": object(
                json!({"to": {"type": "integer", "minimum": 0}, "pauseMs": {"type": "integer", "minimum": 0}}),
                json!(["to"]),
            ),
            "annotations": reads,
        },
        {
            "name": "fail",
            "description": "Fails for the reason given.",
            "inputSchema": object(json!({"reason": text}), json!(["reason"])),
            "annotations": reads,
        },
        {
            "name": "show_note",
            "description": "Shows a note, the way to it, and a picture.",
            "inputSchema": object(json!({"number": note}), json!(["number"])),
            "annotations": reads,
        },
        {
            "name": "announce",
            "description": "Tells whoever listens that the list of tools has changed.",
            "inputSchema": object(json!({}), json!([])),
        },
        {
            "name": format!("about_{}", function.replace('-', "_")),
            "description": format!("Tells about the function {function}."),
            "inputSchema": object(json!({}), json!([])),
            "annotations": reads,
        },
    ])
}

/// Returns the URI of a note.
pub(super) fn note_uri(function: &str, number: usize) -> String {
    format!("emulator://{function}/notes/{number}")
}

pub(super) fn resources(function: &str) -> Value {
    let note = |number| {
        json!({
            "uri": note_uri(function, number),
            "name": format!("note-{number}"),
            "title": format!("Note {number} of {function}"),
            "mimeType": if number % 2 == 0 { "application/octet-stream" } else { "text/plain" },
        })
    };
    (1..=NOTES).map(note).collect()
}

pub(super) fn resource_templates(function: &str) -> Value {
    json!([{
        "uriTemplate": format!("emulator://{function}/notes/{{number}}"),
        "name": "note",
        "description": "A note by its number.",
    }])
}

pub(super) fn prompts(function: &str) -> Value {
    let argument = |name: &str, required: bool| json!({"name": name, "required": required});
    json!([
        {
            "name": "summarize",
            "description": "Asks for a summary of a text.",
            "arguments": [argument("text", true)],
        },
        {
            "name": "translate",
            "description": "Asks for a translation.",
            "arguments": [argument("text", true), argument("language", false)],
        },
        {"name": "review_note", "description": "Asks for a review of the first note."},
        {
            "name": format!("introduce_{}", function.replace('-', "_")),
            "description": format!("Asks what {function} is good for."),
        },
    ])
}

/// Returns a page of a list, and the cursor of the next one if there is one.
pub(super) fn page<T: DeserializeOwned>(
    all: Value,
    cursor: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let mut all: Vec<T> = serde_json::from_value(all)
        .map_err(|problem| ErrorData::internal_error(problem.to_string(), None))?;
    let first = match cursor {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix("after-")
            .and_then(|number| number.parse().ok())
            .filter(|first| (1..all.len()).contains(first))
            .ok_or_else(|| ErrorData::invalid_params("The cursor is not valid", None))?,
    };
    let mut rest = all.split_off(first);
    let more = rest.len() > PAGE;
    rest.truncate(PAGE);
    Ok((rest, more.then(|| format!("after-{}", first + PAGE))))
}
