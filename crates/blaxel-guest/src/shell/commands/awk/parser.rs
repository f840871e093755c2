//! The parser of `awk` programs.

mod expressions;

use super::lexer::{Token, tokens};
use super::syntax::{Expression, Pattern, Rule, Statement};

/// The nesting of expressions and statements.
const MAX_DEPTH: usize = 200;

/// Parses a program. The error is a message.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let tokens = tokens(text).map_err(|line| format!("line {line}: syntax error"))?;
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        is_printing: false,
    };
    let mut rules = Vec::new();
    loop {
        parser.skip_ends();
        if parser.peek().is_none() {
            return Ok(rules);
        }
        rules.push(parser.rule()?);
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
    /// `true` in the values of `print` without parentheses, where `>` is no comparison.
    is_printing: bool,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1).map(|(token, _)| token)
    }

    fn is_at(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(name) | Token::Call(name)) if name == word)
    }

    fn accept(&mut self, sign: &str) -> bool {
        let is_found = self.is_at(sign);
        self.at += usize::from(is_found);
        is_found
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let is_found = self.is_word(word);
        self.at += usize::from(is_found);
        is_found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        match self.accept(sign) {
            true => Ok(()),
            false => Err(self.error()),
        }
    }

    fn error(&self) -> String {
        let last = self.tokens.last().map_or(1, |(_, line)| *line);
        let line = self.tokens.get(self.at).map_or(last, |(_, line)| *line);
        let shown = match self.peek() {
            None => "end of file".to_owned(),
            Some(Token::Number(number)) => number.to_string(),
            Some(Token::Text(text) | Token::Regex(text)) => text.clone(),
            Some(Token::Name(name) | Token::Call(name)) => name.clone(),
            Some(Token::Sign(sign)) => (*sign).to_owned(),
            Some(Token::Newline) => "end of line".to_owned(),
        };
        format!("line {line}: syntax error at or near {shown}")
    }

    /// Returns the error for something that the real program has, and this one has not.
    fn missing<T>(&self, what: &str) -> Parsed<T> {
        Err(format!("{what} is not supported by simulated machines"))
    }

    fn skip_newlines(&mut self) {
        while self.peek() == Some(&Token::Newline) {
            self.at += 1;
        }
    }

    fn skip_ends(&mut self) {
        while self.peek() == Some(&Token::Newline) || self.is_at(";") {
            self.at += 1;
        }
    }

    fn descend(&mut self) -> Parsed<()> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err("the program is nested too deeply".to_owned()),
            false => Ok(()),
        }
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let pattern = if self.accept_word("BEGIN") {
            Pattern::Begin
        } else if self.accept_word("END") {
            Pattern::End
        } else if self.is_word("function") || self.is_word("func") {
            return self.missing("function");
        } else if self.is_at("{") {
            Pattern::Always
        } else {
            let first = self.expression()?;
            match self.accept(",") {
                true => {
                    self.skip_newlines();
                    Pattern::Between(first, self.expression()?)
                }
                false => Pattern::When(first),
            }
        };
        let needs_action = matches!(pattern, Pattern::Begin | Pattern::End);
        let action = match self.is_at("{") {
            true => Some(self.block()?),
            false if needs_action => return Err(self.error()),
            false => None,
        };
        Ok(Rule { pattern, action })
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            self.skip_ends();
            if self.accept("}") {
                return Ok(statements);
            }
            statements.push(self.statement()?);
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.descend()?;
        let statement = self.any_statement();
        self.depth -= 1;
        statement
    }

    /// Parses a statement that may be on the next line.
    fn body(&mut self) -> Parsed<Box<Statement>> {
        self.skip_newlines();
        if self.accept(";") {
            return Ok(Box::new(Statement::Block(Vec::new())));
        }
        Ok(Box::new(self.statement()?))
    }

    fn any_statement(&mut self) -> Parsed<Statement> {
        if self.is_at("{") {
            return Ok(Statement::Block(self.block()?));
        }
        if self.accept_word("if") {
            let condition = self.condition()?;
            let then = self.body()?;
            let before = self.at;
            self.skip_ends();
            let otherwise = match self.accept_word("else") {
                true => Some(self.body()?),
                false => {
                    self.at = before;
                    None
                }
            };
            return Ok(Statement::If(condition, then, otherwise));
        }
        if self.accept_word("while") {
            let condition = Some(self.condition()?);
            let body = self.body()?;
            return Ok(Statement::While {
                condition,
                step: None,
                body,
                checks_first: true,
            });
        }
        if self.accept_word("do") {
            let body = self.body()?;
            self.skip_ends();
            if !self.accept_word("while") {
                return Err(self.error());
            }
            let condition = Some(self.condition()?);
            return Ok(Statement::While {
                condition,
                step: None,
                body,
                checks_first: false,
            });
        }
        if self.accept_word("for") {
            return self.for_loop();
        }
        let statement = self.simple()?;
        match self.peek() {
            None | Some(Token::Newline) => {}
            Some(Token::Sign(";" | "}")) => {}
            _ => return Err(self.error()),
        }
        Ok(statement)
    }

    fn condition(&mut self) -> Parsed<Expression> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn for_loop(&mut self) -> Parsed<Statement> {
        self.expect("(")?;
        let in_array = |parser: &Self| {
            let tokens: Vec<_> = (0..4)
                .filter_map(|n| parser.tokens.get(parser.at + n))
                .collect();
            match tokens.as_slice() {
                [
                    (Token::Name(variable), _),
                    (Token::Name(word), _),
                    (Token::Name(array), _),
                    (Token::Sign(")"), _),
                ] if word == "in" => Some((variable.clone(), array.clone())),
                _ => None,
            }
        };
        if let Some((variable, array)) = in_array(self) {
            self.at += 4;
            let body = self.body()?;
            return Ok(Statement::Each {
                variable,
                array,
                body,
            });
        }
        let start = match self.is_at(";") {
            true => None,
            false => Some(self.simple()?),
        };
        self.expect(";")?;
        self.skip_newlines();
        let condition = match self.is_at(";") {
            true => None,
            false => Some(self.expression()?),
        };
        self.expect(";")?;
        self.skip_newlines();
        let step = match self.is_at(")") {
            true => None,
            false => Some(Box::new(self.simple()?)),
        };
        self.expect(")")?;
        let body = self.body()?;
        let looped = Statement::While {
            condition,
            step,
            body,
            checks_first: true,
        };
        Ok(Statement::Block(
            start.into_iter().chain([looped]).collect(),
        ))
    }

    fn simple(&mut self) -> Parsed<Statement> {
        for (word, is_formatted) in [("print", false), ("printf", true)] {
            if self.accept_word(word) {
                return self.print(is_formatted);
            }
        }
        if self.accept_word("delete") {
            let name = self.name()?;
            let index = match self.accept("[") {
                true => Some(self.list("]")?),
                false => None,
            };
            return Ok(Statement::Delete(name, index));
        }
        if self.is_word("getline") {
            return self.missing("getline");
        }
        let word = match self.peek() {
            Some(Token::Name(name) | Token::Call(name)) => name.clone(),
            _ => String::new(),
        };
        let statement = match word.as_str() {
            "next" => Statement::Next,
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "exit" => {
                self.at += 1;
                let has_status = !self.ends_statement();
                let status = has_status.then(|| self.expression()).transpose()?;
                return Ok(Statement::Exit(status));
            }
            _ => return Ok(Statement::Expression(self.expression()?)),
        };
        self.at += 1;
        Ok(statement)
    }

    fn ends_statement(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(Token::Newline | Token::Sign(";" | "}" | ")" | ">" | "|" | ">>"))
        )
    }

    fn print(&mut self, is_formatted: bool) -> Parsed<Statement> {
        let mut values = Vec::new();
        self.is_printing = true;
        while !self.ends_statement() {
            values.push(self.expression()?);
            if !self.accept(",") {
                break;
            }
            self.skip_newlines();
        }
        self.is_printing = false;
        if let [Expression::Group(_)] = values.as_slice()
            && let Some(Expression::Group(inner)) = values.pop()
        {
            values = inner;
        }
        let mut to_stderr = false;
        if self.accept(">") || self.accept(">>") {
            match self.peek() {
                Some(Token::Text(path)) if path == "/dev/stderr" => to_stderr = true,
                Some(Token::Text(path)) if path == "/dev/stdout" => {}
                _ => return self.missing("output to a file"),
            }
            self.at += 1;
        } else if self.is_at("|") {
            return self.missing("output to a command");
        }
        if is_formatted && values.is_empty() {
            return Err(self.error());
        }
        Ok(Statement::Print {
            values,
            is_formatted,
            to_stderr,
        })
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.error()),
        }
    }

    /// Parses expressions up to the sign that closes them.
    fn list(&mut self, close: &str) -> Parsed<Vec<Expression>> {
        let was_printing = std::mem::take(&mut self.is_printing);
        let mut values = Vec::new();
        self.skip_newlines();
        while !self.is_at(close) {
            values.push(self.expression()?);
            self.skip_newlines();
            if !self.accept(",") {
                break;
            }
            self.skip_newlines();
        }
        self.expect(close)?;
        self.is_printing = was_printing;
        Ok(values)
    }
}
