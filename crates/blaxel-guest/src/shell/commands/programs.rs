//! Programs that run others, and small ones about words.

use super::input::bare_lines;
use super::{Done, is_shell_builtin, path, quoted};
use crate::files::{Files as _, OpenOptions};
use crate::shell::syntax::Dialect;
use crate::shell::{Shell, TEXT_LIMIT};

impl Shell {
    /// Runs a program by its words, for another one.
    pub(super) async fn run_words(&mut self, name: &str, words: &[String]) -> i32 {
        let Some(program) = words.first() else {
            return 0;
        };
        let script = self.kernel.script(&words.join(" "));
        if script.is_none() && path(self, program).is_none() {
            let is_path = program.contains('/') && self.disk.metadata(&self.path(program)).is_ok();
            if is_path {
                let message = match name {
                    "timeout" | "nohup" => format!(
                        "failed to run command {}: Permission denied",
                        quoted(program)
                    ),
                    _ => format!("{}: Permission denied", quoted(program)),
                };
                self.report_of(name, message).await;
                return 126;
            }
            // Builtins such as `echo` are programs too.
            if is_shell_builtin(self, program) {
                let mut shell = self.subshell();
                let end = shell.builtin(words).await;
                return shell.finish(end).await;
            }
            let message = match name {
                "timeout" | "nohup" => {
                    format!(
                        "failed to run command {}: No such file or directory",
                        quoted(program)
                    )
                }
                "xargs" => format!("{program}: No such file or directory"),
                _ => format!("{}: No such file or directory", quoted(program)),
            };
            self.report_of(name, message).await;
            return 127;
        }
        let mut shell = self.subshell();
        shell.external(words, script).await
    }
}

pub(super) async fn succeed(_: &mut Shell, _: &[String]) -> Done {
    Ok(0)
}

pub(super) async fn fail(_: &mut Shell, _: &[String]) -> Done {
    Ok(1)
}

/// `sh`, whose name `bash` chooses the dialect.
pub(super) async fn sh(shell: &mut Shell, arguments: &[String]) -> Done {
    shell.functions.clear();
    shell.variables.keep_exported();
    shell.options = crate::shell::Options::default();
    shell.parameters.clear();
    shell.pid = shell.kernel.new_pid();
    shell.line = 1;
    let mut is_text = false;
    let mut rest = arguments;
    let mut reads_stdin = false;
    while let Some((argument, after)) = rest.split_first() {
        let Some(flags) = argument.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
            break;
        };
        rest = after;
        if flags == "-" || argument.starts_with("--") {
            if argument == "--" {
                break;
            }
            continue;
        }
        for flag in flags.chars() {
            match flag {
                'c' => is_text = true,
                'e' => shell.options.errexit = true,
                'u' => shell.options.nounset = true,
                'x' => shell.options.xtrace = true,
                'f' => shell.options.noglob = true,
                's' => reads_stdin = true,
                'o' => {
                    if rest.first().map(String::as_str) == Some("pipefail") {
                        shell.options.pipefail = true;
                    }
                    rest = rest.get(1..).unwrap_or_default();
                }
                'l' | 'i' | 'a' | 'n' | 'v' => {}
                other => {
                    let message = format!("Illegal option -{other}");
                    shell.files.warn(format!("sh: 0: {message}\n")).await;
                    return Err(2);
                }
            }
        }
    }
    if is_text {
        let Some((program, parameters)) = rest.split_first() else {
            shell.files.warn("sh: 0: -c requires an argument\n").await;
            return Err(2);
        };
        if let Some((name, parameters)) = parameters.split_first() {
            name.clone_into(&mut shell.name);
            shell.parameters = parameters.to_vec();
        }
        return Ok(shell.program(program).await);
    }
    if let (Some((file, parameters)), false) = (rest.split_first(), reads_stdin) {
        let read = match shell.open(file, &OpenOptions::reading()) {
            Ok(io) => io.read_to_end(TEXT_LIMIT).await,
            Err(errno) => Err(errno),
        };
        let program = match read {
            Ok(program) => String::from_utf8_lossy(&program).into_owned(),
            Err(errno) => {
                let message = match shell.dialect {
                    Dialect::Dash => format!("sh: 0: cannot open {file}: No such file\n"),
                    Dialect::Bash => format!("bash: {file}: {}\n", errno.text()),
                };
                shell.files.warn(message).await;
                return Err(match shell.dialect {
                    Dialect::Dash => 2,
                    Dialect::Bash => 127,
                });
            }
        };
        file.clone_into(&mut shell.name);
        shell.parameters = parameters.to_vec();
        return Ok(shell.program(&program).await);
    }
    shell.parameters = rest.to_vec();
    let program = shell
        .files
        .stdin()
        .read_to_end(TEXT_LIMIT)
        .await
        .unwrap_or_default();
    let program = String::from_utf8_lossy(&program).into_owned();
    Ok(shell.program(&program).await)
}

pub(super) async fn env(shell: &mut Shell, arguments: &[String]) -> Done {
    let mut rest = arguments;
    while let Some((argument, after)) = rest.split_first() {
        if let Some((name, value)) = argument.split_once('=') {
            shell.variables.import(name, value);
        } else {
            match argument.as_str() {
                "-i" | "-" | "--ignore-environment" => {
                    let names: Vec<String> = shell
                        .variables
                        .exported()
                        .map(|(name, _)| name.to_owned())
                        .collect();
                    for name in names {
                        shell.variables.restore(&name, None);
                    }
                }
                "-u" | "--unset" => {
                    let name = after.first().cloned().unwrap_or_default();
                    shell.variables.restore(&name, None);
                    rest = after.get(1..).unwrap_or_default();
                    continue;
                }
                "-S" | "--" => {}
                option if option.starts_with('-') => {
                    let option = option.chars().nth(1).unwrap_or('-');
                    let message = format!("invalid option -- '{option}'");
                    return Err(shell.usage("env", &message).await);
                }
                _ => break,
            }
        }
        rest = after;
    }
    if !rest.is_empty() {
        return Ok(shell.run_words("env", rest).await);
    }
    let lines = shell
        .variables
        .exported()
        .map(|(name, value)| format!("{name}={value}\n"));
    let lines: String = lines.collect();
    shell.write_of("env", lines).await?;
    Ok(0)
}

pub(super) async fn printenv(shell: &mut Shell, arguments: &[String]) -> Done {
    if arguments.is_empty() {
        return env(shell, &[]).await;
    }
    let mut status = 0;
    for name in arguments {
        let exported = shell.variables.exported().find(|(other, _)| other == name);
        match exported.map(|(_, value)| value.to_owned()) {
            Some(value) => shell.write_of("printenv", format!("{value}\n")).await?,
            None => status = 1,
        }
    }
    Ok(status)
}

pub(super) async fn nohup(shell: &mut Shell, arguments: &[String]) -> Done {
    if arguments.is_empty() {
        return Err(shell.usage("nohup", "missing operand").await);
    }
    Ok(shell.run_words("nohup", arguments).await)
}

pub(super) async fn which(shell: &mut Shell, arguments: &[String]) -> Done {
    let given = shell.arguments("which", arguments, "as", &[]).await?;
    let mut status = 0;
    for name in &given.operands {
        match path(shell, name) {
            Some(path) => shell.write_of("which", format!("{path}\n")).await?,
            None => status = 1,
        }
    }
    Ok(if given.operands.is_empty() { 1 } else { status })
}

pub(super) async fn xargs(shell: &mut Shell, arguments: &[String]) -> Done {
    // Its options end at the command.
    let mut own = 0;
    while let Some(argument) = arguments.get(own) {
        if !argument.starts_with('-') {
            break;
        }
        let has_value = matches!(
            argument.as_str(),
            "-n" | "-I" | "-d" | "-L" | "-P" | "-s" | "-a"
        );
        own += if has_value { 2 } else { 1 };
    }
    let own = own.min(arguments.len());
    let (options, command) = arguments.split_at(own);
    let given = shell
        .arguments(
            "xargs",
            options,
            "n:I:d:L:P:s:a:0rtx",
            &[("null", '0'), ("no-run-if-empty", 'r')],
        )
        .await?;
    let command = match command.is_empty() {
        true => vec!["echo".to_owned()],
        false => command.to_vec(),
    };
    let Some(input) = shell.read_whole("xargs", "-").await else {
        return Err(1);
    };
    let items: Vec<String> = if given.has('0') {
        let parts = input
            .split(|byte| *byte == 0)
            .filter(|part| !part.is_empty());
        parts
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect()
    } else if let Some(delimiter) = given.value('d') {
        let delimiter = match delimiter {
            "\\n" => "\n",
            "\\0" => "\0",
            other => other,
        };
        let text = String::from_utf8_lossy(&input).into_owned();
        text.split_terminator(delimiter)
            .map(str::to_owned)
            .collect()
    } else if given.has('I') || given.has('L') {
        let lines = bare_lines(&input).map(|line| String::from_utf8_lossy(line).trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    } else {
        match words(&String::from_utf8_lossy(&input)) {
            Ok(words) => words,
            Err(quote) => {
                let message = format!(
                    "unmatched {quote} quote; by default quotes are special to xargs unless you use the -0 option"
                );
                shell.report_of("xargs", message).await;
                return Err(1);
            }
        }
    };
    let number = |option| {
        given
            .value(option)
            .and_then(|text: &str| text.parse::<usize>().ok())
    };
    let batch = number('n')
        .or_else(|| number('L'))
        .unwrap_or(if given.has('I') { 1 } else { 5000 });
    let mut runs: Vec<Vec<String>> = Vec::new();
    if let Some(mark) = given.value('I') {
        for item in &items {
            runs.push(
                command
                    .iter()
                    .map(|word| word.replace(mark, item))
                    .collect(),
            );
        }
    } else if items.is_empty() {
        if !given.has('r') {
            runs.push(command.clone());
        }
    } else {
        for items in items.chunks(batch.max(1)) {
            runs.push(command.iter().chain(items).cloned().collect());
        }
    }
    let mut status = 0;
    shell.files.set(0, crate::shell::io::Io::Null);
    for words in runs {
        if given.has('t') {
            shell.files.warn(format!("{}\n", words.join(" "))).await;
        }
        match shell.run_words("xargs", &words).await {
            0 => {}
            ended @ (126 | 127) => return Err(ended),
            255 => {
                let name = words.first().map_or("", String::as_str);
                shell
                    .report_of("xargs", format!("{name}: exited with status 255; aborting"))
                    .await;
                return Err(124);
            }
            _ => status = 123,
        }
    }
    Ok(status)
}

/// Divides the input of `xargs` into words. The error is the kind of a quote without an end.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        match next {
            quote @ ('\'' | '"') => {
                let kind = if quote == '"' { "double" } else { "single" };
                let current = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some(next) if next == quote => break,
                        None | Some('\n') => return Err(kind),
                        Some(next) => current.push(next),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(rest.next()),
            next if next.is_ascii_whitespace() => words.extend(word.take()),
            next => word.get_or_insert_default().push(next),
        }
    }
    words.extend(word);
    Ok(words)
}

pub(super) async fn basename(shell: &mut Shell, arguments: &[String]) -> Done {
    let given = shell
        .arguments(
            "basename",
            arguments,
            "as:z",
            &[("suffix", 's'), ("multiple", 'a')],
        )
        .await?;
    let is_multiple = given.has('a') || given.has('s');
    let (names, suffix) = match (given.operands.as_slice(), is_multiple) {
        ([], _) => return Err(shell.usage("basename", "missing operand").await),
        (names, true) => (names, given.value('s').unwrap_or_default()),
        ([_], false) => (given.operands.as_slice(), ""),
        ([name, suffix], false) => (std::slice::from_ref(name), suffix.as_str()),
        ([_, _, extra, ..], false) => {
            return Err(shell
                .usage("basename", &format!("extra operand {}", quoted(extra)))
                .await);
        }
    };
    for name in names {
        let trimmed = name.trim_end_matches('/');
        let base = match trimmed.rsplit('/').next() {
            Some("") | None if name.starts_with('/') => "/",
            Some(base) => base,
            None => "",
        };
        let base = match base.strip_suffix(suffix) {
            Some(stem) if !stem.is_empty() && !suffix.is_empty() => stem,
            _ => base,
        };
        shell.write_of("basename", format!("{base}\n")).await?;
    }
    Ok(0)
}

pub(super) async fn dirname(shell: &mut Shell, arguments: &[String]) -> Done {
    let given = shell.arguments("dirname", arguments, "z", &[]).await?;
    if given.operands.is_empty() {
        return Err(shell.usage("dirname", "missing operand").await);
    }
    for name in &given.operands {
        let trimmed = name.trim_end_matches('/');
        let parent = match trimmed.rsplit_once('/') {
            Some((parent, _)) if parent.trim_end_matches('/').is_empty() => "/",
            Some((parent, _)) => parent.trim_end_matches('/'),
            None if trimmed.is_empty() && !name.is_empty() => "/",
            None => ".",
        };
        shell.write_of("dirname", format!("{parent}\n")).await?;
    }
    Ok(0)
}

pub(super) async fn expr(shell: &mut Shell, arguments: &[String]) -> Done {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let value = match words.as_slice() {
        [] => return Err(shell.usage_status("expr", "missing operand", 2).await),
        ["length", text] => Ok(text.chars().count().to_string()),
        [text, ":", pattern] => Ok(matched(text, pattern)),
        ["match", text, pattern] => Ok(matched(text, pattern)),
        ["substr", text, from, length] => {
            let number = |text: &str| text.parse::<usize>().unwrap_or(0);
            let start = number(from).saturating_sub(1);
            Ok(text.chars().skip(start).take(number(length)).collect())
        }
        words => Expr {
            words,
            at: 0,
            depth: 0,
        }
        .whole(),
    };
    match value {
        Ok(value) => {
            shell.write_of("expr", format!("{value}\n")).await?;
            Ok(i32::from(value.is_empty() || value == "0"))
        }
        Err(message) => {
            shell.report_of("expr", message).await;
            Err(2)
        }
    }
}

impl Shell {
    async fn usage_status(&self, name: &str, message: &str, status: i32) -> i32 {
        self.usage(name, message).await;
        status
    }
}

/// Returns the first group of an anchored match, or its length.
fn matched(text: &str, pattern: &str) -> String {
    let anchored = format!("^{}", pattern.strip_prefix('^').unwrap_or(pattern));
    let Some(regex) = super::regex::compile(&anchored, false, false) else {
        return "0".to_owned();
    };
    let captures = regex.captures(text);
    match (captures, pattern.contains("\\(")) {
        (Some(captures), true) => captures
            .get(1)
            .map_or("", |group| group.as_str())
            .to_owned(),
        (None, true) => String::new(),
        (Some(captures), false) => {
            let length = captures
                .get(0)
                .map_or(0, |whole| whole.as_str().chars().count());
            length.to_string()
        }
        (None, false) => "0".to_owned(),
    }
}

struct Expr<'a> {
    words: &'a [&'a str],
    at: usize,
    depth: usize,
}

impl Expr<'_> {
    fn whole(&mut self) -> Result<String, String> {
        let value = self.level(0)?;
        match self.words.get(self.at) {
            None => Ok(value),
            Some(word) => Err(format!(
                "syntax error: unexpected argument {}",
                quoted(word)
            )),
        }
    }

    fn level(&mut self, level: usize) -> Result<String, String> {
        const LEVELS: [&[&str]; 5] = [
            &["|"],
            &["&"],
            &["<", "<=", "=", "==", "!=", ">=", ">"],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.primary();
        };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self
            .words
            .get(self.at)
            .filter(|word| operators.contains(word))
        {
            self.at += 1;
            let right = self.level(level + 1)?;
            left = apply(&left, operator, &right)?;
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<String, String> {
        let Some(word) = self.words.get(self.at) else {
            let last = self.words.last().copied().unwrap_or_default();
            return Err(format!(
                "syntax error: missing argument after {}",
                quoted(last)
            ));
        };
        self.at += 1;
        if *word == "(" && self.depth < 64 {
            self.depth += 1;
            let value = self.level(0)?;
            self.depth -= 1;
            if self.words.get(self.at) != Some(&")") {
                return Err("syntax error: expecting ')'".to_owned());
            }
            self.at += 1;
            return Ok(value);
        }
        Ok((*word).to_owned())
    }
}

fn apply(left: &str, operator: &str, right: &str) -> Result<String, String> {
    let is_null = |text: &str| text.is_empty() || text == "0";
    let numbers = left.parse::<i64>().ok().zip(right.parse::<i64>().ok());
    let truth = |holds: bool| Ok(i32::from(holds).to_string());
    match operator {
        "|" => Ok(if is_null(left) { right } else { left }.to_owned()),
        "&" => Ok(if is_null(left) || is_null(right) {
            "0"
        } else {
            left
        }
        .to_owned()),
        "<" | "<=" | "=" | "==" | "!=" | ">=" | ">" => {
            let ordering = match numbers {
                Some((left, right)) => left.cmp(&right),
                None => left.cmp(right),
            };
            truth(match operator {
                "<" => ordering.is_lt(),
                "<=" => ordering.is_le(),
                "!=" => ordering.is_ne(),
                ">=" => ordering.is_ge(),
                ">" => ordering.is_gt(),
                _ => ordering.is_eq(),
            })
        }
        operator => {
            let (left, right) = numbers.ok_or("non-integer argument")?;
            let value = match operator {
                "+" => left.wrapping_add(right),
                "-" => left.wrapping_sub(right),
                "*" => left.wrapping_mul(right),
                _ if right == 0 => return Err("division by zero".to_owned()),
                "/" => left.wrapping_div(right),
                _ => left.wrapping_rem(right),
            };
            Ok(value.to_string())
        }
    }
}
