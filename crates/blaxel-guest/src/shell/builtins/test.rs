//! `test` and `[[`.

use std::cmp::Ordering;

use crate::files::{FileKind, Files as _, Metadata};
use crate::shell::syntax::{Dialect, Word};
use crate::shell::{Boxed, Run, Shell, Stop, commands};

/// The depth of parentheses.
const MAX_DEPTH: usize = 64;

/// A mistake in an expression.
struct Mistake(String);

impl Shell {
    pub(super) async fn test(&mut self, name: &str, arguments: &[String]) -> Run {
        let mut arguments = arguments;
        if name == "[" {
            match arguments.split_last() {
                Some((last, rest)) if last == "]" => arguments = rest,
                _ => {
                    let message = match self.dialect {
                        Dialect::Dash => "[: missing ]",
                        Dialect::Bash => "[: missing `]'",
                    };
                    return self.refuse(message, 2).await;
                }
            }
        }
        match self.test_expression(arguments) {
            Ok(holds) => Ok(i32::from(!holds)),
            Err(Mistake(message)) => self.refuse(&format!("{name}: {message}"), 2).await,
        }
    }

    fn test_expression(&self, words: &[String]) -> Result<bool, Mistake> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // The meaning of a few words depends on their number alone.
        match words.as_slice() {
            [] => Ok(false),
            [text] => Ok(!text.is_empty()),
            ["!", text] => Ok(text.is_empty()),
            [left, operator, right] if is_binary(operator) => self.binary(left, operator, right),
            ["!", left, operator, right] if is_binary(operator) => {
                Ok(!self.binary(left, operator, right)?)
            }
            words => {
                let mut rest = words;
                let holds = self.or(&mut rest, 0)?;
                match rest.first() {
                    None => Ok(holds),
                    Some(word) => Err(Mistake(match self.dialect {
                        Dialect::Dash => {
                            // A word before it that is no operator is at fault.
                            let word = match words.len() - rest.len() {
                                1 => words.first().unwrap_or(word),
                                _ => word,
                            };
                            format!("{word}: unexpected operator")
                        }
                        Dialect::Bash => "too many arguments".to_owned(),
                    })),
                }
            }
        }
    }

    fn or(&self, rest: &mut &[&str], depth: usize) -> Result<bool, Mistake> {
        let mut holds = self.and(rest, depth)?;
        while rest.first() == Some(&"-o") {
            *rest = rest.get(1..).unwrap_or_default();
            holds |= self.and(rest, depth)?;
        }
        Ok(holds)
    }

    fn and(&self, rest: &mut &[&str], depth: usize) -> Result<bool, Mistake> {
        let mut holds = self.primary(rest, depth)?;
        while rest.first() == Some(&"-a") {
            *rest = rest.get(1..).unwrap_or_default();
            holds &= self.primary(rest, depth)?;
        }
        Ok(holds)
    }

    fn primary(&self, rest: &mut &[&str], depth: usize) -> Result<bool, Mistake> {
        if depth > MAX_DEPTH {
            return Err(Mistake("too many arguments".to_owned()));
        }
        let (taken, holds) = match *rest {
            ["!", ..] => {
                *rest = rest.get(1..).unwrap_or_default();
                return Ok(!self.primary(rest, depth + 1)?);
            }
            [left, operator, right, ..] if is_binary(operator) => {
                (3, self.binary(left, operator, right)?)
            }
            ["(", ..] => {
                *rest = rest.get(1..).unwrap_or_default();
                let holds = self.or(rest, depth + 1)?;
                if rest.first() != Some(&")") {
                    return Err(Mistake("closing paren expected".to_owned()));
                }
                (1, holds)
            }
            [operator, operand, ..] if is_unary(operator) => (2, self.unary(operator, operand)),
            [operator] if is_unary(operator) => {
                return Err(Mistake("argument expected".to_owned()));
            }
            [text, ..] => (1, !text.is_empty()),
            [] => return Err(Mistake("argument expected".to_owned())),
        };
        *rest = rest.get(taken..).unwrap_or_default();
        Ok(holds)
    }

    fn unary(&self, operator: &str, operand: &str) -> bool {
        let path = self.path(operand);
        // The programs of the machine have no files.
        if matches!(operator, "-e" | "-f" | "-r" | "-s" | "-x") && commands::is_program(&path) {
            return true;
        }
        let found = || self.disk.metadata(&path);
        let is = |kind| found().is_ok_and(|file| file.kind == kind);
        let has_mode = |bits: u32| found().is_ok_and(|file| file.mode & bits != 0);
        match operator {
            "-n" => !operand.is_empty(),
            "-z" => operand.is_empty(),
            "-e" | "-a" => !operand.is_empty() && found().is_ok(),
            "-f" => is(FileKind::File),
            "-d" => is(FileKind::Directory),
            "-L" | "-h" => self
                .disk
                .link_metadata(&path)
                .is_ok_and(|file| file.kind == FileKind::Symlink),
            "-p" => is(FileKind::Pipe),
            "-S" => is(FileKind::Socket),
            "-b" => is(FileKind::BlockDevice),
            "-c" => is(FileKind::CharDevice),
            "-s" => found().is_ok_and(|file| file.size > 0),
            "-r" => self.may(&path, 4),
            "-w" => self.may(&path, 2),
            "-x" => self.may(&path, 1),
            "-u" => has_mode(0o4000),
            "-g" => has_mode(0o2000),
            "-k" => has_mode(0o1000),
            "-O" | "-G" | "-N" => found().is_ok(),
            "-t" => self.is_interactive,
            "-v" => self.variables.get(operand).is_some(),
            _ => false,
        }
    }

    /// Returns `true` if the user of the shell has a right to a file.
    pub(in crate::shell) fn may(&self, path: &str, bit: u32) -> bool {
        let Ok(file) = self.disk.metadata(path) else {
            return false;
        };
        let (user, group) = self.disk.user();
        let is_executable = file.kind == FileKind::Directory || file.mode & 0o111 != 0;
        if user == 0 {
            return bit != 1 || is_executable;
        }
        let shift = match file {
            Metadata { user: owner, .. } if owner == user => 6,
            Metadata { group: owner, .. } if owner == group => 3,
            _ => 0,
        };
        file.mode >> shift & bit != 0
    }

    fn binary(&self, left: &str, operator: &str, right: &str) -> Result<bool, Mistake> {
        let number = |text: &str| {
            let parsed = text.trim().parse::<i64>();
            parsed.map_err(|_| {
                Mistake(match self.dialect {
                    Dialect::Dash => format!("Illegal number: {text}"),
                    Dialect::Bash => format!("{text}: integer expression expected"),
                })
            })
        };
        let compared = || Ok(number(left)?.cmp(&number(right)?));
        let times = || {
            let time = |path: &str| self.disk.metadata(&self.path(path)).ok();
            (time(left), time(right))
        };
        Ok(match operator {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            ">" => left > right,
            "-eq" => compared()? == Ordering::Equal,
            "-ne" => compared()? != Ordering::Equal,
            "-lt" => compared()? == Ordering::Less,
            "-le" => compared()? != Ordering::Greater,
            "-gt" => compared()? == Ordering::Greater,
            "-ge" => compared()? != Ordering::Less,
            "-nt" => match times() {
                (Some(left), Some(right)) => left.modified > right.modified,
                (left, _) => left.is_some(),
            },
            "-ot" => match times() {
                (Some(left), Some(right)) => left.modified < right.modified,
                (_, right) => right.is_some(),
            },
            _ => match times() {
                (Some(left), Some(right)) => left.inode == right.inode,
                _ => false,
            },
        })
    }

    /// Evaluates `[[ … ]]`.
    pub(in crate::shell) async fn double_bracket(&mut self, words: &[Word]) -> Run {
        let mut rest = words;
        let holds = self.bracket_or(&mut rest, 0).await?;
        Ok(i32::from(!holds))
    }

    fn bracket_or<'a>(
        &'a mut self,
        rest: &'a mut &[Word],
        depth: usize,
    ) -> Boxed<'a, Result<bool, Stop>> {
        Box::pin(async move {
            let mut holds = self.bracket_and(rest, depth).await?;
            while rest.first().and_then(Word::as_literal) == Some("||") {
                *rest = rest.get(1..).unwrap_or_default();
                holds |= self.bracket_and(rest, depth).await?;
            }
            Ok(holds)
        })
    }

    async fn bracket_and(&mut self, rest: &mut &[Word], depth: usize) -> Result<bool, Stop> {
        let mut holds = self.bracket_primary(rest, depth).await?;
        while rest.first().and_then(Word::as_literal) == Some("&&") {
            *rest = rest.get(1..).unwrap_or_default();
            holds &= self.bracket_primary(rest, depth).await?;
        }
        Ok(holds)
    }

    async fn bracket_primary(&mut self, rest: &mut &[Word], depth: usize) -> Result<bool, Stop> {
        let words = *rest;
        let literal = |index: usize| words.get(index).and_then(Word::as_literal);
        let mut is_negated = false;
        let mut at = 0;
        while literal(at) == Some("!") {
            is_negated = !is_negated;
            at += 1;
        }
        let left = words.get(at).cloned().unwrap_or_default();
        let (taken, holds) = match (literal(at), literal(at + 1)) {
            (Some("("), _) if depth < MAX_DEPTH => {
                *rest = words.get(at + 1..).unwrap_or_default();
                let holds = self.bracket_or(rest, depth + 1).await?;
                let inside = words.len() - rest.len();
                (inside + 1, holds)
            }
            (_, Some(operator)) if is_binary(operator) || operator == "=~" => {
                let right = words.get(at + 2).cloned().unwrap_or_default();
                let left = self.text(&left).await?;
                let holds = match operator {
                    "=" | "==" => self.pattern(&right).await?.matches(&left),
                    "!=" => !self.pattern(&right).await?.matches(&left),
                    "=~" => {
                        let right = self.text(&right).await?;
                        let regex = regex_lite::Regex::new(&right);
                        regex.is_ok_and(|regex| regex.is_match(&left))
                    }
                    "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                        let right = self.text(&right).await?;
                        let left = self.evaluate(&left).await?.to_string();
                        let right = self.evaluate(&right).await?.to_string();
                        self.binary(&left, operator, &right).unwrap_or(false)
                    }
                    operator => {
                        let right = self.text(&right).await?;
                        self.binary(&left, operator, &right).unwrap_or(false)
                    }
                };
                (at + 3, holds)
            }
            (Some(operator), _) if is_unary(operator) && words.len() > at + 1 => {
                let operand = words.get(at + 1).cloned().unwrap_or_default();
                let operand = self.text(&operand).await?;
                (at + 2, self.unary(operator, &operand))
            }
            _ => (at + 1, !self.text(&left).await?.is_empty()),
        };
        *rest = words.get(taken..).unwrap_or_default();
        Ok(holds != is_negated)
    }
}

fn is_binary(word: &str) -> bool {
    matches!(
        word,
        "=" | "=="
            | "!="
            | "<"
            | ">"
            | "-eq"
            | "-ne"
            | "-lt"
            | "-le"
            | "-gt"
            | "-ge"
            | "-nt"
            | "-ot"
            | "-ef"
    )
}

fn is_unary(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next() == Some('-')
        && characters
            .next()
            .is_some_and(|c| "nzefdLhpSbcsrwxugkOGNtva".contains(c))
        && characters.next().is_none()
}
