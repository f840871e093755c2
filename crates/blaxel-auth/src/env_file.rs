//! The syntax of a `.env` file.

/// Returns the variables that a text sets, in order.
///
/// # Errors
///
/// The number of the malformed line and the problem, without the text of the line, which may be a secret.
pub(crate) fn parse(text: &str) -> Result<Vec<(&str, String)>, (usize, &'static str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        found.push(assignment(line).map_err(|problem| (index + 1, problem))?);
    }
    Ok(found)
}

fn assignment(line: &str) -> Result<(&str, String), &'static str> {
    let (name, rest) = line.split_once('=').ok_or("there is no `=`")?;
    let name = name.trim_end();
    let name = match name.strip_prefix("export") {
        Some(exported) if exported.starts_with([' ', '\t']) => exported.trim_start(),
        _ => name,
    };
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err("the text before the `=` is not the name of a variable");
    }
    let rest = rest.trim_start();
    let (value, after) = match rest.chars().next() {
        Some('\'') => {
            let (value, after) = rest[1..].split_once('\'').ok_or(UNCLOSED)?;
            (value.to_owned(), after)
        }
        Some('"') => double_quoted(&rest[1..])?,
        _ => return Ok((name, bare(rest).to_owned())),
    };
    let after = after.trim_start();
    if after.is_empty() || after.starts_with('#') {
        Ok((name, value))
    } else {
        Err("there is text after the closing quote")
    }
}

const UNCLOSED: &str = "a quote is not closed in its line";

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

/// Returns a value up to its closing quote, and the text after it.
fn double_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next().ok_or(UNCLOSED)? {
            '"' => return Ok((value, rest.as_str())),
            '\\' => match rest.next().ok_or(UNCLOSED)? {
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

    #[test]
    fn quotes_comments_and_exports_are_parsed() {
        for (line, value) in [
            ("A=b", "b"),
            ("  A = b  ", "b"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("A=", ""),
            ("A=\"\"", ""),
            ("A=b # comment", "b"),
            ("A=b\t# comment", "b"),
            ("A=b#c", "b#c"),
            ("A=# comment", ""),
            ("A=\"b # c\" # d", "b # c"),
            ("A='b \"c\" \\n'", "b \"c\" \\n"),
            (r#"A="b \"c\" \\ \n \$D \x""#, "b \"c\" \\ \n $D \\x"),
            ("A=b=c==", "b=c=="),
            ("A=b c", "b c"),
            ("A=it's", "it's"),
            ("A=$B", "$B"),
            ("\u{feff}A=b\r\n\r\n# c\r\n", "b"),
        ] {
            assert_eq!(parse(line), Ok(vec![("A", value.to_owned())]), "{line:?}");
        }
        assert_eq!(parse("exporter=x").unwrap(), [("exporter", "x".to_owned())]);
    }

    #[test]
    fn an_error_has_the_line_number_and_not_the_text() {
        for (line, part) in [
            ("canary", "no `=`"),
            ("canary: x", "no `=`"),
            ("=canary", "not the name"),
            ("a canary=x", "not the name"),
            ("1canary=x", "not the name"),
            ("canary-x=y", "not the name"),
            ("A=\"canary", "not closed"),
            ("A='canary", "not closed"),
            ("A=\"canary\\", "not closed"),
            ("A='x' canary", "after the closing quote"),
        ] {
            let (number, problem) = parse(&format!("A=b\n# c\n{line}\n")).unwrap_err();
            assert_eq!(number, 3);
            assert!(
                problem.contains(part) && !problem.contains("canary"),
                "{line}: {problem}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "([A=\"'\\\\# \n\\PC]|export ){0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_quoted_value_is_read_back_equal(value in "[^\\n\\r]{0,30}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("A=\"{quoted}\"");
            prop_assert_eq!(parse(&line), Ok(vec![("A", value)]));
        }
    }
}
