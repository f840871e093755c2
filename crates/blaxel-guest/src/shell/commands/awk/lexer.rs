//! The tokens of `awk` programs.

use crate::shell::format::{Escapes, escape};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name directly before a parenthesis.
    Call(String),
    /// An operator, or another sign.
    Sign(&'static str),
    Newline,
}

/// The signs, the longer ones first.
const SIGNS: &[&str] = &[
    "**=", "&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=",
    "**", "!~", ">>", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!",
    ">", "<", "|", "?", ":", "~", "$", "=",
];

/// Returns the tokens with their lines. The error is a line.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, usize> {
    let mut tokens: Vec<(Token, usize)> = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(next) = rest.chars().next() {
        let (token, after) = match next {
            ' ' | '\t' | '\r' => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            '\\' if rest.starts_with("\\\n") => {
                line += 1;
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            '#' => {
                rest = rest
                    .get(rest.find('\n').unwrap_or(rest.len())..)
                    .unwrap_or_default();
                continue;
            }
            '\n' => (Token::Newline, rest.get(1..)),
            '"' => {
                let (text, after) = delimited(rest, '"').ok_or(line)?;
                let text = String::from_utf8_lossy(&escape(&text, Escapes::Format).0).into_owned();
                (Token::Text(text), Some(after))
            }
            '/' if !ends_operand(tokens.last()) => {
                let (text, after) = delimited(rest, '/').ok_or(line)?;
                (Token::Regex(text.replace("\\/", "/")), Some(after))
            }
            '0'..='9' | '.' => {
                let length = number_length(rest);
                let (digits, after) = rest.split_at_checked(length).ok_or(line)?;
                let number = digits.parse().map_err(|_| line)?;
                (Token::Number(number), Some(after))
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (name, after) = rest.split_at(length);
                let token = match after.starts_with('(') {
                    true => Token::Call(name.to_owned()),
                    false => Token::Name(name.to_owned()),
                };
                (token, Some(after))
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or(line)?;
                (Token::Sign(sign), rest.get(sign.len()..))
            }
        };
        line += usize::from(token == Token::Newline);
        tokens.push((token, line));
        rest = after.unwrap_or_default();
    }
    Ok(tokens)
}

/// Returns the text between two delimiters, with its escapes, and what follows.
fn delimited(text: &str, delimiter: char) -> Option<(String, &str)> {
    let inner = text.get(1..)?;
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            '\n' if !is_escaped => return None,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == delimiter => {
                return Some((inner.get(..at)?.to_owned(), inner.get(at + 1..)?));
            }
            _ => {}
        }
    }
    None
}

/// Returns the length of the number at the beginning of a text.
pub(super) fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.bytes().take_while(u8::is_ascii_digit).count()
    };
    let whole = digits(0);
    let mut end = whole;
    if text.get(end..).is_some_and(|rest| rest.starts_with('.')) {
        end = digits(end + 1);
        if end == 1 {
            // Only a point.
            return 0;
        }
    }
    let exponent = text.get(end..).unwrap_or_default();
    if end > 0 && exponent.starts_with(['e', 'E']) {
        let signed = exponent
            .get(1..)
            .is_some_and(|rest| rest.starts_with(['+', '-']));
        let start = end + 1 + usize::from(signed);
        if digits(start) > start {
            end = digits(start);
        }
    }
    end
}

/// Returns `true` if a slash after this token divides.
fn ends_operand(last: Option<&(Token, usize)>) -> bool {
    match last {
        Some((Token::Number(_) | Token::Text(_) | Token::Regex(_), _)) => true,
        Some((Token::Name(name), _)) => !matches!(name.as_str(), "print" | "printf" | "in"),
        Some((Token::Sign(sign), _)) => matches!(*sign, ")" | "]" | "$" | "++" | "--"),
        _ => false,
    }
}
