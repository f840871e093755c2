//! `find`.

use std::time::Duration;

use super::lines::size;
use super::listing::mode_text;
use super::{Done, quoted};
use crate::files::{FileKind, Files as _, Metadata, join};
use crate::shell::pattern::Pattern;
use crate::shell::{Boxed, Shell};

/// The depth of parentheses and negations.
const MAX_DEPTH: usize = 64;

enum Test {
    Name(Pattern, bool),
    Path(Pattern),
    Type(Vec<FileKind>),
    Empty,
    Size(Comparison, u64),
    Minutes(Comparison, u64),
    Newer(Duration),
    Mode(u32, char),
    Prune,
    Print(&'static str),
    Delete,
    Exec(Vec<String>, bool),
    Quit,
    Printf(String),
    Constant(bool),
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

#[derive(Clone, Copy)]
enum Comparison {
    Less,
    Equal,
    More,
}

impl Comparison {
    fn read(text: &str) -> (Self, &str) {
        match text.split_at_checked(1) {
            Some(("+", rest)) => (Self::More, rest),
            Some(("-", rest)) => (Self::Less, rest),
            _ => (Self::Equal, text),
        }
    }

    fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Less => left < right,
            Self::Equal => left == right,
            Self::More => left > right,
        }
    }
}

struct Options {
    min_depth: usize,
    max_depth: usize,
    is_depth_first: bool,
    follows: bool,
}

/// Reads the expression.
struct Reader<'a> {
    shell: &'a Shell,
    words: &'a [String],
    options: Options,
    has_action: bool,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.first().map(String::as_str)
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn or(&mut self) -> Result<Test, String> {
        let mut left = self.and()?;
        while matches!(self.peek(), Some("-o" | "-or")) {
            self.next();
            left = Test::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Test, String> {
        let mut left = self.primary()?;
        loop {
            match self.peek() {
                None | Some("-o" | "-or" | ")") => return Ok(left),
                Some("-a" | "-and") => {
                    self.next();
                }
                Some(_) => {}
            }
            left = Test::And(Box::new(left), Box::new(self.primary()?));
        }
    }

    fn value(&mut self, name: &str) -> Result<&'a str, String> {
        self.next()
            .ok_or_else(|| format!("missing argument to `{name}'"))
    }

    fn primary(&mut self) -> Result<Test, String> {
        if self.depth >= MAX_DEPTH {
            return Err("the expression is nested too deeply".to_owned());
        }
        self.depth += 1;
        let test = self.primary_unchecked();
        self.depth -= 1;
        test
    }

    fn primary_unchecked(&mut self) -> Result<Test, String> {
        let Some(word) = self.next() else {
            return Err("invalid expression; expected an expression".to_owned());
        };
        Ok(match word {
            "!" | "-not" => Test::Not(Box::new(self.primary()?)),
            "(" => {
                let inner = self.or()?;
                if self.next() != Some(")") {
                    return Err("invalid expression; I was expecting to find a ')' somewhere but did not see one.".to_owned());
                }
                inner
            }
            "-name" => Test::Name(Pattern::unquoted(self.value(word)?), false),
            "-iname" => Test::Name(Pattern::unquoted(&self.value(word)?.to_lowercase()), true),
            "-path" | "-wholename" => Test::Path(Pattern::unquoted(self.value(word)?)),
            "-type" => {
                let value = self.value(word)?;
                let mut kinds = Vec::new();
                for letter in value.split(',') {
                    kinds.push(match letter {
                        "f" => FileKind::File,
                        "d" => FileKind::Directory,
                        "l" => FileKind::Symlink,
                        "c" => FileKind::CharDevice,
                        "b" => FileKind::BlockDevice,
                        "p" => FileKind::Pipe,
                        "s" => FileKind::Socket,
                        other => return Err(format!("Unknown argument to -type: {other}")),
                    });
                }
                Test::Type(kinds)
            }
            "-empty" => Test::Empty,
            "-size" => {
                let value = self.value(word)?;
                let (comparison, text) = Comparison::read(value);
                let number = size(text).filter(|_| !text.is_empty());
                let number =
                    number.ok_or_else(|| format!("Invalid argument `{value}' to -size"))?;
                let blocks = match text.ends_with(|c: char| c.is_ascii_digit()) {
                    true => number * 512,
                    false => number,
                };
                Test::Size(comparison, blocks)
            }
            "-mtime" | "-mmin" => {
                let value = self.value(word)?;
                let (comparison, text) = Comparison::read(value);
                let number: u64 = text
                    .parse()
                    .map_err(|_| format!("invalid argument `{value}' to `{word}'"))?;
                Test::Minutes(
                    comparison,
                    if word == "-mtime" {
                        number * 1440
                    } else {
                        number
                    },
                )
            }
            "-newer" => {
                let value = self.value(word)?;
                let file = self.shell.disk.metadata(&self.shell.path(value));
                let file = file.map_err(|errno| format!("{}: {}", quoted(value), errno.text()))?;
                Test::Newer(file.modified)
            }
            "-perm" => {
                let value = self.value(word)?;
                let (kind, digits) = match value.split_at_checked(1) {
                    Some(("-", rest)) => ('-', rest),
                    Some(("/", rest)) => ('/', rest),
                    _ => ('=', value),
                };
                let mode = u32::from_str_radix(digits, 8);
                Test::Mode(
                    mode.map_err(|_| format!("invalid mode {}", quoted(value)))?,
                    kind,
                )
            }
            "-maxdepth" | "-mindepth" => {
                let value = self.value(word)?;
                let depth = value.parse().map_err(|_| {
                    format!(
                        "Expected a positive decimal integer argument to {word}, but got {}",
                        quoted(value)
                    )
                })?;
                match word {
                    "-maxdepth" => self.options.max_depth = depth,
                    _ => self.options.min_depth = depth,
                }
                Test::Constant(true)
            }
            "-depth" => {
                self.options.is_depth_first = true;
                Test::Constant(true)
            }
            "-mount" | "-xdev" | "-noleaf" | "-true" => Test::Constant(true),
            "-false" => Test::Constant(false),
            "-prune" => Test::Prune,
            "-print" => self.action(Test::Print("\n")),
            "-print0" => self.action(Test::Print("\0")),
            "-quit" => self.action(Test::Quit),
            "-printf" => {
                let format = self.value(word)?.to_owned();
                self.action(Test::Printf(format))
            }
            "-delete" => {
                self.options.is_depth_first = true;
                self.action(Test::Delete)
            }
            "-exec" | "-ok" => {
                let mut command = Vec::new();
                loop {
                    match self.next() {
                        Some(";") => break self.action(Test::Exec(command, false)),
                        Some("+") if command.last().is_some_and(|word| word == "{}") => {
                            break self.action(Test::Exec(command, true));
                        }
                        Some(word) => command.push(word.to_owned()),
                        None => return Err(format!("missing argument to `{word}'")),
                    }
                }
            }
            other if other.starts_with('-') => return Err(format!("unknown predicate `{other}'")),
            other => return Err(format!("paths must precede expression: `{other}'")),
        })
    }

    fn action(&mut self, test: Test) -> Test {
        self.has_action = true;
        test
    }
}

/// An entry that is tested.
struct Entry<'a> {
    name: &'a str,
    path: &'a str,
    file: Metadata,
    depth: usize,
    start: &'a str,
}

/// The run of an expression.
struct Walk<'a> {
    shell: &'a mut Shell,
    test: &'a Test,
    options: &'a Options,
    is_pruned: bool,
    is_over: bool,
    status: i32,
    /// The paths for `-exec … +`.
    collected: Vec<String>,
}

pub(super) async fn find(shell: &mut Shell, arguments: &[String]) -> Done {
    let is_option = |word: &String| matches!(word.as_str(), "-L" | "-H" | "-P");
    let follows = arguments
        .iter()
        .take_while(|word| is_option(word))
        .any(|word| word == "-L");
    let skipped = arguments.iter().take_while(|word| is_option(word)).count();
    let arguments = arguments.get(skipped..).unwrap_or_default();
    let is_expression = |word: &String| word.starts_with('-') || matches!(word.as_str(), "!" | "(");
    let count = arguments
        .iter()
        .position(is_expression)
        .unwrap_or(arguments.len());
    let (starts, words) = arguments.split_at(count);
    let starts = match starts.is_empty() {
        true => vec![".".to_owned()],
        false => starts.to_vec(),
    };
    let mut reader = Reader {
        shell,
        words,
        options: Options {
            min_depth: 0,
            max_depth: usize::MAX,
            is_depth_first: false,
            follows,
        },
        has_action: false,
        depth: 0,
    };
    let parsed = match words.is_empty() {
        true => Ok(Test::Constant(true)),
        false => reader.or(),
    };
    let parsed = parsed.and_then(|test| match reader.next() {
        None => Ok(test),
        Some(_) => Err("invalid expression; you have too many ')'".to_owned()),
    });
    let (options, has_action) = (reader.options, reader.has_action);
    let test = match parsed {
        Ok(test) if has_action => test,
        Ok(test) => Test::And(Box::new(test), Box::new(Test::Print("\n"))),
        Err(message) => {
            shell.report_of("find", message).await;
            return Err(1);
        }
    };
    let mut walk = Walk {
        shell,
        test: &test,
        options: &options,
        is_pruned: false,
        is_over: false,
        status: 0,
        collected: Vec::new(),
    };
    for start in &starts {
        let path = walk.shell.path(start);
        walk.visit(start, &path, 0, start).await?;
    }
    let collected = std::mem::take(&mut walk.collected);
    let mut status = walk.status;
    if let (Some(command), false) = (collecting(&test), collected.is_empty()) {
        let words: Vec<String> = command
            .iter()
            .flat_map(|word| match word == "{}" {
                true => collected.clone(),
                false => vec![word.clone()],
            })
            .collect();
        if shell.run_words("find", &words).await != 0 {
            status = 1;
        }
    }
    Ok(status)
}

/// Returns the command of `-exec … +`.
fn collecting(test: &Test) -> Option<&Vec<String>> {
    match test {
        Test::Exec(command, true) => Some(command),
        Test::Not(inner) => collecting(inner),
        Test::And(left, right) | Test::Or(left, right) => {
            collecting(left).or_else(|| collecting(right))
        }
        _ => None,
    }
}

impl Walk<'_> {
    fn visit<'a>(
        &'a mut self,
        name: &'a str,
        path: &'a str,
        depth: usize,
        start: &'a str,
    ) -> Boxed<'a, Result<(), i32>> {
        Box::pin(async move {
            if self.is_over {
                return Ok(());
            }
            self.shell.step().await;
            let found = match self.options.follows {
                true => self
                    .shell
                    .disk
                    .metadata(path)
                    .or_else(|_| self.shell.disk.link_metadata(path)),
                false => self.shell.disk.link_metadata(path),
            };
            let file = match found {
                Ok(file) => file,
                Err(errno) => {
                    self.status = 1;
                    let message = format!("{}: {}", quoted(name), errno.text());
                    self.shell.report_of("find", message).await;
                    return Ok(());
                }
            };
            let entry = Entry {
                name,
                path,
                file,
                depth,
                start,
            };
            self.is_pruned = false;
            if !self.options.is_depth_first && depth >= self.options.min_depth {
                let test = self.test;
                self.holds(test, &entry).await?;
            }
            let is_pruned = std::mem::take(&mut self.is_pruned);
            if file.kind == FileKind::Directory && depth < self.options.max_depth && !is_pruned {
                match self.shell.disk.read_dir(path) {
                    Ok(entries) => {
                        for below in entries {
                            let shown = match name.ends_with('/') {
                                true => format!("{name}{}", below.name),
                                false => format!("{name}/{}", below.name),
                            };
                            let below = join(path, &below.name);
                            self.visit(&shown, &below, depth + 1, start).await?;
                        }
                    }
                    Err(errno) => {
                        self.status = 1;
                        let message = format!("{}: {}", quoted(name), errno.text());
                        self.shell.report_of("find", message).await;
                    }
                }
            }
            if self.options.is_depth_first && depth >= self.options.min_depth {
                let test = self.test;
                self.holds(test, &entry).await?;
            }
            Ok(())
        })
    }

    fn holds<'a>(
        &'a mut self,
        test: &'a Test,
        entry: &'a Entry<'a>,
    ) -> Boxed<'a, Result<bool, i32>> {
        Box::pin(async move {
            let file = &entry.file;
            let base = entry
                .name
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or(entry.name);
            Ok(match test {
                Test::Name(pattern, ignores_case) => match ignores_case {
                    true => pattern.matches(&base.to_lowercase()),
                    false => pattern.matches(base),
                },
                Test::Path(pattern) => pattern.matches(entry.name),
                Test::Type(kinds) => kinds.contains(&file.kind),
                Test::Empty => match file.kind {
                    FileKind::File => file.size == 0,
                    FileKind::Directory => self
                        .shell
                        .disk
                        .read_dir(entry.path)
                        .is_ok_and(|entries| entries.is_empty()),
                    _ => false,
                },
                Test::Size(comparison, bytes) => comparison.holds(file.size, *bytes),
                Test::Minutes(comparison, minutes) => {
                    let age = self
                        .shell
                        .kernel
                        .clock
                        .since_epoch()
                        .saturating_sub(file.modified);
                    comparison.holds(age.as_secs() / 60, *minutes)
                }
                Test::Newer(time) => file.modified > *time,
                Test::Mode(mode, '-') => file.mode & mode == *mode,
                Test::Mode(mode, '/') => file.mode & mode != 0 || *mode == 0,
                Test::Mode(mode, _) => file.mode == *mode,
                Test::Prune => {
                    self.is_pruned = true;
                    true
                }
                Test::Print(end) => {
                    self.shell
                        .write_of("find", format!("{}{end}", entry.name))
                        .await?;
                    true
                }
                Test::Printf(format) => {
                    let text = printf(format, entry, base);
                    self.shell.write_of("find", text).await?;
                    true
                }
                Test::Quit => {
                    self.is_over = true;
                    true
                }
                Test::Delete => {
                    let removed = match file.kind {
                        FileKind::Directory => self.shell.disk.remove_dir(entry.path),
                        _ => self.shell.disk.remove_file(entry.path),
                    };
                    if let Err(errno) = removed {
                        self.status = 1;
                        let message =
                            format!("cannot delete {}: {}", quoted(entry.name), errno.text());
                        self.shell.report_of("find", message).await;
                    }
                    removed.is_ok()
                }
                Test::Exec(_, true) => {
                    self.collected.push(entry.name.to_owned());
                    true
                }
                Test::Exec(command, false) => {
                    let words: Vec<String> = command
                        .iter()
                        .map(|word| word.replace("{}", entry.name))
                        .collect();
                    self.shell.run_words("find", &words).await == 0
                }
                Test::Constant(holds) => *holds,
                Test::Not(inner) => !self.holds(inner, entry).await?,
                Test::And(left, right) => {
                    self.holds(left, entry).await? && self.holds(right, entry).await?
                }
                Test::Or(left, right) => {
                    self.holds(left, entry).await? || self.holds(right, entry).await?
                }
            })
        })
    }
}

fn printf(format: &str, entry: &Entry<'_>, base: &str) -> String {
    let mut output = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next() {
                Some('n') => output.push('\n'),
                Some('t') => output.push('\t'),
                Some('0') => output.push('\0'),
                Some(other) => output.push(other),
                None => output.push('\\'),
            },
            '%' => output.push_str(&match rest.next() {
                Some('p') => entry.name.to_owned(),
                Some('f') => base.to_owned(),
                Some('P') => {
                    let below = entry.name.strip_prefix(entry.start).unwrap_or_default();
                    below.trim_start_matches('/').to_owned()
                }
                Some('h') => entry
                    .name
                    .rsplit_once('/')
                    .map_or(".", |(parent, _)| parent)
                    .to_owned(),
                Some('s') => entry.file.size.to_string(),
                Some('d') => entry.depth.to_string(),
                Some('m') => format!("{:o}", entry.file.mode),
                Some('M') => mode_text(&entry.file),
                Some('y') => match entry.file.kind {
                    FileKind::Directory => "d",
                    FileKind::Symlink => "l",
                    FileKind::File => "f",
                    _ => "U",
                }
                .to_owned(),
                Some('%') => "%".to_owned(),
                Some(other) => format!("%{other}"),
                None => "%".to_owned(),
            }),
            other => output.push(other),
        }
    }
    output
}
