//! Redaction of secrets that a server repeats in its error.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderValue;

use crate::source::Source;

/// Minimum number of bytes of a secret that is redacted. Redacting every occurrence of a shorter one
/// would reveal it.
const MIN_LENGTH: usize = 6;

const REDACTED: &str = "[redacted]";

/// The credential that was sent in a request, in the extensions of an unsuccessful response.
///
/// The error that is made of the response does not show it, should the server repeat it, and tells where it came from
/// if the server refuses it.
#[derive(Clone)]
pub struct SentCredential {
    /// The value of its header.
    pub value: HeaderValue,
    /// The source that the client has it from.
    pub source: Source,
}

/// Returns the body of an unsuccessful response without the credential that was sent.
pub(crate) fn redact_sent<'a>(head: &http::response::Parts, body: &'a [u8]) -> Cow<'a, [u8]> {
    match head.extensions.get::<SentCredential>() {
        Some(sent) => redact(body, secret_of(&sent.value)),
        None => Cow::Borrowed(body),
    }
}

/// Replaces the secret of a credential in a text.
pub(crate) fn redact_text(text: &mut String, credential: &HeaderValue) {
    if let Cow::Owned(redacted) = redact(text.as_bytes(), secret_of(credential)) {
        *text = String::from_utf8_lossy(&redacted).into_owned();
    }
}

/// Returns the secret of a header's value such as `Bearer secret`.
fn secret_of(credential: &HeaderValue) -> &str {
    let text = credential.to_str().unwrap_or_default();
    text.rsplit(' ').next().unwrap_or_default()
}

/// Returns a body in which a secret is replaced, both as it is and within Base64.
#[must_use]
pub fn redact<'a>(body: &'a [u8], secret: &str) -> Cow<'a, [u8]> {
    if secret.len() < MIN_LENGTH {
        return Cow::Borrowed(body);
    }
    let text = String::from_utf8_lossy(body);
    let mut redacted: Option<String> = None;
    for form in forms(secret) {
        let current = redacted.as_deref().unwrap_or(&text);
        if current.contains(&form) {
            redacted = Some(current.replace(&form, REDACTED));
        }
    }
    match redacted {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => Cow::Borrowed(body),
    }
}

/// Like [`redact`], for a body that is kept.
pub(crate) fn redact_sent_bytes(head: &http::response::Parts, body: Bytes) -> Bytes {
    match redact_sent(head, &body) {
        Cow::Owned(redacted) => redacted.into(),
        Cow::Borrowed(_) => body,
    }
}

/// Returns a secret as it is, and as it looks within a longer text in Base64: that depends on its
/// position in groups of three bytes, and on the alphabet.
fn forms(secret: &str) -> impl Iterator<Item = String> {
    let encoded = (0..3).flat_map(move |offset| {
        let standard = base64_within(secret.as_bytes(), offset);
        let url_safe = standard.replace('+', "-").replace('/', "_");
        [standard, url_safe]
    });
    std::iter::once(secret.to_owned()).chain(encoded)
}

/// Returns those characters of the Base64 encoding that depend on nothing but the secret, if
/// `offset` bytes precede it in its group.
///
/// The encoding is written out here because the crates that do it would be one more for every user
/// of this one.
fn base64_within(secret: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = std::iter::repeat_n(0, offset)
        .chain(secret.iter().copied())
        .collect();
    let bit = |index: usize| bytes[index / 8] >> (7 - index % 8) & 1;
    let first = (offset * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    (first..end)
        .map(|position| {
            let sextet = (0..6).fold(0, |value, at| value << 1 | bit(position * 6 + at));
            char::from(ALPHABET[usize::from(sextet)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(body: &str) -> String {
        String::from_utf8(redact(body.as_bytes(), "canary-5b1f").into_owned()).unwrap()
    }

    #[test]
    fn a_secret_is_redacted_as_it_is_and_in_base64() {
        assert_eq!(redacted("bad key canary-5b1f!"), "bad key [redacted]!");
        // The secret alone, and after `x`, `xy` and `Bearer `.
        for text in [
            "Y2FuYXJ5LTViMWY=",
            "eGNhbmFyeS01YjFm",
            "eHljYW5hcnktNWIxZg==",
            "QmVhcmVyIGNhbmFyeS01YjFm",
        ] {
            let shown = redacted(&format!("<{text}>"));
            assert!(shown.contains(REDACTED), "{shown}");
            assert!(shown.len() <= "<QmVhcmVyI[redacted]Zg==>".len(), "{shown}");
        }
    }

    #[test]
    fn other_text_and_short_secrets_are_left_alone() {
        assert_eq!(redacted("canary"), "canary");
        assert_eq!(redact(b"a short one", "short").as_ref(), b"a short one");
        assert_eq!(redact(&[0xff], "canary-5b1f").as_ref(), [0xff]);
    }
}
