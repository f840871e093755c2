//! Text of errors: one line of bounded length, joined sentences, and durations for people.
//!
//! Text from outside enters an error through [`one_line`], so that no server can forge a second line
//! of a log, reorder the text around its own, or control the terminal it is printed on.

use std::time::Duration;

/// Maximum number of characters of a message from outside.
pub const MAX_MESSAGE_CHARS: usize = 300;

/// Maximum number of characters of a code, an id or another name from outside.
pub(crate) const MAX_NAME_CHARS: usize = 100;

/// Returns a text as one line of at most `limit` characters.
///
/// White space, control characters and invisible characters become spaces, each run of them a single
/// one. A longer text is cut and ends in `…`.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit));
    let mut length = 0;
    let words = text.split(is_separator).filter(|word| !word.is_empty());
    for (position, word) in words.enumerate() {
        let gap = (position > 0).then_some(' ');
        for c in gap.into_iter().chain(word.chars()) {
            if length == limit {
                line.pop();
                line.truncate(line.trim_end().len());
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

/// Returns `true` for a character that separates words or must not be printed.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Returns `true` for characters that are not seen themselves but change what is seen: directional
/// overrides, characters of no width, fillers and tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns a message without its closing punctuation, to be followed by other text.
#[must_use]
pub fn unclosed(message: &str) -> &str {
    let closing = |c: char| c.is_whitespace() || matches!(c, '.' | ';' | ':' | ',');
    message.trim_end_matches(closing)
}

/// Joins a message and what follows from it, such as an advice: `the message; the advice`.
#[must_use]
pub fn join(message: &str, advice: &str) -> String {
    join_with("; ", [message, advice])
}

/// Joins the texts that are not empty, each without its closing punctuation.
pub(crate) fn join_with<'a>(separator: &str, texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts = texts.into_iter().map(unclosed);
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(separator)
}

/// Writes a duration for people: `500ms`, `1.5s`, `90s`, `5m`, `1h 30m`.
#[must_use]
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    if seconds <= 120 {
        // Fractions below a millisecond tell nobody anything, unless there is nothing else.
        let rounded = Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        let shown = if rounded.is_zero() { length } else { rounded };
        return format!("{shown:?}");
    }
    let units = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let units = units.iter().filter(|(count, _)| *count > 0);
    let units: Vec<_> = units
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    units.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_control_or_invisible_characters() {
        for (text, line) in [
            ("plain", "plain"),
            (" a\r\n\tb  c ", "a b c"),
            ("\u{1b}]0;title\u{7}text", "]0;title text"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{9b}e\0f", "a b c d e f"),
            (
                "a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{e0041}",
                "a b c d e",
            ),
            ("\u{1b}\u{200b}", ""),
            ("größer 語 🦀", "größer 語 🦀"),
        ] {
            assert_eq!(one_line(text, 100), line, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_cut_at_the_limit() {
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
        assert_eq!(one_line("abcd efg", 6), "abcd…");
        assert_eq!(one_line("a b", 0), "…");
        assert_eq!(one_line("é".repeat(500).as_str(), 300).chars().count(), 300);
    }

    #[test]
    fn closing_punctuation_is_dropped_where_texts_are_joined() {
        assert_eq!(join("It failed.", "Try again."), "It failed; Try again");
        assert_eq!(join("", "Try again"), "Try again");
        assert_eq!(join("why?", " "), "why?");
        assert_eq!(join("one; ", "two: "), "one; two");
    }

    #[test]
    fn durations_are_written_for_people() {
        for (length, text) in [
            (Duration::from_micros(50), "50µs"),
            (Duration::from_millis(500), "500ms"),
            (Duration::new(1, 500_000_001), "1.5s"),
            (Duration::from_secs(90), "90s"),
            (Duration::from_secs(120), "120s"),
            (Duration::from_secs(150), "2m 30s"),
            (Duration::from_secs(180), "3m"),
            (Duration::from_secs(5400), "1h 30m"),
            (Duration::ZERO, "0ns"),
        ] {
            assert_eq!(duration(length), text);
        }
        assert!(duration(Duration::MAX).contains('h'));
    }
}
