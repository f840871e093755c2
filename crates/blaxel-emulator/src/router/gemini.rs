//! Generated content, the dialect of Gemini. It comes whole only.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::speech::{Speech, text};
use super::{Call, Outcome};
use crate::errors::Refusal;

/// The model in the path of a request to generate content, `v1beta/models/{model}:generateContent`.
pub(crate) fn model(path: &str) -> Option<&str> {
    let model = path
        .strip_prefix("v1beta/models/")?
        .strip_suffix(":generateContent")?;
    (!model.is_empty() && !model.contains('/')).then_some(model)
}

pub(crate) fn generate(call: &Call, model: &str) -> Outcome {
    let Some(Value::Object(body)) = call.json() else {
        return Err(Refusal::gemini("The body must be a JSON object."));
    };
    let contents = body.get("contents").and_then(Value::as_array);
    let contents = contents
        .filter(|contents| !contents.is_empty())
        .ok_or_else(|| Refusal::gemini("contents is not specified"))?;
    let parts = |content: &Value| content.get("parts").map(text).unwrap_or_default();
    // Who does not say who speaks is the user.
    let from_user = |content: &&Value| content.get("role").is_none_or(|role| role == "user");
    let question = contents.iter().rev().find(from_user).map(parts);
    let system = body
        .get("systemInstruction")
        .or_else(|| body.get("system_instruction"));
    let speech = Speech::on(
        model,
        &question.unwrap_or_default(),
        system.into_iter().chain(contents).map(parts),
    );
    Ok(Json(json!({
        "candidates": [{
            "index": 0,
            "content": {"role": "model", "parts": [{"text": speech.text}]},
            "finishReason": "STOP",
        }],
        "usageMetadata": {
            "promptTokenCount": speech.heard,
            "candidatesTokenCount": speech.said,
            "totalTokenCount": speech.heard + speech.said,
        },
        "modelVersion": model,
        "responseId": format!("emu-{:08}", call.engine.next_number()),
    }))
    .into_response())
}
