//! Readers of members beside the meaning of an answer, which supplement those of `blaxel_core`.

use blaxel_core::__private::lenient::text;
use blaxel_core::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Deserializes a number, or a text with one. Anything else is `None`.
pub(crate) fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite()))
}

/// Deserializes a boolean. Anything else is `None`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_bool())
}

/// Deserializes a time, as any text. Anything else, and an empty text, is `None`.
pub(crate) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = text(deserializer)?.filter(|text| !text.is_empty());
    Ok(text.map(Timestamp::from))
}

/// Deserializes a list of texts. Elements that are not texts are skipped, and anything else is an empty list.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let Value::Array(elements) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    let text = |element| match element {
        Value::String(text) => Some(text),
        _ => None,
    };
    Ok(elements.into_iter().filter_map(text).collect())
}
