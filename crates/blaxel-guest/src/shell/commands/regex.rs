//! Regular expressions of POSIX in the notation of the library.

use regex_lite::{Regex, RegexBuilder};

/// The largest compiled expression, in bytes.
const LIMIT: usize = 1 << 20;

/// Compiles an expression: a basic one, or an extended one.
pub(super) fn compile(text: &str, is_extended: bool, ignores_case: bool) -> Option<Regex> {
    let translated = translate(text, is_extended);
    let mut builder = RegexBuilder::new(&translated);
    builder.case_insensitive(ignores_case).size_limit(LIMIT);
    builder.build().ok()
}

/// Returns the expression that matches a text itself.
pub(super) fn escape(text: &str) -> String {
    regex_lite::escape(text)
}

fn translate(text: &str, is_extended: bool) -> String {
    let mut output = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    // Whether an anchor or a star would stand at the beginning.
    let mut at_start = true;
    while let Some(next) = rest.next() {
        let was_start = std::mem::replace(&mut at_start, false);
        match next {
            '\\' => match rest.next() {
                Some(escaped @ ('(' | ')' | '{' | '}' | '|' | '+' | '?')) if !is_extended => {
                    output.push(escaped);
                    at_start = matches!(escaped, '(' | '|');
                }
                Some('<' | '>' | 'b') => output.push_str("\\b"),
                Some(class @ ('w' | 'W' | 's' | 'S' | 'B')) => output.extend(['\\', class]),
                Some('n') => output.push('\n'),
                Some('t') => output.push('\t'),
                Some(escaped) if escaped.is_ascii_punctuation() => output.extend(['\\', escaped]),
                Some(other) => output.push(other),
                None => output.push_str("\\\\"),
            },
            '[' => bracket(&mut rest, &mut output),
            '*' if was_start => output.push_str("\\*"),
            '^' if is_extended || was_start => {
                output.push('^');
                at_start = true;
            }
            '^' => output.push_str("\\^"),
            '$' if is_extended || ends(&rest) => output.push('$'),
            '$' => output.push_str("\\$"),
            '(' | ')' | '{' | '}' | '|' | '+' | '?' if !is_extended => output.extend(['\\', next]),
            '(' | '|' => {
                output.push(next);
                at_start = true;
            }
            other => output.push(other),
        }
    }
    output
}

/// Returns `true` if a dollar sign before `rest` is an anchor of a basic expression.
fn ends(rest: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let mut rest = rest.clone();
    match rest.next() {
        None => true,
        Some('\\') => matches!(rest.next(), Some(')' | '|')),
        Some(_) => false,
    }
}

/// Copies a bracket expression, in which a backslash stands for itself.
fn bracket(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, output: &mut String) {
    let has_end = {
        let mut ahead = rest.clone();
        if ahead.peek() == Some(&'^') {
            ahead.next();
        }
        ahead.next();
        ahead.any(|c| c == ']')
    };
    if !has_end {
        output.push_str("\\[");
        return;
    }
    output.push('[');
    if rest.peek() == Some(&'^') {
        rest.next();
        output.push('^');
    }
    let mut is_first = true;
    while let Some(next) = rest.next() {
        match next {
            ']' if !is_first => {
                output.push(']');
                return;
            }
            ']' => output.push_str("\\]"),
            '[' if rest.peek() == Some(&':') => {
                output.push('[');
                for c in rest.by_ref() {
                    output.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '\\' => match rest.peek() {
                Some('n') => {
                    rest.next();
                    output.push('\n');
                }
                Some('t') => {
                    rest.next();
                    output.push('\t');
                }
                _ => output.push_str("\\\\"),
            },
            '[' | '&' | '~' => output.extend(['\\', next]),
            other => output.push(other),
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_and_extended_expressions_differ_in_their_operators() {
        for (expression, is_extended, text, expected) in [
            ("a+", false, "a+", true),
            ("a+", true, "aa", true),
            ("^a\\+$", false, "aa", true),
            ("\\(a\\|b\\)c", false, "bc", true),
            ("(a|b)c", false, "bc", false),
            ("(a|b)c", true, "bc", true),
            ("a\\{2\\}", false, "aa", true),
            ("^a{2}$", true, "aa", true),
            ("*a", false, "*a", true),
            ("a$b", false, "a$b", true),
            ("[]x]", false, "]", true),
            ("[\\n]", false, "\\", false),
            ("[[:digit:]]", false, "5", true),
            ("a\\.b", false, "axb", false),
            ("[", false, "[", true),
        ] {
            let regex = compile(expression, is_extended, false).unwrap();
            assert_eq!(regex.is_match(text), expected, "{expression} {text}");
        }
    }
}
