//! Expansion: from the words of the syntax tree to text.

mod braces;

use self::braces::braces;
use super::arithmetic::{self, evaluate};
use super::io::Io;
use super::pattern::Pattern;
use super::syntax::{Dialect, Operation, Parameter, Part, Word};
use super::variables::SetError;
use super::{Boxed, Shell, Stop, TEXT_LIMIT};

/// A piece of an expanded word.
#[derive(Debug)]
enum Piece {
    /// Text; whether its wildcards count, and whether it is divided into fields.
    Text {
        text: String,
        is_quoted: bool,
        is_divided: bool,
    },
    /// The end of a field.
    Break,
}

/// A field: its pieces, and whether they are quoted.
type Field = Vec<(String, bool)>;

impl Shell {
    /// Expands words into fields.
    pub(super) async fn fields(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let mut fields = Vec::new();
        for word in words {
            if self.dialect == Dialect::Bash
                && let Some(text) = word.as_literal()
                && text.contains('{')
            {
                for text in braces(text) {
                    self.expand_into(&Word::literal(text), &mut fields).await?;
                }
                continue;
            }
            self.expand_into(word, &mut fields).await?;
        }
        Ok(fields)
    }

    async fn expand_into(&mut self, word: &Word, fields: &mut Vec<String>) -> Result<(), Stop> {
        // Most words are plain text.
        if let Some(text) = word.as_literal()
            && !text.contains(['*', '?', '['])
        {
            fields.push(text.to_owned());
            return Ok(());
        }
        let mut pieces = Vec::new();
        self.pieces(&word.0, false, &mut pieces).await?;
        let separators = self.separators();
        for field in divide(pieces, &separators) {
            let names = match self.options.noglob {
                true => None,
                false => self.paths(&field),
            };
            match names {
                Some(names) => fields.extend(names),
                None => fields.push(field.into_iter().map(|(text, _)| text).collect()),
            }
        }
        Ok(())
    }

    fn separators(&self) -> String {
        self.variables.get("IFS").unwrap_or(" \t\n").to_owned()
    }

    /// Expands a word into one text, without dividing it and without wildcards.
    pub(super) async fn text(&mut self, word: &Word) -> Result<String, Stop> {
        Ok(self
            .quoted_text(word)
            .await?
            .into_iter()
            .map(|(text, _)| text)
            .collect())
    }

    /// Expands a word into a pattern.
    pub(super) async fn pattern(&mut self, word: &Word) -> Result<Pattern, Stop> {
        Ok(Pattern::new(&self.quoted_text(word).await?))
    }

    async fn quoted_text(&mut self, word: &Word) -> Result<Field, Stop> {
        let mut pieces = Vec::new();
        self.pieces(&word.0, false, &mut pieces).await?;
        let text = pieces.into_iter().map(|piece| match piece {
            Piece::Text {
                text, is_quoted, ..
            } => (text, is_quoted),
            Piece::Break => (" ".to_owned(), true),
        });
        Ok(text.collect())
    }

    fn pieces<'a>(
        &'a mut self,
        parts: &'a [Part],
        is_quoted: bool,
        to: &'a mut Vec<Piece>,
    ) -> Boxed<'a, Result<(), Stop>> {
        Box::pin(async move {
            for part in parts {
                let (text, is_quoted, is_divided) = match part {
                    Part::Literal(text) => (text.clone(), is_quoted, false),
                    Part::Quoted(text) => (text.clone(), true, false),
                    Part::Double(parts) => {
                        let before = to.len();
                        self.pieces(parts, true, to).await?;
                        let is_all =
                            |part: &Part| matches!(part, Part::Parameter(p) if p.name == "@");
                        // Without parameters, "$@" is no field at all.
                        if to.len() == before && !parts.iter().any(is_all) {
                            to.push(quoted(""));
                        }
                        continue;
                    }
                    Part::Parameter(parameter) => {
                        self.parameter(parameter, is_quoted, to).await?;
                        continue;
                    }
                    Part::Substitution(list) => {
                        (self.substitute(list).await?, is_quoted, !is_quoted)
                    }
                    Part::Arithmetic(expression) => {
                        let text = self.text(expression).await?;
                        let value = self.evaluate(&text).await?;
                        (value.to_string(), is_quoted, !is_quoted)
                    }
                    Part::Tilde(user) => (self.home(user), true, false),
                };
                if text.len() > TEXT_LIMIT {
                    return Err(self.fail("Cannot allocate memory").await);
                }
                to.push(Piece::Text {
                    text,
                    is_quoted,
                    is_divided,
                });
            }
            Ok(())
        })
    }

    /// Runs commands and returns what they wrote, without newlines at the end.
    async fn substitute(&mut self, list: &super::syntax::List) -> Result<String, Stop> {
        let (io, memory) = Io::memory(TEXT_LIMIT);
        let mut shell = self.subshell();
        shell.files.set(1, io);
        let status = shell.run_subshell(list).await;
        self.status = status;
        self.substituted = Some(status);
        let mut output = memory.take();
        output.retain(|byte| *byte != 0);
        while output.last() == Some(&b'\n') {
            output.pop();
        }
        Ok(match String::from_utf8(output) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// Evaluates an arithmetic expression.
    pub(super) async fn evaluate(&mut self, text: &str) -> Result<i64, Stop> {
        struct Adapter<'a>(&'a mut Shell, Option<(String, SetError)>);
        impl arithmetic::Variables for Adapter<'_> {
            fn get(&self, name: &str) -> String {
                self.0.variables.get(name).unwrap_or_default().to_owned()
            }

            fn set(&mut self, name: &str, value: i64) {
                if let Err(error) = self.0.variables.set(name, value.to_string()) {
                    self.1 = Some((name.to_owned(), error));
                }
            }
        }
        let mut adapter = Adapter(self, None);
        let value = evaluate(text, &mut adapter);
        if let Some((name, error)) = adapter.1 {
            return Err(self.set_failed(&name, error).await);
        }
        match value {
            Ok(value) => Ok(value),
            Err(message) => Err(self.fail(&message).await),
        }
    }

    /// Reports an error that ends the shell.
    pub(super) async fn fail(&mut self, message: &str) -> Stop {
        self.complain(message).await;
        self.goes_to_prompt = self.is_interactive;
        Stop::Exit(match self.dialect {
            Dialect::Dash => 2,
            Dialect::Bash => 1,
        })
    }

    /// Reports that a variable cannot be set.
    pub(super) async fn set_failed(&mut self, name: &str, error: SetError) -> Stop {
        let message = match (error, self.dialect) {
            (SetError::OutOfMemory, _) => "Cannot allocate memory".to_owned(),
            (SetError::Readonly, Dialect::Dash) => format!("{name}: is read only"),
            (SetError::Readonly, Dialect::Bash) => format!("{name}: readonly variable"),
        };
        self.fail(&message).await
    }

    /// Sets a variable, or ends the shell.
    pub(super) async fn assign(&mut self, name: &str, value: String) -> Result<(), Stop> {
        match self.variables.set(name, value) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.set_failed(name, error).await),
        }
    }

    fn home(&self, user: &str) -> String {
        let home = match user {
            "" => self.variables.get("HOME").map(str::to_owned),
            "+" => Some(self.directory.clone()),
            "-" => self.variables.get("OLDPWD").map(str::to_owned),
            user => self.home_of(user),
        };
        home.unwrap_or_else(|| format!("~{user}"))
    }

    /// Returns the value of a parameter that is not `$@` or `$*`.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "#" => Some(self.parameters.len().to_string()),
            "$" => Some(self.pid.to_string()),
            "!" => self.last_job.map(|pid| pid.to_string()),
            "0" => Some(self.name.clone()),
            "-" => Some(self.flags()),
            "@" | "*" => (!self.parameters.is_empty()).then(|| self.joined_parameters()),
            "RANDOM" if self.dialect == Dialect::Bash => {
                Some((self.kernel.clock.since_epoch().subsec_nanos() % 32768).to_string())
            }
            "BASH_VERSION" if self.dialect == Dialect::Bash => Some("5.2.15(1)-release".to_owned()),
            "LINENO" => Some(self.line.to_string()),
            "PPID" => Some("1".to_owned()),
            _ => match name.parse::<usize>() {
                Ok(index) => self.parameters.get(index.wrapping_sub(1)).cloned(),
                Err(_) => self.variables.get(name).map(str::to_owned),
            },
        }
    }

    fn joined_parameters(&self) -> String {
        let separators = self.separators();
        let separator: String = separators.chars().take(1).collect();
        self.parameters.join(&separator)
    }

    async fn parameter(
        &mut self,
        parameter: &Parameter,
        is_quoted: bool,
        to: &mut Vec<Piece>,
    ) -> Result<(), Stop> {
        let name = parameter.name.as_str();
        let text = match &parameter.operation {
            Operation::Value if name == "@" || (name == "*" && !is_quoted) => {
                for (index, text) in self.parameters.iter().enumerate() {
                    if index > 0 {
                        to.push(Piece::Break);
                    }
                    to.push(Piece::Text {
                        text: text.clone(),
                        is_quoted,
                        is_divided: !is_quoted,
                    });
                }
                return Ok(());
            }
            Operation::Value => self.required(name).await?,
            Operation::Length => match name {
                "@" | "*" => self.parameters.len().to_string(),
                _ => self.required(name).await?.chars().count().to_string(),
            },
            Operation::Default {
                operator,
                or_empty,
                word,
            } => {
                let value = self.value(name).filter(|v| !(v.is_empty() && *or_empty));
                match (operator, value) {
                    ('+', Some(_)) | ('-', None) => {
                        return self.default(word, is_quoted, to).await;
                    }
                    ('+', None) => String::new(),
                    (_, Some(value)) => value,
                    ('=', None) => {
                        let value = self.text(word).await?;
                        self.assign(name, value.clone()).await?;
                        value
                    }
                    (_, None) => {
                        let message = self.text(word).await?;
                        let message = match (message.as_str(), self.dialect) {
                            ("", Dialect::Dash) if *or_empty => "parameter not set or null",
                            ("", Dialect::Dash) => "parameter not set",
                            ("", Dialect::Bash) if *or_empty => "parameter null or not set",
                            ("", Dialect::Bash) => "parameter not set",
                            (message, _) => message,
                        };
                        let message = format!("{name}: {message}");
                        let stop = self.fail(&message).await;
                        return Err(match self.dialect {
                            Dialect::Dash => stop,
                            Dialect::Bash => Stop::Exit(127),
                        });
                    }
                }
            }
            Operation::Trim {
                is_suffix,
                is_longest,
                pattern,
            } => {
                let value = self.required(name).await?;
                let pattern = self.pattern(pattern).await?;
                trim(&value, &pattern, *is_suffix, *is_longest)
            }
            Operation::Slice { offset, length } => {
                let value: Vec<char> = self.required(name).await?.chars().collect();
                let count = i64::try_from(value.len()).unwrap_or(i64::MAX);
                let offset = self.text(offset).await?;
                let offset = self.evaluate(&offset).await?;
                let start = if offset < 0 {
                    (count + offset).max(0)
                } else {
                    offset.min(count)
                };
                let end = match length {
                    None => count,
                    Some(length) => {
                        let length = self.text(length).await?;
                        match self.evaluate(&length).await? {
                            length @ ..0 => count.saturating_add(length),
                            length => start.saturating_add(length).min(count),
                        }
                    }
                };
                let index = |n: i64| usize::try_from(n).unwrap_or(0);
                value
                    .get(index(start)..index(end))
                    .unwrap_or_default()
                    .iter()
                    .collect()
            }
            Operation::Replace {
                is_global,
                pattern,
                text,
            } => {
                let value = self.required(name).await?;
                let pattern = self.pattern(pattern).await?;
                let text = self.text(text).await?;
                replace(&value, &pattern, &text, *is_global)
            }
            Operation::Case {
                is_upper,
                is_global,
            } => {
                let value = self.required(name).await?;
                let first = if *is_global { value.chars().count() } else { 1 };
                let changed = value.chars().enumerate().map(|(i, c)| match i < first {
                    true if *is_upper => c.to_ascii_uppercase(),
                    true => c.to_ascii_lowercase(),
                    false => c,
                });
                changed.collect()
            }
            Operation::Bad => return Err(self.fail("Bad substitution").await),
        };
        to.push(Piece::Text {
            text,
            is_quoted,
            is_divided: !is_quoted,
        });
        Ok(())
    }

    /// Expands the word of `${name-word}`, which is divided like text around it.
    async fn default(
        &mut self,
        word: &Word,
        is_quoted: bool,
        to: &mut Vec<Piece>,
    ) -> Result<(), Stop> {
        let mut pieces = Vec::new();
        self.pieces(&word.0, is_quoted, &mut pieces).await?;
        for piece in &mut pieces {
            if let Piece::Text {
                is_quoted: false,
                is_divided,
                ..
            } = piece
            {
                *is_divided = true;
            }
        }
        if pieces.is_empty() && is_quoted {
            pieces.push(quoted(""));
        }
        to.append(&mut pieces);
        Ok(())
    }

    async fn required(&mut self, name: &str) -> Result<String, Stop> {
        match self.value(name) {
            Some(value) => Ok(value),
            None if self.options.nounset && !matches!(name, "@" | "*") => {
                let message = match self.dialect {
                    Dialect::Dash => format!("{name}: parameter not set"),
                    Dialect::Bash => format!("{name}: unbound variable"),
                };
                let stop = self.fail(&message).await;
                Err(match self.dialect {
                    Dialect::Dash => stop,
                    Dialect::Bash => Stop::Exit(127),
                })
            }
            None => Ok(String::new()),
        }
    }
}

fn quoted(text: &str) -> Piece {
    Piece::Text {
        text: text.to_owned(),
        is_quoted: true,
        is_divided: false,
    }
}

/// Divides pieces into fields.
fn divide(pieces: Vec<Piece>, separators: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut field: Option<Field> = None;
    // Whether the field ended with a separator that is not blank: another one makes an empty field.
    for piece in pieces {
        let (text, is_quoted, is_divided) = match piece {
            Piece::Break => {
                fields.extend(field.take());
                continue;
            }
            Piece::Text {
                text,
                is_quoted,
                is_divided,
            } => (text, is_quoted, is_divided),
        };
        if !is_divided {
            // Unquoted text that is empty makes no field.
            if is_quoted || !text.is_empty() {
                field.get_or_insert_default().push((text, is_quoted));
            }
            continue;
        }
        let mut current = String::new();
        let mut characters = text.chars().peekable();
        while let Some(next) = characters.next() {
            if !separators.contains(next) {
                current.push(next);
                continue;
            }
            if !current.is_empty() {
                let part = (std::mem::take(&mut current), false);
                field.get_or_insert_default().push(part);
            }
            // Blanks around one other separator belong to it.
            let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n');
            let mut has_hard = !is_blank(next);
            while let Some(more) = characters.peek()
                && separators.contains(*more)
                && (is_blank(*more) || !has_hard)
            {
                has_hard |= !is_blank(*more);
                characters.next();
            }
            match field.take() {
                Some(done) => fields.push(done),
                None if has_hard => fields.push(Vec::new()),
                None => {}
            }
        }
        if !current.is_empty() {
            field.get_or_insert_default().push((current, false));
        }
    }
    fields.extend(field);
    fields
}

/// Removes the part of a text that a pattern matches at one end.
fn trim(text: &str, pattern: &Pattern, is_suffix: bool, is_longest: bool) -> String {
    let characters: Vec<char> = text.chars().collect();
    let count = characters.len();
    let lengths: Box<dyn Iterator<Item = usize>> = match is_longest {
        true => Box::new((0..=count).rev()),
        false => Box::new(0..=count),
    };
    for length in lengths {
        let (removed, kept) = match is_suffix {
            true => {
                let (kept, removed) = characters.split_at(count - length);
                (removed, kept)
            }
            false => characters.split_at(length),
        };
        if pattern.matches_characters(removed) {
            return kept.iter().collect();
        }
    }
    text.to_owned()
}

/// Replaces what a pattern matches, the longest matches first.
fn replace(text: &str, pattern: &Pattern, with: &str, is_global: bool) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut replaced = String::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = characters.get(at..).unwrap_or_default();
        let longest = (1..=rest.len())
            .rev()
            .find(|n| pattern.matches_characters(rest.get(..*n).unwrap_or_default()));
        match longest {
            Some(length) => {
                replaced.push_str(with);
                at += length;
                if !is_global {
                    break;
                }
            }
            None => {
                replaced.extend(rest.first());
                at += 1;
            }
        }
    }
    replaced.extend(characters.get(at..).unwrap_or_default());
    replaced
}
