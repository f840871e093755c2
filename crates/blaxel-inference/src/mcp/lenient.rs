//! Decoding that does not fail because of a member beside the one that matters.
//!
//! Servers in use send null for absent members, numbers as text and text as numbers, and one item in place of a
//! list. The answer of a tool is often paid for, so it is not lost for such a member. Strict are only the members
//! without which an item has no meaning, such as the name of a tool: they are read by [`key`].

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

/// Reads the text by which an item is identified. A number counts as text; an empty text is refused.
pub(super) fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = to_text(Value::deserialize(deserializer)?);
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| D::Error::custom("expected a text that is not empty"))
}

/// Reads the text of a content. Null is an empty text, a number counts as text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        other => to_text(other).ok_or_else(|| D::Error::custom("expected a text")),
    }
}

/// Reads a text that may be absent. A value that is not a text counts as absent.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Value::deserialize(deserializer).map(to_text)
}

/// Reads a text that is empty if it is absent. A value that is not a text counts as absent.
pub(super) fn text_or_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    optional_text(deserializer).map(Option::unwrap_or_default)
}

/// Reads a boolean that may be absent. The texts `true` and `false`, and the numbers 1 and 0, count as well.
pub(super) fn optional_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Some(flag),
        other => match to_text(other).as_deref().map(str::trim) {
            Some("true" | "True" | "1") => Some(true),
            Some("false" | "False" | "0") => Some(false),
            _ => None,
        },
    })
}

/// Reads a boolean that is `false` if it is absent, like [`optional_flag`].
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    optional_flag(deserializer).map(Option::unwrap_or_default)
}

/// Reads a number, which may be written as text.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = to_number(&Value::deserialize(deserializer)?);
    number.ok_or_else(|| D::Error::custom("expected a number"))
}

/// Reads a number that may be absent. A value that is not a number counts as absent.
pub(super) fn optional_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    Ok(to_number(&Value::deserialize(deserializer)?))
}

/// Reads a whole number that is 0 if it is absent. A value that is not a whole number counts as absent.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(to_integer(&Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Reads a size in bytes that may be absent. A value that is not a whole number counts as absent.
pub(super) fn optional_size<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let size = to_integer(&Value::deserialize(deserializer)?);
    Ok(size.and_then(|size| u64::try_from(size).ok()))
}

/// Reads a value that is the default if it is null, or of another shape.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// Reads a list, like [`items`].
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Value::deserialize(deserializer).map(items)
}

/// Reads the items of a list; null is an empty list, and any other value is a list of one item.
///
/// An item that cannot be read does not hide the others: it is left out, with a `tracing` event of the level
/// `WARN`. The event contains the item's position and the names of its members, but no values.
pub(super) fn items<T: DeserializeOwned>(list: Value) -> Vec<T> {
    let list = match list {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        one => vec![one],
    };
    let mut read = Vec::with_capacity(list.len());
    for (position, item) in list.into_iter().enumerate() {
        match T::deserialize(&item) {
            Ok(item) => read.push(item),
            Err(_) => {
                let kind = std::any::type_name::<T>().rsplit("::").next();
                let members = item.as_object().map(|item| item.keys().collect::<Vec<_>>());
                tracing::warn!(
                    target: "blaxel::mcp",
                    position,
                    kind,
                    ?members,
                    "left out an item of a list, because it cannot be read",
                );
            }
        }
    }
    read
}

/// Returns a text, or the digits of a number.
pub(super) fn to_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(digits) => digits.trim().parse().ok().filter(|it: &f64| it.is_finite()),
        _ => None,
    }
}

/// Returns a whole number, however it is written: `7`, `7.0` or `"7"`.
pub(super) fn to_integer(value: &Value) -> Option<i64> {
    let exact = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    };
    exact.or_else(|| {
        // Larger floats are not exact, so they are no usable codes, ids or sizes.
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        let number = to_number(value).filter(|it| it.fract() == 0.0 && it.abs() < LARGEST)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and small enough"
        )]
        Some(number as i64)
    })
}
