//! `sed`: the commands that scripts use, without labels.

use regex_lite::Regex;

use super::Done;
use super::input::or_stdin;
use super::regex::compile;
use crate::files::Files as _;
use crate::shell::Shell;

struct Rule {
    from: Option<Address>,
    to: Option<Address>,
    is_negated: bool,
    action: Action,
}

enum Address {
    Line(usize),
    Last,
    Regex(Regex),
}

enum Action {
    Substitute(Substitution),
    Delete,
    Print,
    Quit,
    Next,
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Translate(Vec<char>, Vec<char>),
    Group(Vec<Rule>),
    Nothing,
}

struct Substitution {
    regex: Regex,
    replacement: String,
    is_global: bool,
    prints: bool,
    occurrence: usize,
}

/// Reads a script.
struct Reader<'a> {
    rest: &'a str,
    is_extended: bool,
}

type Parsed<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
        Some(next)
    }

    fn skip(&mut self, characters: &[char]) {
        self.rest = self.rest.trim_start_matches(characters);
    }

    fn rules(&mut self, is_nested: bool) -> Parsed<Vec<Rule>> {
        let mut rules = Vec::new();
        loop {
            self.skip(&[' ', '\t', '\n', ';']);
            match self.peek() {
                None if is_nested => return Err("unmatched `{'"),
                None => return Ok(rules),
                Some('}') if is_nested => {
                    self.next();
                    return Ok(rules);
                }
                Some('#') => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                }
                Some(_) => rules.push(self.rule()?),
            }
        }
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let from = self.address()?;
        self.skip(&[' ']);
        let mut to = None;
        if from.is_some() && self.peek() == Some(',') {
            self.next();
            self.skip(&[' ']);
            to = Some(self.address()?.ok_or("unexpected `,'")?);
        }
        self.skip(&[' ']);
        let mut is_negated = false;
        while self.peek() == Some('!') {
            self.next();
            is_negated = true;
        }
        let action = match self.next() {
            Some('s') => Action::Substitute(self.substitution()?),
            Some('y') => self.translation()?,
            Some('d') => Action::Delete,
            Some('p') => Action::Print,
            Some('q') => Action::Quit,
            Some('n') => Action::Next,
            Some('=') => Action::Number,
            Some('a') => Action::Append(self.text()),
            Some('i') => Action::Insert(self.text()),
            Some('c') => Action::Change(self.text()),
            Some('{') => Action::Group(self.rules(true)?),
            Some(':' | 'b' | 't') => {
                self.text();
                Action::Nothing
            }
            None => return Err("missing command"),
            Some(_) => return Err("unknown command"),
        };
        Ok(Rule {
            from,
            to,
            is_negated,
            action,
        })
    }

    fn address(&mut self) -> Parsed<Option<Address>> {
        match self.peek() {
            Some('$') => {
                self.next();
                Ok(Some(Address::Last))
            }
            Some('/') => {
                self.next();
                let text = self.delimited('/')?;
                let ignores_case = self.peek() == Some('I');
                if ignores_case {
                    self.next();
                }
                let regex = compile(&text, self.is_extended, ignores_case);
                Ok(Some(Address::Regex(
                    regex.ok_or("invalid regular expression")?,
                )))
            }
            Some(digit) if digit.is_ascii_digit() => {
                let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                let (digits, rest) = self.rest.split_at(count);
                self.rest = rest;
                Ok(Some(Address::Line(digits.parse().unwrap_or(usize::MAX))))
            }
            _ => Ok(None),
        }
    }

    /// Reads up to a delimiter; an escaped one stands for itself.
    fn delimited(&mut self, delimiter: char) -> Parsed<String> {
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err("unterminated `s' command"),
                Some(next) if next == delimiter => return Ok(text),
                Some('\\') => match self.next() {
                    Some(escaped) if escaped == delimiter => text.push(escaped),
                    Some(other) => text.extend(['\\', other]),
                    None => text.push('\\'),
                },
                Some(next) => text.push(next),
            }
        }
    }

    fn substitution(&mut self) -> Parsed<Substitution> {
        let delimiter = self.next().ok_or("unterminated `s' command")?;
        let expression = self.delimited(delimiter)?;
        let replacement = self.delimited(delimiter)?;
        let (mut is_global, mut prints, mut ignores_case, mut occurrence) =
            (false, false, false, 1);
        while let Some(flag) = self.peek() {
            match flag {
                'g' => is_global = true,
                'p' => prints = true,
                'i' | 'I' => ignores_case = true,
                digit if digit.is_ascii_digit() && digit != '0' => {
                    occurrence = digit
                        .to_digit(10)
                        .and_then(|n| usize::try_from(n).ok())
                        .unwrap_or(1);
                }
                ' ' | '\t' | '\n' | ';' | '}' => break,
                _ => return Err("unknown option to `s'"),
            }
            self.next();
        }
        let regex = compile(&expression, self.is_extended, ignores_case);
        Ok(Substitution {
            regex: regex.ok_or("invalid regular expression")?,
            replacement,
            is_global,
            prints,
            occurrence,
        })
    }

    fn translation(&mut self) -> Parsed<Action> {
        let delimiter = self.next().ok_or("unterminated `y' command")?;
        let from: Vec<char> = self.delimited(delimiter)?.chars().collect();
        let to: Vec<char> = self.delimited(delimiter)?.chars().collect();
        if from.len() != to.len() {
            return Err("strings for `y' command are different lengths");
        }
        Ok(Action::Translate(from, to))
    }

    /// Reads the text of `a`, `i` and `c`, up to the end of the line.
    fn text(&mut self) -> String {
        self.skip(&[' ', '\t']);
        if let Some(rest) = self.rest.strip_prefix('\\') {
            self.rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text.to_owned()
    }
}

impl Substitution {
    /// Returns the changed text, or `None` if nothing matched.
    fn apply(&self, text: &str) -> Option<String> {
        let mut output = String::new();
        let mut end = 0;
        let mut has_matched = false;
        for (index, captures) in self.regex.captures_iter(text).enumerate() {
            let whole = captures.get(0)?;
            if index + 1 < self.occurrence {
                continue;
            }
            has_matched = true;
            output.push_str(text.get(end..whole.start()).unwrap_or_default());
            self.replace(&captures, &mut output);
            end = whole.end();
            if !self.is_global {
                break;
            }
        }
        output.push_str(text.get(end..).unwrap_or_default());
        has_matched.then_some(output)
    }

    fn replace(&self, captures: &regex_lite::Captures<'_>, output: &mut String) {
        let group = |index: usize| captures.get(index).map_or("", |group| group.as_str());
        let mut rest = self.replacement.chars();
        while let Some(next) = rest.next() {
            match next {
                '&' => output.push_str(group(0)),
                '\\' => match rest.next() {
                    Some('n') => output.push('\n'),
                    Some('t') => output.push('\t'),
                    Some(digit) if digit.is_ascii_digit() => {
                        let index = digit.to_digit(10).and_then(|n| usize::try_from(n).ok());
                        output.push_str(group(index.unwrap_or(0)));
                    }
                    Some(other) => output.push(other),
                    None => output.push('\\'),
                },
                other => output.push(other),
            }
        }
    }
}

/// The run of a script over lines.
struct Machine<'a> {
    lines: Vec<&'a str>,
    index: usize,
    is_silent: bool,
    output: String,
    /// The rules whose range is open, by their place in the script.
    open: std::collections::BTreeSet<*const Rule>,
    appended: Vec<String>,
}

// The addresses of rules are only compared.
#[derive(PartialEq)]
enum Next {
    Go,
    Delete,
    Quit,
}

impl Machine<'_> {
    fn is_last(&self) -> bool {
        self.index + 1 >= self.lines.len()
    }

    fn matches(&self, address: &Address, space: &str) -> bool {
        match address {
            Address::Line(line) => self.index + 1 == *line,
            Address::Last => self.is_last(),
            Address::Regex(regex) => regex.is_match(space),
        }
    }

    fn selects(&mut self, rule: &Rule, space: &str) -> bool {
        let key = std::ptr::from_ref(rule);
        let selected = match (&rule.from, &rule.to) {
            (None, _) => true,
            (Some(from), None) => self.matches(from, space),
            (Some(from), Some(to)) => {
                if self.open.contains(&key) {
                    let ends = match to {
                        Address::Line(line) => self.index + 1 >= *line,
                        to => self.matches(to, space),
                    };
                    if ends {
                        self.open.remove(&key);
                    }
                    true
                } else if self.matches(from, space) {
                    let is_over = matches!(to, Address::Line(line) if self.index + 1 >= *line);
                    if !is_over {
                        self.open.insert(key);
                    }
                    true
                } else {
                    false
                }
            }
        };
        selected != rule.is_negated
    }

    fn run(&mut self, rules: &[Rule], space: &mut String) -> Next {
        for rule in rules {
            if !self.selects(rule, space) {
                continue;
            }
            match &rule.action {
                Action::Substitute(substitution) => {
                    if let Some(changed) = substitution.apply(space) {
                        *space = changed;
                        if substitution.prints {
                            self.print(space);
                        }
                    }
                }
                Action::Translate(from, to) => {
                    let translate = |c: char| {
                        let index = from.iter().position(|member| *member == c);
                        index.and_then(|index| to.get(index).copied()).unwrap_or(c)
                    };
                    *space = space.chars().map(translate).collect();
                }
                Action::Delete => return Next::Delete,
                Action::Print => self.print(space),
                Action::Quit => return Next::Quit,
                Action::Number => {
                    let line = (self.index + 1).to_string();
                    self.print(&line);
                }
                Action::Next => {
                    if !self.is_silent {
                        let line = space.clone();
                        self.print(&line);
                    }
                    match self.lines.get(self.index + 1) {
                        Some(line) => {
                            *space = (*line).to_owned();
                            self.index += 1;
                        }
                        None => return Next::Delete,
                    }
                }
                Action::Append(text) => self.appended.push(text.clone()),
                Action::Insert(text) => self.print(text),
                Action::Change(text) => {
                    self.print(text);
                    return Next::Delete;
                }
                Action::Group(rules) => {
                    let next = self.run(rules, space);
                    if next != Next::Go {
                        return next;
                    }
                }
                Action::Nothing => {}
            }
        }
        Next::Go
    }

    fn print(&mut self, line: &str) {
        self.output.push_str(line);
        self.output.push('\n');
    }
}

fn edit(rules: &[Rule], text: &str, is_silent: bool) -> String {
    let mut machine = Machine {
        lines: text.split_terminator('\n').collect(),
        index: 0,
        is_silent,
        output: String::new(),
        open: std::collections::BTreeSet::new(),
        appended: Vec::new(),
    };
    while let Some(line) = machine.lines.get(machine.index) {
        let mut space = (*line).to_owned();
        let next = machine.run(rules, &mut space);
        if next != Next::Delete && !is_silent {
            machine.print(&space);
        }
        for text in std::mem::take(&mut machine.appended) {
            machine.print(&text);
        }
        if next == Next::Quit {
            return machine.output;
        }
        machine.index += 1;
    }
    // A last line without an end keeps having none.
    if !text.is_empty() && !text.ends_with('\n') && machine.output.ends_with('\n') {
        machine.output.pop();
    }
    machine.output
}

pub(super) async fn sed(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("quiet", 'n'),
        ("silent", 'n'),
        ("regexp-extended", 'E'),
        ("expression", 'e'),
        ("in-place", 'i'),
        ("file", 'f'),
    ];
    // `-i.bak` has its value attached, so it cannot be read like other options.
    let mut in_place = None;
    let mut rest = Vec::new();
    for argument in arguments {
        match argument.strip_prefix("-i") {
            Some(suffix) if in_place.is_none() => in_place = Some(suffix.to_owned()),
            _ => rest.push(argument.clone()),
        }
    }
    let given = shell.arguments("sed", &rest, "nErse:f:iz", &long).await?;
    if given.has('i') && in_place.is_none() {
        in_place = Some(String::new());
    }
    let mut operands = given.operands.clone();
    let mut scripts: Vec<String> = Vec::new();
    for (option, value) in &given.options {
        match (option, value) {
            ('e', Some(text)) => scripts.push(text.clone()),
            ('f', Some(path)) => {
                let Some(text) = shell.read_whole("sed", path).await else {
                    return Err(1);
                };
                scripts.push(String::from_utf8_lossy(&text).into_owned());
            }
            _ => {}
        }
    }
    if scripts.is_empty() {
        if operands.is_empty() {
            let usage = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n";
            shell.files.warn(usage).await;
            return Err(1);
        }
        scripts.push(operands.remove(0));
    }
    let script = scripts.join("\n");
    let mut reader = Reader {
        rest: &script,
        is_extended: given.has('E') || given.has('r'),
    };
    let rules = match reader.rules(false) {
        Ok(rules) => rules,
        Err(message) => {
            let position = script.len() - reader.rest.len();
            let text = format!("-e expression #1, char {position}: {message}");
            shell.report_of("sed", text).await;
            return Err(1);
        }
    };
    let mut status = 0;
    let is_silent = given.has('n');
    if let Some(suffix) = in_place {
        for operand in &operands {
            let Some(text) = shell.read_for_sed(operand).await else {
                status = 2;
                continue;
            };
            let edited = edit(&rules, &text, is_silent);
            let path = shell.path(operand);
            let written = match suffix.is_empty() {
                true => Ok(()),
                false => shell
                    .disk
                    .write(&format!("{path}{suffix}"), text.as_bytes(), 0o644),
            };
            let written = written.and_then(|()| shell.disk.write(&path, edited.as_bytes(), 0o644));
            if let Err(error) = written {
                let message = format!("couldn't open file {operand}: {}", error.errno().text());
                shell.report_of("sed", message).await;
                return Err(4);
            }
        }
        return Ok(status);
    }
    let mut text = String::new();
    for operand in or_stdin(&operands) {
        match shell.read_for_sed(&operand).await {
            Some(part) => text.push_str(&part),
            None => status = 2,
        }
    }
    shell
        .write_of("sed", edit(&rules, &text, is_silent))
        .await?;
    Ok(status)
}

impl Shell {
    async fn read_for_sed(&self, operand: &str) -> Option<String> {
        if operand != "-"
            && let Some(errno) = self.disk_error(operand)
        {
            let message = format!("can't read {operand}: {}", errno.text());
            self.report_of("sed", message).await;
            return None;
        }
        let text = self.read_whole("sed", operand).await?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}
