//! The members of a response, in the forms that servers use.

use blaxel_core::__private::{one_line, trim_setting};
use http::header::CONTENT_TYPE;
use http::response::Parts;
use oauth2::url::form_urlencoded;
use serde_json::{Map, Value};

/// Reads a response as a JSON object or, as some servers respond in spite of `Accept`, as a form. JSON counts
/// whatever its content type.
///
/// # Errors
///
/// Describes the problem, without the content of the response.
pub(super) fn members(head: &Parts, body: &[u8]) -> Result<Map<String, Value>, String> {
    let text = String::from_utf8_lossy(body);
    let text = trim_setting(&text);
    let kind = head
        .headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    let kind = String::from_utf8_lossy(kind.unwrap_or_default()).to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if text.is_empty() {
        Err("the response is empty".to_owned())
    } else if let Ok(value) = serde_json::from_str(text) {
        match value {
            Value::Object(members) => Ok(members),
            _ => Err("the response is not a JSON object".to_owned()),
        }
    } else if is_form(kind, text) {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Ok(pairs
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect())
    } else if kind.is_empty() || kind.ends_with("json") || text.starts_with('{') {
        Err("the response is not JSON".to_owned())
    } else {
        let kind = one_line(kind, 100);
        Err(format!(
            "the response is neither JSON nor a form (its Content-Type is {kind})"
        ))
    }
}

/// Returns `true` if a text that is not JSON can be a form.
fn is_form(kind: &str, text: &str) -> bool {
    let is_declared = matches!(
        kind,
        "" | "text/plain" | "application/x-www-form-urlencoded"
    );
    let name = text.split('=').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    is_declared && name.len() < text.len() && !name.is_empty() && name.chars().all(is_name)
}

/// Returns `true` if the response reports an error, whatever its status: some servers do so with 200.
pub(super) fn is_error(members: &Map<String, Value>) -> bool {
    match members.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(code)) => !code.is_empty(),
        Some(_) => true,
    }
}

/// Returns a number of seconds, which may be a text, if it is positive.
pub(super) fn seconds(members: &Map<String, Value>, name: &str) -> Option<f64> {
    let seconds = match members.get(name)? {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    (seconds > 0.0).then_some(seconds)
}
