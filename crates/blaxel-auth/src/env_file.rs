//! The syntax of a `.env` file.
//!
//! There is no standard. Other tools refuse a whole file for one line that they do not know, print that line, or
//! expand variables in values, which damages passwords that contain a `$`. Here, only the lines of the
//! variables that are wanted must be well-formed.

use blaxel_core::Secret;

/// The prefix of the variables that are wanted.
pub(crate) const PREFIX: &str = "BL_";

/// A malformed line: its number, and the problem without the text of the line, which may be a secret.
type Malformed = (usize, &'static str);

/// Returns the variables that a text sets and whose names begin with [`PREFIX`], in order.
///
/// All other lines are skipped, whatever they are. A value in quotes may have several lines, none of which
/// counts as a line of the file.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = Secret::from(text.replace("\r\n", "\n").replace('\r', "\n"));
    let mut found = Vec::new();
    let mut rest = text.expose();
    let mut number = 1;
    while !rest.is_empty() {
        let entry = Entry::read(rest).map_err(|problem| (number, problem))?;
        number += rest[..rest.len() - entry.after.len()].matches('\n').count();
        rest = entry.after;
        found.extend(entry.set);
    }
    Ok(found)
}

/// The first line of a text, or several lines if a value in quotes goes on.
struct Entry<'a> {
    set: Option<(String, String)>,
    after: &'a str,
}

impl<'a> Entry<'a> {
    fn read(text: &'a str) -> Result<Self, &'static str> {
        let (_, next) = text.split_once('\n').unwrap_or((text, ""));
        let skipped = Self {
            set: None,
            after: next,
        };
        let statement = blanks_skipped(text);
        let exported = statement
            .strip_prefix("export")
            .filter(|rest| rest.starts_with(BLANKS));
        let statement = exported.map_or(statement, blanks_skipped);
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let rest = statement.trim_start_matches(is_of_name);
        let name = &statement[..statement.len() - rest.len()];
        let wanted = name.starts_with(PREFIX);
        let rest = blanks_skipped(rest);
        let Some(value) = rest.strip_prefix(['=', ':']) else {
            // `export NAME` is a statement of the shell that sets nothing.
            let sets_nothing = exported.is_some() && is_end(rest);
            return if wanted && !sets_nothing {
                Err("there is no `=` after the name")
            } else {
                Ok(skipped)
            };
        };
        let value = blanks_skipped(value);
        let (value, after) = match quoted(value) {
            None => {
                let end = value.find('\n').unwrap_or(value.len());
                (bare(&value[..end]).to_owned(), skipped.after)
            }
            Some(Ok((value, after))) => {
                let line_end = after.find('\n').map_or(after.len(), |at| at + 1);
                (value, &after[line_end..])
            }
            Some(Err(problem)) if wanted => return Err(problem),
            // Only a quotation mark at the beginning of some text.
            Some(Err(_)) => return Ok(skipped),
        };
        if wanted && value.contains(char::REPLACEMENT_CHARACTER) {
            return Err("the value is not UTF-8");
        }
        Ok(Self {
            set: wanted.then(|| (name.to_owned(), value)),
            after,
        })
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

fn blanks_skipped(text: &str) -> &str {
    text.trim_start_matches(BLANKS)
}

/// Returns `true` if the rest of a line is blank or a comment.
fn is_end(text: &str) -> bool {
    let rest = blanks_skipped(text);
    rest.is_empty() || rest.starts_with(['\n', '#'])
}

/// Returns an unquoted value, which ends at a comment. A comment begins with a space and `#`.
fn bare(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    let comment = [" #", "\t#"]
        .into_iter()
        .filter_map(|mark| text.find(mark))
        .min();
    text[..comment.unwrap_or(text.len())].trim_end()
}

/// Returns the value in quotes at the beginning of a text, and the text after the closing quote; `None` if
/// there are no quotes.
fn quoted(text: &str) -> Option<Result<(String, &str), &'static str>> {
    const UNCLOSED: &str = "the quote is not closed";
    let quote = text
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"' | '`'))?;
    let value = match quote {
        '"' => double_quoted(&text[1..]),
        _ => text[1..]
            .split_once(quote)
            .map(|(value, after)| (value.to_owned(), after)),
    };
    Some(match value {
        None => Err(UNCLOSED),
        Some((_, after)) if !is_end(after) => Err("there is text after the closing quote"),
        Some(found) => Ok(found),
    })
}

/// Returns a value up to its closing quote, and the text after it; `None` if there is no closing quote.
fn double_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                c @ ('"' | '\\' | '$' | '\'') => value.push(c),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn quotes_comments_and_exports_are_parsed() {
        for (line, value) in [
            ("BL_A=b", "b"),
            ("  BL_A = b  ", "b"),
            ("BL_A: b", "b"),
            ("BL_A : 'b'", "b"),
            ("BL_A:https://x", "https://x"),
            ("export BL_A=b", "b"),
            ("export\tBL_A=b", "b"),
            ("BL_A=", ""),
            ("BL_A=\"\"", ""),
            ("BL_A= # c", ""),
            ("BL_A=b # comment", "b"),
            ("BL_A=b\t# comment", "b"),
            ("BL_A=b#c", "b#c"),
            ("BL_A=# comment", ""),
            ("BL_A=\"b # c\" # d", "b # c"),
            ("BL_A=\"b\"# d", "b"),
            ("BL_A='b \"c\" \\n'", "b \"c\" \\n"),
            ("BL_A=`b 'c' \"d\" \\n`", "b 'c' \"d\" \\n"),
            (r#"BL_A="b \"c\" \\ \n \$D \x""#, "b \"c\" \\ \n $D \\x"),
            ("BL_A=b=c==", "b=c=="),
            ("BL_A=b c", "b c"),
            ("BL_A=it's", "it's"),
            ("BL_A=$B", "$B"),
            ("BL_A=\"b\nc\"", "b\nc"),
            ("BL_A='b\r\nc'\r\n", "b\nc"),
            ("\u{feff}BL_A=b\r\n\r\n# c\r\n", "b"),
            ("# c\rBL_A=b\r", "b"),
            ("BL_A=a\nBL_A=b\n", "b"),
        ] {
            let found = parse(line).expect(line);
            assert_eq!(
                found.last(),
                Some(&("BL_A".to_owned(), value.to_owned())),
                "{line:?}"
            );
        }
        assert_eq!(
            parse("exporter=x\nexportBL_A=x\nbl_A=x\nA_BL_A=x").unwrap(),
            of(&[])
        );
        assert_eq!(
            parse("BL_=1\nBL_a.b-c=2").unwrap(),
            of(&[("BL_", "1"), ("BL_a.b-c", "2")])
        );
    }

    #[test]
    fn lines_of_other_variables_never_matter() {
        for other in [
            "no assignment",
            "my-app.url=x",
            "my app = x",
            "X: y",
            "1A=x",
            "=x",
            "==",
            ":",
            "export X",
            "export X Y",
            "export BL_B",
            "export BL_B # c",
            "X=\"not closed",
            "X='it's",
            "X=\"a\" b",
            "X=`a",
            "X=\"a\\",
            "[section]",
            "<<<<<<< HEAD",
            "{\"X\": 1}",
            "# BL_A=comment",
            "X=\u{fffd}",
            "PEM=\"-----BEGIN\nBL_A=inside\n-----END\" # c",
            "PEM='\nBL_A=inside\n'",
            "JSON=`{\n\"BL_A\": \"inside\"\n}`",
            "X=\"a \\\" \nBL_A=inside\n\"",
        ] {
            let text = format!("{other}\nBL_A=b\n{other}\n");
            assert_eq!(parse(&text), Ok(of(&[("BL_A", "b")])), "{other:?}");
            let text = format!("{other}\r\nBL_A=\"b\"\r\n{other}\r\n");
            assert_eq!(parse(&text), Ok(of(&[("BL_A", "b")])), "{other:?}");
        }
    }

    #[test]
    fn an_error_has_the_line_number_and_not_the_text() {
        for (line, part) in [
            ("BL_canary", "no `=`"),
            ("BL_A canary", "no `=`"),
            ("BL_A \"canary\"", "no `=`"),
            ("BL_A+=canary", "no `=`"),
            ("BL_A\u{e9}=canary", "no `=`"),
            ("export BL_A canary", "no `=`"),
            ("BL_A=\"canary", "not closed"),
            ("BL_A='canary", "not closed"),
            ("BL_A=`canary", "not closed"),
            ("BL_A=\"canary\\", "not closed"),
            ("BL_A='x' canary", "after the closing quote"),
            ("BL_A=\"canary\nX=\"y\"", "after the closing quote"),
            ("BL_A=canary\u{fffd}", "not UTF-8"),
        ] {
            for before in ["A=b\n# c\n", "A=b\r\n# c\r\n", "A='b\n'\n"] {
                let (number, problem) = parse(&format!("{before}{line}\n")).unwrap_err();
                assert_eq!(number, 3, "{line:?}");
                assert!(
                    problem.contains(part) && !problem.contains("canary"),
                    "{line}: {problem}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "([A=:\"'`\\\\# \r\n\\PC]|export |BL_){0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_quoted_value_is_read_back_equal(value in "[^\\r\u{fffd}]{0,30}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("BL_A=\"{quoted}\"");
            prop_assert_eq!(parse(&line), Ok(of(&[("BL_A", &value)])));
        }
    }
}
