//! The embeddings API of OpenAI, which every model supports.

use axum::Json;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::completion::words;
use super::model::{model, object, require_post};
use super::route::HandlerResult;
use crate::errors::ErrorResponse;

/// The default number of dimensions.
const DIMENSIONS: u64 = 64;
/// Maximum number of dimensions.
const MAX_DIMENSIONS: u64 = 4096;
/// Maximum number of inputs per request.
const MAX_INPUTS: usize = 2048;

/// An input of a request.
struct Input {
    /// The text from which the embedding is computed.
    text: String,
    tokens: usize,
}

/// Embeds texts, or inputs given as token numbers. Equal inputs have equal embeddings, and every
/// embedding has length 1; similarity has no meaning.
pub(crate) fn create(call: &Call) -> HandlerResult {
    require_post(call)?;
    let bad_request = |message: &str| ErrorResponse::model(StatusCode::BAD_REQUEST, message);
    let body = object(call)?;
    let model = model(call, &body)?;
    let inputs = body.get("input").and_then(inputs);
    let inputs = inputs
        .filter(|inputs| (1..=MAX_INPUTS).contains(&inputs.len()))
        .ok_or_else(|| {
            bad_request("input must be a text, an array of 1 to 2048 texts, or tokens as numbers.")
        })?;
    let dimensions = match body.get("dimensions") {
        None | Some(Value::Null) => Some(DIMENSIONS),
        Some(given) => given.as_u64(),
    };
    let dimensions = dimensions
        .filter(|dimensions| (1..=MAX_DIMENSIONS).contains(dimensions))
        .and_then(|dimensions| usize::try_from(dimensions).ok())
        .ok_or_else(|| bad_request("dimensions must be a whole number from 1 to 4096."))?;
    let form: fn(&[f32]) -> Value = match body.get("encoding_format").and_then(Value::as_str) {
        None | Some("float") => |vector| json!(vector),
        Some("base64") => in_base64,
        Some(_) => return Err(bad_request("encoding_format must be float or base64.")),
    };
    let embeddings = inputs.iter().enumerate().map(|(index, input)| {
        let vector = embedding(model, &input.text, dimensions);
        json!({"object": "embedding", "index": index, "embedding": form(&vector)})
    });
    let tokens: usize = inputs.iter().map(|input| input.tokens).sum();
    Ok(Json(json!({
        "object": "list",
        "data": embeddings.collect::<Vec<_>>(),
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }))
    .into_response())
}

/// Returns the inputs, or `None` if their format is unknown.
fn inputs(value: &Value) -> Option<Vec<Input>> {
    match value {
        Value::Array(items) if items.first().is_some_and(Value::is_number) => {
            Some(vec![tokens(items)?])
        }
        Value::Array(items) => items.iter().map(input).collect(),
        one => Some(vec![input(one)?]),
    }
}

fn input(value: &Value) -> Option<Input> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Input {
            text: text.clone(),
            tokens: words(text),
        }),
        Value::Array(items) => tokens(items),
        _ => None,
    }
}

fn tokens(items: &[Value]) -> Option<Input> {
    let numbers = items.iter().map(Value::as_u64);
    let numbers = numbers.collect::<Option<Vec<u64>>>()?;
    (!numbers.is_empty()).then(|| Input {
        text: format!("{numbers:?}"),
        tokens: numbers.len(),
    })
}

/// Returns pseudo-random numbers that form a vector of length 1.
fn embedding(model: &str, text: &str, dimensions: usize) -> Vec<f32> {
    let seed = Sha256::new()
        .chain_update((model.len() as u64).to_be_bytes())
        .chain_update(model)
        .chain_update(text);
    let blocks = (0_u64..).map(|block| seed.clone().chain_update(block.to_be_bytes()).finalize());
    let numbers = blocks.flat_map(|block| {
        let numbers = block.chunks_exact(2).map(|pair| match pair {
            [high, low] => f32::from(i16::from_be_bytes([*high, *low])),
            _ => 0.0,
        });
        numbers.collect::<Vec<_>>()
    });
    // No number is zero, so the length is not zero either.
    let vector: Vec<f32> = numbers.take(dimensions).map(|it| it + 0.5).collect();
    let length = vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    vector.into_iter().map(|it| it / length).collect()
}

fn in_base64(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|it| it.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes).into()
}
