//! Words: quotes and expansions.

use std::sync::Arc;

use super::{Parsed, Parser, is_name};
use crate::shell::syntax::{Dialect, Operation, Parameter, Part, Word};

/// The place that a word stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Among the words of a command.
    Plain,
    /// The value of an assignment.
    Assignment,
    /// The right side of `=~`.
    Regex,
    /// In `${name-…}`, up to the brace.
    Braces,
    /// In `${name/…/…}`, up to the slash or the brace.
    Slash,
    /// In `${name:…:…}`, up to the colon or the brace.
    Colon,
}

impl Place {
    fn ends_at(self, next: char) -> bool {
        match self {
            Self::Plain | Self::Assignment => {
                matches!(
                    next,
                    ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
                )
            }
            Self::Regex => matches!(next, ' ' | '\t' | '\r' | '\n' | ';' | '&'),
            Self::Braces => next == '}',
            Self::Slash => matches!(next, '/' | '}'),
            Self::Colon => matches!(next, ':' | '}'),
        }
    }
}

impl Parser<'_> {
    /// Parses the next word of a command, if there is one.
    pub(super) fn next_word(&mut self) -> Parsed<Option<Word>> {
        self.skip_blanks();
        self.word_if_any(Place::Plain)
    }

    pub(super) fn regex_word(&mut self) -> Parsed<Option<Word>> {
        self.skip_blanks();
        self.word_if_any(Place::Regex)
    }

    fn word_if_any(&mut self, place: Place) -> Parsed<Option<Word>> {
        match self.peek() {
            Some(next) if !place.ends_at(next) => self.word(place, false).map(Some),
            _ => Ok(None),
        }
    }

    /// Parses the value of an assignment, which may be empty.
    pub(super) fn assigned_word(&mut self) -> Parsed<Word> {
        self.word(Place::Assignment, false)
    }

    /// Parses the body of a here-document.
    pub(super) fn document(&mut self) -> Parsed<Word> {
        let mut parts = Vec::new();
        self.double_parts(&mut parts, None)?;
        Ok(Word(vec![Part::Double(parts)]))
    }

    fn word(&mut self, place: Place, in_double: bool) -> Parsed<Word> {
        self.nested(|parser| parser.word_unchecked(place, in_double))
    }

    fn word_unchecked(&mut self, place: Place, in_double: bool) -> Parsed<Word> {
        let mut parts: Vec<Part> = Vec::new();
        let mut literal = String::new();
        let mut may_be_tilde = !in_double;
        while let Some(next) = self.peek() {
            if place.ends_at(next) {
                break;
            }
            let part = match next {
                '\'' if !in_double => {
                    self.bump();
                    Some(Part::Quoted(self.single_quoted()?))
                }
                '"' => {
                    self.bump();
                    let mut quoted = Vec::new();
                    self.double_parts(&mut quoted, Some('"'))?;
                    Some(Part::Double(quoted))
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') => continue,
                        Some(escaped)
                            if in_double && !matches!(escaped, '$' | '`' | '"' | '\\' | '}') =>
                        {
                            Some(Part::Quoted(format!("\\{escaped}")))
                        }
                        Some(escaped) => Some(Part::Quoted(escaped.to_string())),
                        None => Some(Part::Quoted("\\".to_owned())),
                    }
                }
                '$' => {
                    self.bump();
                    if !in_double && self.dialect == Dialect::Bash && self.peek() == Some('\'') {
                        self.bump();
                        Some(Part::Quoted(self.escaped_quoted()?))
                    } else {
                        self.dollar(in_double)?
                    }
                }
                '`' => {
                    self.bump();
                    Some(self.backquoted(in_double)?)
                }
                '~' if may_be_tilde => {
                    self.bump();
                    let rest = self.rest();
                    let is_end = |c: char| c == '/' || c == ':' || place.ends_at(c);
                    let end = rest.find(is_end).unwrap_or(rest.len());
                    let user = rest.get(..end).unwrap_or_default();
                    if user
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_.-+".contains(c))
                    {
                        let user = user.to_owned();
                        self.position += end;
                        Some(Part::Tilde(user))
                    } else {
                        literal.push('~');
                        may_be_tilde = false;
                        continue;
                    }
                }
                _ => {
                    self.bump();
                    literal.push(next);
                    may_be_tilde = place == Place::Assignment && next == ':';
                    continue;
                }
            };
            may_be_tilde = false;
            match part {
                Some(part) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
                None => literal.push('$'),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Word(parts))
    }

    fn single_quoted(&mut self) -> Parsed<String> {
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('\'') => return Ok(text),
                Some(next) => text.push(next),
                None => return Err(self.unterminated('\'')),
            }
        }
    }

    /// Parses `$'…'` after its quote.
    fn escaped_quoted(&mut self) -> Parsed<String> {
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('\'') => return Ok(text),
                Some('\\') => match self.bump() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('a') => text.push('\u{7}'),
                    Some('b') => text.push('\u{8}'),
                    Some('e' | 'E') => text.push('\u{1b}'),
                    Some('0') => text.push('\0'),
                    Some(escaped @ ('\\' | '\'' | '"')) => text.push(escaped),
                    Some(other) => text.extend(['\\', other]),
                    None => return Err(self.unterminated('\'')),
                },
                Some(next) => text.push(next),
                None => return Err(self.unterminated('\'')),
            }
        }
    }

    fn unterminated(&mut self, quote: char) -> super::SyntaxError {
        match self.dialect {
            Dialect::Dash => self.error("Unterminated quoted string"),
            Dialect::Bash => self.error(format!(
                "unexpected EOF while looking for matching `{quote}'"
            )),
        }
    }

    /// Parses what stands in double quotes, up to the quote or to the end of the text.
    fn double_parts(&mut self, parts: &mut Vec<Part>, end: Option<char>) -> Parsed<()> {
        let mut literal = String::new();
        loop {
            let part = match self.bump() {
                Some(next) if Some(next) == end => break,
                None if end.is_none() => break,
                None => return Err(self.unterminated('"')),
                Some('\\') => match self.bump() {
                    Some('\n') => continue,
                    Some(escaped)
                        if matches!(escaped, '$' | '`' | '\\') || Some(escaped) == end =>
                    {
                        literal.push(escaped);
                        continue;
                    }
                    Some(other) => {
                        literal.extend(['\\', other]);
                        continue;
                    }
                    None => {
                        literal.push('\\');
                        continue;
                    }
                },
                Some('$') => self.dollar(true)?,
                Some('`') => Some(self.backquoted(true)?),
                Some(next) => {
                    literal.push(next);
                    continue;
                }
            };
            match part {
                Some(part) => {
                    if !literal.is_empty() {
                        parts.push(Part::Quoted(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
                None => literal.push('$'),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Quoted(literal));
        }
        Ok(())
    }

    /// Parses what follows a dollar sign. Returns `None` if the sign stands for itself.
    fn dollar(&mut self, in_double: bool) -> Parsed<Option<Part>> {
        if self.rest().starts_with("((") {
            let (position, line) = (self.position, self.line);
            self.position += 2;
            if let Some(expression) = self.arithmetic()? {
                return Ok(Some(Part::Arithmetic(expression)));
            }
            (self.position, self.line) = (position, line);
        }
        match self.peek() {
            Some('(') => {
                self.bump();
                let documents = std::mem::take(&mut self.documents);
                let list = self.nested(|parser| {
                    let list = parser.list("")?;
                    parser.skip_newlines()?;
                    if parser.is_at_end() && parser.dialect == Dialect::Bash {
                        return Err(parser.unterminated(')'));
                    }
                    parser.expect_operator(")")?;
                    Ok(list)
                })?;
                self.documents = documents;
                Ok(Some(Part::Substitution(Arc::new(list))))
            }
            Some('{') => {
                self.bump();
                self.braces(in_double).map(Some)
            }
            Some(next) if next.is_ascii_digit() || "@*#?-$!".contains(next) => {
                self.bump();
                Ok(Some(value(next.to_string())))
            }
            _ => Ok(self.name().map(value)),
        }
    }

    /// Parses an arithmetic expression up to `))`. Returns `None` if there is no such end.
    pub(super) fn arithmetic(&mut self) -> Parsed<Option<Word>> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut depth = 0_usize;
        loop {
            let part = match self.bump() {
                None => return Ok(None),
                Some(')') if depth == 0 => {
                    if self.bump() != Some(')') {
                        return Ok(None);
                    }
                    break;
                }
                Some('\\') if self.peek() == Some('\n') => {
                    self.bump();
                    continue;
                }
                Some('"') => continue,
                Some('$') => self.dollar(true)?,
                Some('`') => Some(self.backquoted(true)?),
                Some(next) => {
                    match next {
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    literal.push(next);
                    continue;
                }
            };
            match part {
                Some(part) => {
                    parts.push(Part::Quoted(std::mem::take(&mut literal)));
                    parts.push(part);
                }
                None => literal.push('$'),
            }
        }
        parts.push(Part::Quoted(literal));
        Ok(Some(Word(vec![Part::Double(parts)])))
    }

    /// Parses `${…}` after its brace.
    fn braces(&mut self, in_double: bool) -> Parsed<Part> {
        if self.rest().starts_with('#') && !self.rest().starts_with("#}") {
            let start = self.position;
            self.bump();
            if let Some(name) = self.parameter_name()
                && self.peek() == Some('}')
            {
                self.bump();
                return Ok(Part::Parameter(Parameter {
                    name,
                    operation: Operation::Length,
                }));
            }
            self.position = start;
        }
        let Some(name) = self.parameter_name() else {
            return self.bad();
        };
        let operation = match self.bump() {
            Some('}') => return Ok(value(name)),
            Some(':') => match self.peek() {
                Some(operator @ ('-' | '=' | '?' | '+')) => {
                    self.bump();
                    Operation::Default {
                        operator,
                        or_empty: true,
                        word: self.word(Place::Braces, in_double)?,
                    }
                }
                _ if self.dialect == Dialect::Bash => {
                    let offset = self.word(Place::Colon, true)?;
                    let mut length = None;
                    if self.peek() == Some(':') {
                        self.bump();
                        length = Some(self.word(Place::Colon, true)?);
                    }
                    Operation::Slice { offset, length }
                }
                _ => return self.bad(),
            },
            Some(operator @ ('-' | '=' | '?' | '+')) => Operation::Default {
                operator,
                or_empty: false,
                word: self.word(Place::Braces, in_double)?,
            },
            Some(operator @ ('#' | '%')) => {
                let is_longest = self.peek() == Some(operator);
                if is_longest {
                    self.bump();
                }
                Operation::Trim {
                    is_suffix: operator == '%',
                    is_longest,
                    // Single quotes keep their meaning in patterns.
                    pattern: self.word(Place::Braces, false)?,
                }
            }
            Some('/') if self.dialect == Dialect::Bash => {
                let is_global = self.peek() == Some('/');
                if is_global {
                    self.bump();
                }
                let pattern = self.word(Place::Slash, false)?;
                let mut text = Word::default();
                if self.peek() == Some('/') {
                    self.bump();
                    text = self.word(Place::Braces, false)?;
                }
                Operation::Replace {
                    is_global,
                    pattern,
                    text,
                }
            }
            Some(operator @ ('^' | ',')) if self.dialect == Dialect::Bash => {
                let is_global = self.peek() == Some(operator);
                if is_global {
                    self.bump();
                }
                Operation::Case {
                    is_upper: operator == '^',
                    is_global,
                }
            }
            _ => return self.bad(),
        };
        match self.bump() {
            Some('}') => Ok(Part::Parameter(Parameter { name, operation })),
            _ => Err(self.error("Missing '}'")),
        }
    }

    fn parameter_name(&mut self) -> Option<String> {
        let next = self.peek()?;
        if next.is_ascii_digit() {
            let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
            let name = self.rest().get(..digits)?.to_owned();
            self.position += digits;
            return Some(name);
        }
        if "@*#?-$!".contains(next) {
            self.bump();
            return Some(next.to_string());
        }
        self.name()
    }

    /// Returns an expansion that fails when it is evaluated, as the shell's does.
    fn bad(&mut self) -> Parsed<Part> {
        while let Some(next) = self.bump() {
            if next == '}' {
                return Ok(Part::Parameter(Parameter {
                    name: String::new(),
                    operation: Operation::Bad,
                }));
            }
        }
        Err(self.error("Missing '}'"))
    }

    /// Parses the program in backquotes, after the first one.
    fn backquoted(&mut self, in_double: bool) -> Parsed<Part> {
        let line = self.line;
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('`') => break,
                Some('\\') => match self.bump() {
                    Some(escaped @ ('`' | '\\' | '$')) => text.push(escaped),
                    Some('"') if in_double => text.push('"'),
                    Some(other) => text.extend(['\\', other]),
                    None => text.push('\\'),
                },
                Some(next) => text.push(next),
                None => return Err(self.error("EOF in backquote substitution")),
            }
        }
        let (dialect, depth) = (self.dialect, self.depth);
        let list = self.nested(|_| Parser::at(&text, dialect, line, depth + 1).program())?;
        Ok(Part::Substitution(Arc::new(list)))
    }
}

fn value(name: String) -> Part {
    debug_assert!(is_name(&name) || !name.is_empty());
    Part::Parameter(Parameter {
        name,
        operation: Operation::Value,
    })
}
