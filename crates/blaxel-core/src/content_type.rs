//! The content type of a body: its media type and its charset.

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::content_coding::compression_problem;

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Maximum length of a charset in a message, in characters.
const MAX_NAME: usize = 40;

/// The characters of the bytes 0x80 to 0x9F in windows-1252. The standard of the web reads ISO
/// 8859-1 like this, too, because its own characters there are never used.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Returns the content type in lower case and without its parameters. It is empty if there is none.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> String {
    let (media_type, _) = split(headers).unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

/// Splits the content type into the media type and the parameters.
fn split(headers: &HeaderMap) -> Option<(&str, &str)> {
    let whole = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(whole.split_once(';').unwrap_or((whole, "")))
}

/// The charset of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// US-ASCII. Text with other characters is read as UTF-8, which many servers mean by it.
    Ascii,
    /// ISO 8859-1, read as windows-1252.
    Latin1,
    /// Any other, by its name.
    Other(String),
}

impl Charset {
    /// Returns the charset that the content type names. UTF-8 if it names none.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let (_, parameters) = split(headers).unwrap_or_default();
        let charset = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then_some(value)
        });
        let name = charset.unwrap_or_default();
        let name = name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        match name.to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" => Self::Utf8,
            "us-ascii" | "ascii" => Self::Ascii,
            "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252"
            | "cp1252" => Self::Latin1,
            _ => Self::Other(name.chars().take(MAX_NAME).collect()),
        }
    }

    /// Converts a part of a text to UTF-8, which is not checked if the text is said to be UTF-8.
    ///
    /// # Errors
    ///
    /// A message for a text in a charset that cannot be converted. Text that is ASCII is accepted
    /// in charsets that extend ASCII.
    pub fn to_utf8(&self, text: Bytes) -> Result<Bytes, String> {
        match self {
            Self::Utf8 | Self::Ascii => Ok(text),
            Self::Latin1 if text.is_ascii() => Ok(text),
            Self::Latin1 => Ok(text.iter().map(latin1).collect::<String>().into()),
            Self::Other(name) if text.is_empty() || extends_ascii(name) && text.is_ascii() => {
                Ok(text)
            }
            Self::Other(name) => Err(unsupported(name)),
        }
    }
}

/// Returns the character of a byte.
fn latin1(byte: &u8) -> char {
    let special = byte.checked_sub(0x80).map(usize::from);
    let special = special.and_then(|index| WINDOWS_1252.get(index));
    special.copied().unwrap_or(char::from(*byte))
}

/// Returns `true` unless the units of a charset are larger than a byte.
fn extends_ascii(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !["utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646"]
        .iter()
        .any(|wide| name.starts_with(wide))
}

/// Returns the message for a charset that cannot be converted.
fn unsupported(name: &str) -> String {
    format!("the response is text in the charset `{name}`; only UTF-8 and ISO-8859-1 can be read")
}

/// Returns `true` for a text in UTF-16, by its byte order mark or its first character.
fn is_utf16(text: &[u8]) -> bool {
    match text {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [first, second, ..] => (*first == 0) != (*second == 0),
        _ => false,
    }
}

/// Returns the message for a text that is not UTF-8, or `problem` unless it is UTF-16.
pub(crate) fn wrong_charset(text: &[u8], problem: impl FnOnce() -> String) -> String {
    if is_utf16(text) {
        unsupported("UTF-16")
    } else {
        problem()
    }
}

/// Removes the byte order mark at the start of a text.
pub(crate) fn without_mark(mut text: Bytes) -> Bytes {
    if text.starts_with(BYTE_ORDER_MARK) {
        text.advance(BYTE_ORDER_MARK.len());
    }
    text
}

/// Converts the body of a response to UTF-8, which remains to be checked.
///
/// # Errors
///
/// A message for a body that is still compressed, or whose charset cannot be converted.
pub(crate) fn utf8_body(headers: &HeaderMap, body: Bytes) -> Result<Bytes, String> {
    if body.is_empty() {
        return Ok(body);
    }
    if let Some(problem) = compression_problem(headers) {
        return Err(problem);
    }
    if body.starts_with(BYTE_ORDER_MARK) {
        return Ok(body);
    }
    let charset = Charset::of(headers);
    // JSON is UTF-8 whatever the header says, and other text that is valid UTF-8 hardly ever is anything else.
    if charset == Charset::Latin1 && str::from_utf8(&body).is_ok() {
        return Ok(body);
    }
    if charset == Charset::Ascii && str::from_utf8(&body).is_err() {
        return Charset::Latin1.to_utf8(body);
    }
    charset.to_utf8(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())])
    }

    #[test]
    fn a_content_type_is_read_without_regard_to_case_and_parameters() {
        assert_eq!(media_type(&headers("Text/Plain ; a=b")), "text/plain");
        assert_eq!(media_type(&headers("text/html")), "text/html");
        assert_eq!(media_type(&HeaderMap::new()), "");
    }

    #[test]
    fn a_charset_is_read_in_each_form() {
        let other = |name: &str| Charset::Other(name.to_owned());
        for (content_type, expected) in [
            ("text/plain", Charset::Utf8),
            ("text/plain; charset=", Charset::Utf8),
            ("text/plain; format=flowed; CHARSET=UTF-8", Charset::Utf8),
            ("text/plain;charset=us-ascii", Charset::Ascii),
            ("text/plain; charset=\"ISO-8859-1\"", Charset::Latin1),
            ("text/plain; charset='latin1'; x=y", Charset::Latin1),
            ("text/plain; charset = Windows-1252", Charset::Latin1),
            ("text/plain; charset=utf-16", other("utf-16")),
            ("application/json; charset=Shift_JIS", other("Shift_JIS")),
        ] {
            assert_eq!(
                Charset::of(&headers(content_type)),
                expected,
                "{content_type}"
            );
        }
    }

    #[test]
    fn latin1_is_converted_and_other_charsets_only_if_they_are_ascii() {
        let convert = |charset: Charset, bytes: &'static [u8]| {
            let bytes = charset.to_utf8(Bytes::from_static(bytes));
            bytes.map(|bytes| String::from_utf8(bytes.into()).unwrap())
        };
        let text = convert(Charset::Latin1, b"na\xefve \x80 \x81\xff").unwrap();
        assert_eq!(text, "naïve € \u{81}ÿ");
        let other = |name: &str| Charset::Other(name.to_owned());
        assert_eq!(convert(other("koi8-r"), b"plain").unwrap(), "plain");
        assert!(
            convert(other("koi8-r"), b"\xc1")
                .unwrap_err()
                .contains("`koi8-r`")
        );
        assert!(
            convert(other("UTF-16LE"), b"ab")
                .unwrap_err()
                .contains("`UTF-16LE`")
        );
        assert_eq!(convert(other("utf-16"), b"").unwrap(), "");
    }
}
