//! Credentials in any text: in addresses, commands, headers, variables, and tokens that are known by their form.
//!
//! Bodies of megabytes are masked here, so this is one pass over the text and no set of patterns.

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::MASK;
use super::names::{has_words, is_secret_name, is_secret_parameter};

/// The start of the path of an address for uploads. The secret part follows it.
const UPLOADS: &[u8] = b"/uploads/";
/// The minimum length of that part.
const UPLOAD_TOKEN: usize = 32;

/// The start of a JSON Web Token: `{"` in Base64.
const WEB_TOKEN: &[u8] = b"eyJ";

/// Returns a text with all credentials masked, or `None` if there are none.
pub(super) fn mask(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut done = 0;
    let mut place = 0;
    while let Some(next) = next_sign(text.as_bytes(), place) {
        place = next;
        match secret_at(text.as_bytes(), place) {
            // Secrets begin and end at characters of ASCII.
            Some(secret) if text.get(secret.clone()).is_some_and(|it| it != MASK) => {
                masked.push_str(text.get(done..secret.start).unwrap_or_default());
                masked.push_str(MASK);
                done = secret.end;
                place = secret.end;
            }
            Some(secret) => place = secret.end.max(place + 1),
            None => place += 1,
        }
    }
    if done == 0 {
        return None;
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Some(masked)
}

/// Returns the place of the next byte that may announce a secret.
fn next_sign(text: &[u8], place: usize) -> Option<usize> {
    let rest = text.get(place..)?;
    let next = rest
        .iter()
        .position(|byte| matches!(byte, b'=' | b'%' | b'\\' | b':' | b' ' | b'/' | b'e'));
    Some(place + next?)
}

/// Returns the place of the secret that a byte of a text announces.
fn secret_at(text: &[u8], place: usize) -> Option<Range<usize>> {
    let rest = text.get(place..)?;
    let found = match rest.first()? {
        b'=' => parameter(text, place, place + 1, false),
        b'%' if starts(rest, b"%3D") => parameter(text, place, place + 3, true),
        b'\\' if starts(rest, br"\u003D") => parameter(text, place, place + 6, false),
        b':' if rest.starts_with(b"://") => user(text, place + 3),
        b':' => member(text, place),
        b' ' => scheme(text, place),
        b'/' if rest.starts_with(UPLOADS) => {
            let start = place + UPLOADS.len();
            let end = run(text, start, |byte| byte.is_ascii_hexdigit());
            (end - start >= UPLOAD_TOKEN).then_some(start..end)
        }
        b'e' if rest.starts_with(WEB_TOKEN) => web_token(text, place),
        _ => None,
    }?;
    (!found.is_empty()).then_some(found)
}

/// Returns `true` if a text starts with another one, whatever the case of its letters.
fn starts(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len())
        .is_some_and(|it| it.eq_ignore_ascii_case(start))
}

/// Returns the end of a run of bytes.
fn run(text: &[u8], start: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| !is_part(*byte));
    start + length.unwrap_or(rest.len())
}

/// Returns `true` for a byte that ends a value wherever it is.
fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'`<>\\".contains(&byte)
}

/// Returns the name before a place of a text.
fn name_before(text: &[u8], end: usize) -> &str {
    let before = text.get(..end).unwrap_or_default();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let length = before.iter().rev().position(|byte| !is_part(byte));
    let start = end - length.unwrap_or(end);
    // What is left of an escape is no part of the name.
    let escape = match start.checked_sub(1).and_then(|place| text.get(place)) {
        Some(b'\\') if text.get(start) == Some(&b'u') => 5,
        Some(b'\\') => 1,
        Some(b'%') => 2,
        _ => 0,
    };
    let name = text.get((start + escape).min(end)..end).unwrap_or_default();
    std::str::from_utf8(name).unwrap_or_default()
}

/// Returns the value of a parameter or a variable.
fn parameter(text: &[u8], name_end: usize, start: usize, is_encoded: bool) -> Option<Range<usize>> {
    if !is_secret_parameter(name_before(text, name_end)) {
        return None;
    }
    if let Some(quote @ (b'"' | b'\'')) = text.get(start) {
        return Some(start + 1..run(text, start + 1, |byte| byte != *quote));
    }
    let mut end = run(text, start, |byte| {
        !is_end(byte) && byte != b'&' && byte != b'#'
    });
    if is_encoded {
        // The address is itself a parameter of another one.
        let value = text.get(start..end).unwrap_or_default();
        let next = value
            .windows(3)
            .position(|it| starts(it, b"%26") || starts(it, b"%23"));
        end = next.map_or(end, |next| start + next);
    }
    Some(start..end)
}

/// Returns the value of a header or a member, as it is in a message or in YAML.
fn member(text: &[u8], place: usize) -> Option<Range<usize>> {
    let name_end = match place.checked_sub(1).and_then(|before| text.get(before)) {
        Some(b'"' | b'\'') => place - 1,
        _ => place,
    };
    let name = name_before(text, name_end);
    if !is_secret_name(name) {
        return None;
    }
    let start = run(text, place + 1, |byte| matches!(byte, b' ' | b'\t'));
    if let Some(quote @ (b'"' | b'\'')) = text.get(start) {
        return Some(start + 1..run(text, start + 1, |byte| byte != *quote));
    }
    let end = match has_words(name) {
        true => run(text, start, |byte| byte == b' ' || !is_end(byte)),
        false => run(text, start, |byte| !is_end(byte) && byte != b','),
    };
    // Those of `{` and `[` are not in one line.
    let is_nested = matches!(text.get(start), Some(b'{' | b'['));
    (!is_nested).then_some(start..end)
}

/// Returns the user with a password of an address, which begins after `://`.
fn user(text: &[u8], start: usize) -> Option<Range<usize>> {
    let end = run(text, start, |byte| !is_end(byte) && !b"/?#".contains(&byte));
    let authority = text.get(start..end)?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    Some(start..start + at)
}

/// Returns the credential after the scheme of an authorization.
fn scheme(text: &[u8], space: usize) -> Option<Range<usize>> {
    let scheme = name_before(text, space);
    let end = run(text, space + 1, |byte| !is_end(byte) && byte != b',');
    let credential = text.get(space + 1..end)?;
    let is_secret = if scheme.eq_ignore_ascii_case("bearer") {
        true
    } else {
        // Other words follow `basic` too.
        let decoded = || BASE64_STANDARD.decode(credential).ok();
        scheme.eq_ignore_ascii_case("basic") && decoded().is_some_and(|it| it.contains(&b':'))
    };
    is_secret.then_some(space + 1..end)
}

/// Returns a JSON Web Token.
fn web_token(text: &[u8], start: usize) -> Option<Range<usize>> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let before = start.checked_sub(1).and_then(|before| text.get(before));
    if before.is_some_and(|byte| is_part(*byte)) {
        return None;
    }
    let head = run(text, start, is_part);
    let claims = run(text, head + 1, is_part);
    let dots = [head, claims].map(|dot| text.get(dot));
    let is_token = dots == [Some(&b'.'); 2] && claims > head + 1;
    is_token.then(|| start..run(text, claims + 1, is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_wherever_they_are_in_a_text() {
        for (text, masked) in [
            (
                "GET https://s3.example.com/k?X-Amz-Credential=a%2Fb&X-Amz-Date=1&X-Amz-Signature=c#d",
                "GET https://s3.example.com/k?X-Amz-Credential=****&X-Amz-Date=1&X-Amz-Signature=****#d",
            ),
            (
                "https://x/?sv=1&sig=a%2Bb%3D&sp=r",
                "https://x/?sv=1&sig=****&sp=r",
            ),
            (
                "to=https%3A%2F%2Fx%3FX-Goog-Signature%3Dab%26y%3D1",
                "to=https%3A%2F%2Fx%3FX-Goog-Signature%3D****%26y%3D1",
            ),
            (
                r"x?a=1\u0026sig\u003dab\u0026b=2",
                r"x?a=1\u0026sig\u003d****\u0026b=2",
            ),
            ("postgres://me:pass@db/x", "postgres://****@db/x"),
            (
                "curl -H 'Authorization: Bearer ab.c' x",
                "curl -H 'Authorization: ****' x",
            ),
            ("it says bearer abc, then", "it says bearer ****, then"),
            ("Basic bWU6cGFzcw==", "Basic ****"),
            ("basic instructions", "basic instructions"),
            (
                "set-cookie: a=b; Path=/\r\nx: y",
                "set-cookie: ****\r\nx: y",
            ),
            (
                "export GITHUB_TOKEN=abc && x",
                "export GITHUB_TOKEN=**** && x",
            ),
            ("{'api_key': 'abc', 'n': 1}", "{'api_key': '****', 'n': 1}"),
            ("password: abc\nuser: me", "password: ****\nuser: me"),
            ("a eyJhbGciOi.eyJzdWIi.c2ln b", "a **** b"),
            (
                "http://127.0.0.1:1/uploads/0123456789abcdef0123456789abcdef?x=1",
                "http://127.0.0.1:1/uploads/****?x=1",
            ),
        ] {
            let found = mask(text);
            let expected = (text != masked).then(|| masked.to_owned());
            assert_eq!(found, expected, "{text}");
            // What is masked stays as it is.
            assert_eq!(mask(masked), None, "{masked}");
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in [
            "",
            "max_tokens=5&next_token=abc",
            "https://example.com/a?b=c",
            "token",
            "token=",
            "token:",
            "eyJ",
            "it is 12:30, ok = yes",
            "über: ü=ä",
        ] {
            assert_eq!(mask(text), None, "{text}");
        }
    }
}
