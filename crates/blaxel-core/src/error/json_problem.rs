//! The reason for which JSON could not be decoded, without the values in it.

use std::fmt;

use crate::text::{MAX_MESSAGE_CHARS, one_line};

/// The beginnings of serde's messages that quote a value before they say what was expected.
const FINDINGS: [&str; 5] = [
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
    "unknown variant ",
    "unknown field ",
];

/// The beginnings of serde's messages that quote only the name of a member of our own type.
const NAMING: [&str; 2] = ["missing field ", "duplicate field "];

/// The reason for which JSON could not be decoded.
///
/// It says what was found, what was expected and where. Unlike [`serde_json::Error`], it does not
/// quote the value that was found, which may be a secret.
#[derive(Clone, Debug)]
pub struct JsonProblem(String);

impl JsonProblem {
    /// Creates the problem of a failed decoding.
    #[must_use]
    pub fn new(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let (line, column) = (error.line(), error.column());
        let place = if line > 0 {
            format!(" at line {line} column {column}")
        } else {
            String::new()
        };
        let problem = text.strip_suffix(&place).unwrap_or(&text);
        let problem = one_line(&without_values(problem), MAX_MESSAGE_CHARS);
        Self(format!("{problem}{place}"))
    }
}

impl fmt::Display for JsonProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonProblem {}

/// Returns a message of serde without the values that it quotes.
fn without_values(problem: &str) -> String {
    if NAMING.iter().any(|start| problem.starts_with(start)) {
        return problem.to_owned();
    }
    let finds = FINDINGS.iter().any(|start| problem.starts_with(start));
    // The last one is serde's own: there may be others within the value.
    match problem.rsplit_once(", expected ").filter(|_| finds) {
        Some((found, expected)) => format!("{}, expected {expected}", without_quotes(found)),
        None => without_quotes(problem),
    }
}

/// Returns a text without what is between its first and its last quotation mark.
fn without_quotes(text: &str) -> String {
    let is_mark = |c: char| matches!(c, '"' | '`' | '\'');
    let Some((before, quoted)) = text.split_once(is_mark) else {
        return text.to_owned();
    };
    let after = quoted.rsplit_once(is_mark).map_or("", |(_, after)| after);
    match before.trim_end() {
        "" => format!("a value{after}"),
        before => format!("{before}{after}"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::{DeserializeOwned, Error};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ApiKey {
        #[allow(dead_code)]
        key: Option<u32>,
        #[allow(dead_code)]
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        One,
        Two,
    }

    #[track_caller]
    fn problem_of<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
        JsonProblem::new(&serde_json::from_str::<T>(text).unwrap_err()).to_string()
    }

    #[test]
    fn the_problem_says_what_was_found_but_not_the_value() {
        for (text, problem) in [
            (
                r#""canary""#,
                "invalid type: string, expected struct ApiKey at line 1 column 8",
            ),
            (
                r#""a\", expected \"canary""#,
                "invalid type: string, expected struct ApiKey at line 1 column 24",
            ),
            (
                "12345",
                "invalid type: integer, expected struct ApiKey at line 1 column 5",
            ),
            (
                r#"{"kind": "canary"}"#,
                "unknown variant, expected `One` or `Two` at line 1 column 17",
            ),
            (
                r#"{"canary": 1}"#,
                "unknown field, expected `key` or `kind` at line 1 column 9",
            ),
            ("{}", "missing field `kind` at line 1 column 2"),
            (
                r#"{"key": -1}"#,
                "invalid value: integer, expected u32 at line 1 column 10",
            ),
            ("{", "EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(problem_of::<ApiKey>(text), problem, "{text}");
        }
        let custom = |text| JsonProblem::new(&serde_json::Error::custom(text)).to_string();
        assert_eq!(custom("`canary` is not a time"), "a value is not a time");
        assert_eq!(custom("the time \"it's canary\" is odd"), "the time is odd");
        assert_eq!(custom("two\nlines"), "two lines");
    }
}
