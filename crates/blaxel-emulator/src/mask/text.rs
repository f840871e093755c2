//! Masking in texts that contain JSON.

use super::MASK;

/// Masks the strings that are the values of secret members, wherever they are in a text. A string that
/// does not end is masked to the end of the text. All other strings are passed to `mask`, decoded.
pub(super) fn mask_strings(
    text: &[u8],
    is_secret: impl Fn(&str) -> bool,
    mask: impl Fn(&str) -> Option<String>,
) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let (before, quoted) = rest.split_at(start);
        masked.extend_from_slice(before);
        let name = string(quoted);
        let other = serde_json::from_slice::<String>(name).ok();
        let other = other.and_then(|text| mask(&text));
        let other = other.and_then(|text| serde_json::to_string(&text).ok());
        masked.extend_from_slice(other.as_ref().map_or(name, String::as_bytes));
        rest = quoted.get(name.len()..).unwrap_or_default();
        let Some(gap) = colon(rest).filter(|_| is_secret(inner(name))) else {
            continue;
        };
        let (between, value) = rest.split_at(gap);
        if value.first() != Some(&b'"') {
            continue;
        }
        masked.extend_from_slice(between);
        masked.extend_from_slice(b"\"");
        masked.extend_from_slice(MASK.as_bytes());
        let value = string(value);
        if value.len() > 1 && value.ends_with(b"\"") {
            masked.extend_from_slice(b"\"");
        }
        rest = rest.get(gap + value.len()..).unwrap_or_default();
    }
    masked.extend_from_slice(rest);
    masked
}

/// Returns the string that a text begins with, with its quotes; all of it if the string does not end.
fn string(text: &[u8]) -> &[u8] {
    let mut is_escaped = false;
    for (place, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return text.get(..=place).unwrap_or(text),
            _ => {}
        }
    }
    text
}

/// Returns the number of bytes up to the value after a colon, if a text begins with one.
fn colon(text: &[u8]) -> Option<usize> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let colon = text.iter().position(|byte| !is_space(byte))?;
    let after = text.get(colon + 1..)?;
    let space = after.iter().position(|byte| !is_space(byte))?;
    (text.get(colon) == Some(&b':')).then_some(colon + 1 + space)
}

/// Returns a string without its quotes, or nothing if it is not text.
fn inner(quoted: &[u8]) -> &str {
    let inner = quoted.get(1..quoted.len().saturating_sub(1));
    inner
        .and_then(|inner| std::str::from_utf8(inner).ok())
        .unwrap_or_default()
}
