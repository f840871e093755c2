//! Compound commands: conditions, loops, choices, tests and arithmetic.

use super::{Parsed, Parser};
use crate::shell::syntax::{Command, Compound, List, Word};

impl Parser<'_> {
    pub(super) fn if_clause(&mut self) -> Parsed<Compound> {
        let mut branches = Vec::new();
        self.take("if");
        loop {
            let condition = self.list("if")?;
            self.expect("then")?;
            let body = self.list("then")?;
            branches.push((condition, body));
            match self.reserved() {
                Some("elif") => self.take("elif"),
                Some("else") => {
                    self.take("else");
                    let otherwise = Some(self.list("else")?);
                    self.expect("fi")?;
                    return Ok(Compound::If {
                        branches,
                        otherwise,
                    });
                }
                _ => {
                    self.expect("fi")?;
                    return Ok(Compound::If {
                        branches,
                        otherwise: None,
                    });
                }
            }
        }
    }

    pub(super) fn for_clause(&mut self) -> Parsed<Compound> {
        self.take("for");
        self.skip_blanks();
        let Some(name) = self.name() else {
            return Err(self.error("Bad for loop variable"));
        };
        self.skip_newlines()?;
        let mut words = None;
        if self.reserved() == Some("in") {
            self.take("in");
            let mut listed = Vec::new();
            while let Some(word) = self.next_word()? {
                listed.push(word);
            }
            words = Some(listed);
        }
        self.skip_blanks();
        if self.operator() == Some(";") {
            self.take(";");
        }
        self.skip_newlines()?;
        let body = self.body()?;
        Ok(Compound::For { name, words, body })
    }

    pub(super) fn body(&mut self) -> Parsed<List> {
        self.expect("do")?;
        let body = self.list("do")?;
        self.expect("done")?;
        Ok(body)
    }

    pub(super) fn case_clause(&mut self) -> Parsed<Compound> {
        self.take("case");
        let Some(subject) = self.next_word()? else {
            return Err(self.unexpected());
        };
        self.skip_newlines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.reserved() == Some("esac") {
                self.take("esac");
                return Ok(Compound::Case { subject, arms });
            }
            if self.operator() == Some("(") {
                self.take("(");
            }
            let mut patterns = Vec::new();
            loop {
                match self.next_word()? {
                    Some(pattern) => patterns.push(pattern),
                    None => return Err(self.unexpected_but(")")),
                }
                if self.operator() != Some("|") {
                    break;
                }
                self.take("|");
            }
            self.expect_operator(")")?;
            let body = self.list("")?;
            arms.push((patterns, body));
            if self.operator() == Some(";;") {
                self.take(";;");
            } else if self.reserved() != Some("esac") {
                return Err(self.unexpected_but("esac"));
            }
        }
    }

    pub(super) fn test(&mut self) -> Parsed<Compound> {
        let line = self.line;
        self.skip_blanks();
        self.position += 2;
        let mut words = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.is_word("]]") {
                self.take("]]");
                return Ok(Compound::Test { line, words });
            }
            if let Some(operator @ ("&&" | "||" | "(" | ")" | "<" | ">")) = self.operator() {
                self.take(operator);
                words.push(Word::literal(operator));
                continue;
            }
            // The right side of `=~` may have parentheses.
            let is_regex = words
                .last()
                .and_then(Word::as_literal)
                .is_some_and(|word| word == "=~");
            let word = match is_regex {
                true => self.regex_word()?,
                false => self.next_word()?,
            };
            match word {
                Some(word) => words.push(word),
                None => return Err(self.unexpected()),
            }
        }
    }

    pub(super) fn arithmetic_command(&mut self) -> Parsed<Command> {
        let line = self.line;
        self.position += 2;
        let Some(expression) = self.arithmetic()? else {
            return Err(self.unexpected());
        };
        let redirects = self.redirects()?;
        Ok(Command::Compound(
            Compound::Arithmetic { line, expression },
            redirects,
        ))
    }
}
