//! The variables of a project file, `blaxel.toml`.

use toml::{Table, Value};

use crate::env_file::PREFIX;

/// The table with the variables.
const TABLE: &str = "env";

/// A problem, and the number of the line with it. It does not contain the text of the line, which may be a secret.
type Malformed = (usize, String);

/// Returns the variables in the table `[env]` whose names begin with [`PREFIX`].
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        (line, format!("it is not valid TOML: {}", error.message()))
    })?;
    let variables = match file.get(TABLE) {
        None => return Ok(Vec::new()),
        Some(Value::Table(variables)) => variables,
        Some(_) => return Err((line_of(text, TABLE), format!("`{TABLE}` is not a table"))),
    };
    let ours = variables
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX));
    ours.map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(is_true) => is_true.to_string(),
            _ => {
                let problem =
                    format!("`{name}` is neither a string nor a number nor a truth value");
                return Err((line_of(text, name), problem));
            }
        };
        Ok((name.clone(), value))
    })
    .collect()
}

/// Returns the number of the first line that contains a name.
fn line_of(text: &str, name: &str) -> usize {
    let found = text.lines().position(|line| line.contains(name));
    found.map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_variables_is_read_and_the_rest_is_not() {
        let text = "\u{feff}name = 'bot'\r\nBL_API_KEY = 'outside'\n[env]\nBL_API_KEY = \"a\\\"b\"\nBL_DEPTH = 3\n\
                    BL_ON = true\nOTHER = 1\n[runtime]\nmemory = 4096\nwhen = 2026-05-01\n";
        let expected = [("BL_API_KEY", "a\"b"), ("BL_DEPTH", "3"), ("BL_ON", "true")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn a_problem_has_its_line_and_no_value() {
        for (text, line, part) in [
            ("a = 1\n[env]\nBL_API_KEY = canary\n", 3, "not valid TOML"),
            ("[env]\nBL_API_KEY = \"canary\n", 2, "not valid TOML"),
            (
                "[env]\nBL_A = 'canary'\nBL_A = 'canary'",
                3,
                "not valid TOML",
            ),
            ("env = 'canary'", 1, "`env` is not a table"),
            ("[env]\n\nBL_A = ['canary']", 3, "`BL_A`"),
        ] {
            let (found, problem) = parse(text).unwrap_err();
            assert_eq!(found, line, "{text}");
            assert!(
                problem.contains(part) && !problem.contains("canary"),
                "{problem}"
            );
        }
    }
}
