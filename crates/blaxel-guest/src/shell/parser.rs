//! [`Parser`], from the text of a program to its syntax tree.
//!
//! A parser of our own, since `brush-parser` 0.4 was too heavy for what a test server needs: it
//! would more than double the crates below this one (75 more, `insta`, `pest` and a C compiler among
//! them) and add 70 seconds to a build, keeps caches of programs for the whole process, and recurses
//! without a limit.

mod compound;
mod word;

use std::sync::{Arc, OnceLock};

use super::syntax::{
    Action, AndOr, Command, Compound, Connector, Dialect, Item, List, Pipeline, Redirect, Simple,
    Word,
};

/// The depth of nested commands and expansions.
const MAX_DEPTH: usize = 100;

const OPERATORS: [&str; 20] = [
    "<<<", "<<-", "&>>", "&&", "||", ";;", "<<", ">>", ">|", ">&", "<&", "<>", "&>", "&", ";", "|",
    "(", ")", "<", ">",
];
const RESERVED: [&str; 16] = [
    "if", "then", "elif", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "{",
    "}", "!", "in",
];

/// A reason why a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) message: String,
    /// The line of the program, which bash prints.
    pub(crate) source: String,
}

type Parsed<T> = Result<T, SyntaxError>;

/// Parses a program line by line.
pub(crate) struct Parser<'a> {
    text: &'a str,
    position: usize,
    line: usize,
    depth: usize,
    dialect: Dialect,
    /// The here-documents whose bodies follow the current line.
    documents: Vec<Document>,
}

struct Document {
    delimiter: String,
    is_quoted: bool,
    strips_tabs: bool,
    body: Arc<OnceLock<Word>>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self::at(text, dialect, 1, 0)
    }

    fn at(text: &'a str, dialect: Dialect, line: usize, depth: usize) -> Self {
        Self {
            text,
            position: 0,
            line,
            depth,
            dialect,
            documents: Vec::new(),
        }
    }

    /// Parses the commands up to the end of a line. Returns `None` at the end of the text.
    pub(crate) fn next_line(&mut self) -> Parsed<Option<List>> {
        self.skip_newlines()?;
        if self.is_at_end() {
            return Ok(None);
        }
        let mut list = List::default();
        loop {
            let command = self.and_or()?;
            let operator = self.operator();
            list.0.push(Item {
                command: Arc::new(command),
                is_background: operator == Some("&"),
            });
            match operator {
                Some(operator @ (";" | "&")) => self.take(operator),
                None if self.is_at_end() => break,
                None if self.peek() == Some('\n') => break,
                _ => return Err(self.unexpected()),
            }
            self.skip_blanks();
            if self.is_at_end() || self.peek() == Some('\n') {
                break;
            }
        }
        if self.peek() == Some('\n') {
            self.newline()?;
        }
        // A document without a line after it is empty.
        self.read_documents()?;
        Ok(Some(list))
    }

    /// Parses all lines.
    fn program(&mut self) -> Parsed<List> {
        let mut all = List::default();
        while let Some(list) = self.next_line()? {
            all.0.extend(list.0);
        }
        Ok(all)
    }

    /// Parses commands until one of the words that end a part of a compound command.
    fn list(&mut self, opened_by: &str) -> Parsed<List> {
        let mut list = List::default();
        loop {
            self.skip_newlines()?;
            if self.ends_list() {
                break;
            }
            let command = self.and_or()?;
            let operator = self.operator();
            list.0.push(Item {
                command: Arc::new(command),
                is_background: operator == Some("&"),
            });
            match operator {
                Some(operator @ (";" | "&")) => self.take(operator),
                Some(")" | ";;") => {}
                None if self.peek() == Some('\n') || self.is_at_end() => {}
                _ => return Err(self.unexpected()),
            }
        }
        if list.0.is_empty() && !opened_by.is_empty() {
            return Err(self.unexpected());
        }
        Ok(list)
    }

    fn ends_list(&mut self) -> bool {
        matches!(self.operator(), Some(")" | ";;"))
            || self.is_at_end()
            || matches!(
                self.reserved(),
                Some("then" | "elif" | "else" | "fi" | "do" | "done" | "esac" | "}")
            )
    }

    fn and_or(&mut self) -> Parsed<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.operator() {
                Some("&&") => Connector::And,
                Some("||") => Connector::Or,
                _ => return Ok(AndOr { first, rest }),
            };
            self.position += 2;
            self.skip_newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut is_negated = false;
        while self.reserved() == Some("!") {
            self.take("!");
            is_negated = !is_negated;
        }
        let mut commands = vec![self.command()?];
        while self.operator() == Some("|") {
            self.take("|");
            self.skip_newlines()?;
            commands.push(self.command()?);
        }
        Ok(Pipeline {
            is_negated,
            commands,
        })
    }

    fn command(&mut self) -> Parsed<Command> {
        self.nested(Self::command_unchecked)
    }

    /// Runs a part of the parser that may recurse.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("Commands are nested too deeply"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn command_unchecked(&mut self) -> Parsed<Command> {
        self.skip_blanks();
        let rest = self.rest();
        if self.dialect == Dialect::Bash && rest.starts_with("((") {
            return self.arithmetic_command();
        }
        if self.operator() == Some("(") {
            self.take("(");
            let list = self.list("(")?;
            self.expect_operator(")")?;
            let redirects = self.redirects()?;
            return Ok(Command::Compound(Compound::Subshell(list), redirects));
        }
        let compound = match self.reserved() {
            Some("{") => {
                self.take("{");
                let list = self.list("{")?;
                self.expect("}")?;
                Compound::Group(list)
            }
            Some("if") => self.if_clause()?,
            Some(word @ ("while" | "until")) => {
                self.take(word);
                let condition = self.list(word)?;
                let body = self.body()?;
                Compound::While {
                    is_until: word == "until",
                    condition,
                    body,
                }
            }
            Some("for") => self.for_clause()?,
            Some("case") => self.case_clause()?,
            Some(_) if self.reserved() != Some("in") => return Err(self.unexpected()),
            _ if self.dialect == Dialect::Bash && self.is_word("[[") => self.test()?,
            _ => return self.simple(),
        };
        let redirects = self.redirects()?;
        Ok(Command::Compound(compound, redirects))
    }

    fn simple(&mut self) -> Parsed<Command> {
        self.skip_blanks();
        let mut simple = Simple {
            line: self.line,
            ..Simple::default()
        };
        loop {
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            if simple.words.is_empty()
                && let Some(name) = self.assignment()
            {
                let value = self.assigned_word()?;
                simple.assignments.push((name, value));
                continue;
            }
            let Some(word) = self.next_word()? else { break };
            let is_first = simple.words.is_empty() && simple.assignments.is_empty();
            if is_first
                && self.operator() == Some("(")
                && let Some(name) = word.as_literal()
            {
                let name = name.to_owned();
                self.take("(");
                self.expect_operator(")")?;
                return self.function(name);
            }
            if is_first
                && self.dialect == Dialect::Bash
                && word.as_literal() == Some("function")
                && let Some(name) = self.next_word()?
            {
                let name = name.as_literal().unwrap_or_default().to_owned();
                if self.operator() == Some("(") {
                    self.take("(");
                    self.expect_operator(")")?;
                }
                return self.function(name);
            }
            simple.words.push(word);
        }
        let is_empty = simple.words.is_empty() && simple.assignments.is_empty();
        if is_empty && simple.redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command::Simple(simple))
    }

    fn function(&mut self, name: String) -> Parsed<Command> {
        self.skip_newlines()?;
        let body = self.command()?;
        Ok(Command::Function(name, Arc::new(body)))
    }

    /// Returns the name of an assignment and moves behind its `=`.
    fn assignment(&mut self) -> Option<String> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
        let (name, rest) = rest.split_at(end);
        if !rest.starts_with('=') || !is_name(name) {
            return None;
        }
        self.position += end + 1;
        Some(name.to_owned())
    }

    fn redirects(&mut self) -> Parsed<Vec<Redirect>> {
        let mut redirects = Vec::new();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        Ok(redirects)
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        self.skip_blanks();
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let after = self.rest().get(digits..).unwrap_or_default();
        let mut descriptor = None;
        if digits > 0 {
            if !after.starts_with(['<', '>']) {
                return Ok(None);
            }
            descriptor = self.rest().get(..digits).and_then(|text| text.parse().ok());
            self.position += digits;
        }
        let operator = match self.operator() {
            Some(
                operator @ ("<" | ">" | ">|" | ">>" | "<>" | ">&" | "<&" | "<<" | "<<-" | "<<<"
                | "&>" | "&>>"),
            ) => operator,
            _ => return Ok(None),
        };
        self.take(operator);
        let start = self.position;
        let Some(word) = self.next_word()? else {
            return Err(self.unexpected());
        };
        let action = match operator {
            "<" => Action::Read(word),
            ">" | ">|" => Action::Write(word),
            ">>" => Action::Append(word),
            "<>" => Action::ReadWrite(word),
            "&>" => Action::Both(word, false),
            "&>>" => Action::Both(word, true),
            "<<<" => Action::Text(word),
            "<<" | "<<-" => {
                let raw = self.text.get(start..self.position).unwrap_or_default();
                let raw = raw.trim_matches([' ', '\t']);
                let body = Arc::new(OnceLock::new());
                self.documents.push(Document {
                    delimiter: raw.replace(['\'', '"', '\\'], ""),
                    is_quoted: raw.contains(['\'', '"', '\\']),
                    strips_tabs: operator == "<<-",
                    body: Arc::clone(&body),
                });
                Action::Document(body)
            }
            _ => Action::Duplicate(word),
        };
        let descriptor = descriptor.or(match operator {
            "<" | "<>" | "<&" | "<<" | "<<-" | "<<<" => Some(0),
            "&>" | "&>>" => None,
            _ => Some(1),
        });
        Ok(Some(Redirect { descriptor, action }))
    }

    /// Reads the bodies of the here-documents of the line that has just ended.
    fn read_documents(&mut self) -> Parsed<()> {
        for document in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            while !self.is_at_end() {
                let rest = self.rest();
                let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
                let line = rest.get(..end).unwrap_or_default();
                self.position += end;
                self.line += 1;
                let line = match document.strips_tabs {
                    true => line.trim_start_matches('\t'),
                    false => line,
                };
                if line.strip_suffix('\n').unwrap_or(line) == document.delimiter {
                    break;
                }
                text.push_str(line);
            }
            let word = match document.is_quoted {
                true => Word(vec![super::syntax::Part::Quoted(text)]),
                false => Parser::at(&text, self.dialect, self.line, self.depth).document()?,
            };
            // Each body is read once.
            let _ = document.body.set(word);
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn is_at_end(&self) -> bool {
        self.position >= self.text.len()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    /// Moves behind a text that is known to follow.
    fn take(&mut self, text: &str) {
        self.skip_blanks();
        self.position += text.len();
    }

    /// Skips blanks, joined lines and comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with([' ', '\t', '\r']) {
                self.position += 1;
            } else if rest.starts_with("\\\n") {
                self.position += 2;
                self.line += 1;
            } else if rest.starts_with('#') {
                self.position += rest.find('\n').unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    fn newline(&mut self) -> Parsed<()> {
        self.bump();
        self.read_documents()
    }

    fn skip_newlines(&mut self) -> Parsed<()> {
        loop {
            self.skip_blanks();
            if self.peek() != Some('\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// Returns the operator that follows.
    fn operator(&mut self) -> Option<&'static str> {
        self.skip_blanks();
        let rest = self.rest();
        OPERATORS.into_iter().find(|op| rest.starts_with(op))
    }

    /// Returns the reserved word that follows.
    fn reserved(&mut self) -> Option<&'static str> {
        RESERVED.into_iter().find(|word| self.is_word(word))
    }

    fn is_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let Some(after) = self.rest().strip_prefix(word) else {
            return false;
        };
        after.is_empty() || after.starts_with([' ', '\t', '\n', ';', '&', '|', '(', ')', '<', '>'])
    }

    fn expect(&mut self, word: &'static str) -> Parsed<()> {
        self.skip_newlines()?;
        if self.is_word(word) {
            self.take(word);
            return Ok(());
        }
        Err(self.unexpected_but(word))
    }

    fn expect_operator(&mut self, operator: &'static str) -> Parsed<()> {
        if self.operator() == Some(operator) {
            self.take(operator);
            return Ok(());
        }
        Err(self.unexpected_but(operator))
    }

    /// Returns a name and moves behind it.
    fn name(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = rest.get(..end).filter(|name| is_name(name))?;
        self.position += end;
        Some(name.to_owned())
    }

    fn error(&self, message: impl Into<String>) -> SyntaxError {
        let start = self.text.get(..self.position).unwrap_or_default();
        let start = start.rfind('\n').map_or(0, |newline| newline + 1);
        let source = self.text.get(start..).unwrap_or_default();
        // At the end of the text, bash counts one line more.
        let line = match self.dialect {
            Dialect::Bash if self.is_at_end() => self.line + 1,
            _ => self.line,
        };
        SyntaxError {
            line,
            message: message.into(),
            source: source.lines().next().unwrap_or_default().to_owned(),
        }
    }

    fn unexpected(&mut self) -> SyntaxError {
        let token = self.token();
        self.error(match self.dialect {
            Dialect::Dash => format!("{token} unexpected"),
            Dialect::Bash => near(&token),
        })
    }

    fn unexpected_but(&mut self, expected: &str) -> SyntaxError {
        let token = self.token();
        self.error(match self.dialect {
            Dialect::Dash => format!("{token} unexpected (expecting \"{expected}\")"),
            Dialect::Bash => near(&token),
        })
    }

    /// Returns the name of what follows in messages.
    fn token(&mut self) -> String {
        self.skip_blanks();
        if let Some(operator) = self.operator() {
            return format!("\"{operator}\"");
        }
        if let Some(word) = self.reserved() {
            return format!("\"{word}\"");
        }
        match self.peek() {
            None => "end of file".to_owned(),
            Some('\n') => "newline".to_owned(),
            Some(_) => "word".to_owned(),
        }
    }
}

fn near(token: &str) -> String {
    match token {
        "end of file" => "unexpected end of file".to_owned(),
        token => format!("near unexpected token `{}'", token.trim_matches('"')),
    }
}

/// Returns `true` if a text can be the name of a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_first) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
