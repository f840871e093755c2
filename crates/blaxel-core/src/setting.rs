//! The text of a setting, as environment variables and files have it.

/// Removes what shells and editors add around a value: ASCII whitespace, line ends included, and
/// byte order marks.
#[must_use]
pub fn trim_setting(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}')
}

/// Returns the value in a text, trimmed, or `None` if nothing is left.
///
/// # Errors
///
/// Describes the problem with the value, without the value, if it has a control character inside.
pub fn read_setting(text: &str) -> Result<Option<&str>, &'static str> {
    let value = trim_setting(text);
    if value.contains(['\r', '\n']) {
        Err("it has more than one line")
    } else if value.contains(char::is_control) {
        Err("it contains a control character")
    } else {
        Ok((!value.is_empty()).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_a_value_is_removed_and_nothing_else() {
        for (text, value) in [
            ("prod", Some("prod")),
            ("prod\r", Some("prod")),
            ("2026-04-16\n", Some("2026-04-16")),
            ("\u{feff}prod\r\n", Some("prod")),
            ("\t prod \u{feff}\r\n\u{c}", Some("prod")),
            ("a b", Some("a b")),
            ("", None),
            (" \r\n\u{feff}", None),
        ] {
            assert_eq!(read_setting(text), Ok(value), "{text:?}");
        }
    }

    #[test]
    fn control_characters_inside_are_refused() {
        for text in [
            "a\nb",
            "a\r\nb",
            "a\rb",
            "a\tb",
            "a\0b",
            "\u{1b}[31m",
            "a\u{85}b",
            "a\u{7f}",
        ] {
            let problem = read_setting(text).unwrap_err();
            assert!(!problem.contains(text), "{text:?}");
        }
    }
}
