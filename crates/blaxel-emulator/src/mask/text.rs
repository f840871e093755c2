//! Masking in texts that contain JSON.

use super::MASK;

/// Masks the strings that are the values of secret members, and those in their lists and objects, wherever they
/// are in a text. A string that does not end is masked to the end of the text. All other strings are passed to
/// `mask`, decoded.
pub(super) fn mask_strings(
    text: &[u8],
    is_secret: impl Fn(&str) -> bool,
    mask: impl Fn(&str) -> Option<String>,
) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    // The number of open brackets of a secret value.
    let mut depth = 0;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let (before, quoted) = rest.split_at(start);
        masked.extend_from_slice(before);
        depth = depth_after(before, depth);
        let found = string(quoted);
        rest = quoted.get(found.len()..).unwrap_or_default();
        let value = colon(rest);
        if depth > 0 && value.is_none() {
            push_masked(&mut masked, found);
            continue;
        }
        let other = serde_json::from_slice::<String>(found).ok();
        let other = other.and_then(|text| mask(&text));
        let other = other.and_then(|text| serde_json::to_string(&text).ok());
        masked.extend_from_slice(other.as_ref().map_or(found, String::as_bytes));
        let Some(gap) = value.filter(|_| depth == 0 && is_secret(inner(found))) else {
            continue;
        };
        let (between, value) = rest.split_at(gap);
        masked.extend_from_slice(between);
        rest = value;
        match value.first() {
            Some(b'"') => {
                let secret = string(value);
                push_masked(&mut masked, secret);
                rest = value.get(secret.len()..).unwrap_or_default();
            }
            Some(bracket @ (b'[' | b'{')) => {
                masked.push(*bracket);
                rest = value.get(1..).unwrap_or_default();
                depth = 1;
            }
            _ => {}
        }
    }
    masked.extend_from_slice(rest);
    masked
}

/// Returns the number of brackets that are open after a text without strings, if some were before.
fn depth_after(text: &[u8], depth: usize) -> usize {
    text.iter().fold(depth, |depth, byte| match byte {
        b'[' | b'{' if depth > 0 => depth + 1,
        b']' | b'}' => depth.saturating_sub(1),
        _ => depth,
    })
}

/// Adds the mask in place of a string with its quotes.
fn push_masked(masked: &mut Vec<u8>, secret: &[u8]) {
    masked.push(b'"');
    masked.extend_from_slice(MASK.as_bytes());
    if secret.len() > 1 && secret.ends_with(b"\"") {
        masked.push(b'"');
    }
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
