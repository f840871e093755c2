//! Counting and choosing lines: `head`, `tail`, `wc`, `seq`, `tac`, `yes`.

use super::Done;
use super::input::{bare_lines, lines, or_stdin};
use super::quoted;
use crate::shell::Shell;

/// Returns the arguments with an old option such as `-5` in the form `-n 5`.
fn modern(arguments: &[String]) -> Vec<String> {
    let convert = |argument: &String| {
        let digits = argument.strip_prefix('-')?;
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| format!("-n{digits}"))
    };
    let mut is_value = false;
    let modern = arguments.iter().map(|argument| {
        let converted = convert(argument).filter(|_| !is_value);
        is_value = matches!(argument.as_str(), "-n" | "-c");
        converted.unwrap_or_else(|| argument.clone())
    });
    modern.collect()
}

/// Reads a number such as `5`, `1K` or `2M`.
pub(super) fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "c" => 1,
        "b" => 512,
        "kB" => 1000,
        "K" | "k" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "m" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "g" | "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The part of a file that `head` or `tail` prints.
#[derive(Clone, Copy)]
struct Part {
    is_bytes: bool,
    count: usize,
    /// `head -n -5` and `tail -n +5`: all but so many.
    is_inverted: bool,
}

async fn part(
    shell: &Shell,
    name: &str,
    given: &super::Arguments,
    mark: char,
) -> Result<Part, i32> {
    let is_bytes = given.last("nc") == Some('c');
    let text = given
        .value(if is_bytes { 'c' } else { 'n' })
        .unwrap_or("10");
    let is_inverted = text.starts_with(mark);
    let number = text.trim_start_matches(['-', '+']);
    match size(number) {
        Some(count) => Ok(Part {
            is_bytes,
            count: usize::try_from(count).unwrap_or(usize::MAX),
            is_inverted,
        }),
        None => {
            let unit = if is_bytes { "bytes" } else { "lines" };
            let message = format!("invalid number of {unit}: {}", quoted(text));
            shell.report_of(name, message).await;
            Err(1)
        }
    }
}

async fn header(shell: &Shell, name: &str, operand: &str, is_first: bool) -> Result<(), i32> {
    let file = if operand == "-" {
        "standard input"
    } else {
        operand
    };
    let before = if is_first { "" } else { "\n" };
    shell
        .write_of(name, format!("{before}==> {file} <==\n"))
        .await
}

pub(super) async fn head(shell: &mut Shell, arguments: &[String]) -> Done {
    let arguments = modern(arguments);
    let long = [
        ("lines", 'n'),
        ("bytes", 'c'),
        ("quiet", 'q'),
        ("verbose", 'v'),
    ];
    let given = shell.arguments("head", &arguments, "n:c:qv", &long).await?;
    let part = part(shell, "head", &given, '-').await?;
    let operands = or_stdin(&given.operands);
    let has_headers = (operands.len() > 1 || given.has('v')) && !given.has('q');
    let mut status = 0;
    for (index, operand) in operands.iter().enumerate() {
        if has_headers {
            if operand != "-" && shell.disk_error(operand).is_some() {
                shell.report_cannot_open("head", operand).await;
                status = 1;
                continue;
            }
            header(shell, "head", operand, index == 0).await?;
        }
        if part.is_inverted {
            let Some(text) = shell.read_whole("head", operand).await else {
                status = 1;
                continue;
            };
            let kept = if part.is_bytes {
                text.len().saturating_sub(part.count)
            } else {
                let count = lines(&text).count().saturating_sub(part.count);
                lines(&text).take(count).map(<[u8]>::len).sum()
            };
            shell
                .write_of("head", text.get(..kept).unwrap_or_default())
                .await?;
            continue;
        }
        if operand != "-" && shell.disk_error(operand).is_some() {
            shell.report_cannot_open("head", operand).await;
            status = 1;
            continue;
        }
        let Some(io) = shell.input("head", operand).await else {
            status = 1;
            continue;
        };
        let mut left = part.count;
        while left > 0 {
            let Some(bytes) = shell.read_some("head", operand, &io).await else {
                status = 1;
                break;
            };
            if bytes.is_empty() {
                break;
            }
            let taken = if part.is_bytes {
                let taken = left.min(bytes.len());
                left -= taken;
                taken
            } else {
                let mut taken = 0;
                for line in lines(&bytes) {
                    taken += line.len();
                    left -= usize::from(line.ends_with(b"\n"));
                    if left == 0 {
                        break;
                    }
                }
                taken
            };
            shell
                .write_of("head", bytes.get(..taken).unwrap_or_default())
                .await?;
            if taken < bytes.len() && operand == "-" {
                io.unread(bytes.slice(taken..)).await;
            }
        }
    }
    Ok(status)
}

pub(super) async fn tail(shell: &mut Shell, arguments: &[String]) -> Done {
    let arguments = modern(arguments);
    let long = [
        ("lines", 'n'),
        ("bytes", 'c'),
        ("quiet", 'q'),
        ("verbose", 'v'),
        ("follow", 'f'),
    ];
    let given = shell
        .arguments("tail", &arguments, "n:c:qvfFs:", &long)
        .await?;
    let part = part(shell, "tail", &given, '+').await?;
    let operands = or_stdin(&given.operands);
    let has_headers = (operands.len() > 1 || given.has('v')) && !given.has('q');
    let mut status = 0;
    let mut ends = Vec::new();
    for (index, operand) in operands.iter().enumerate() {
        if operand != "-" && shell.disk_error(operand).is_some() {
            shell.report_cannot_open("tail", operand).await;
            status = 1;
            continue;
        }
        if has_headers {
            header(shell, "tail", operand, index == 0).await?;
        }
        let Some(text) = shell.read_whole("tail", operand).await else {
            status = 1;
            continue;
        };
        let skipped = match (part.is_bytes, part.is_inverted) {
            (true, false) => text.len().saturating_sub(part.count),
            (true, true) => part.count.saturating_sub(1).min(text.len()),
            (false, false) => {
                let skipped = lines(&text).count().saturating_sub(part.count);
                lines(&text).take(skipped).map(<[u8]>::len).sum()
            }
            (false, true) => {
                let skipped = part.count.saturating_sub(1);
                lines(&text).take(skipped).map(<[u8]>::len).sum()
            }
        };
        shell
            .write_of("tail", text.get(skipped..).unwrap_or_default())
            .await?;
        ends.push((operand.clone(), text.len()));
    }
    if given.has('f') || given.has('F') {
        follow(shell, ends).await?;
    }
    Ok(status)
}

/// Prints what is appended to files, until somebody ends the program.
async fn follow(shell: &Shell, mut ends: Vec<(String, usize)>) -> Result<(), i32> {
    use crate::files::Files as _;
    loop {
        shell
            .kernel
            .clock
            .sleep(std::time::Duration::from_secs(1))
            .await;
        for (operand, end) in &mut ends {
            let content = shell.disk.read(&shell.path(operand)).unwrap_or_default();
            if content.len() < *end {
                *end = 0;
            }
            let new = content.get(*end..).unwrap_or_default();
            shell.write_of("tail", new).await?;
            *end = content.len();
        }
    }
}

impl Shell {
    /// Returns the reason why a file cannot be opened, if there is one.
    pub(super) fn disk_error(&self, operand: &str) -> Option<crate::errno::Errno> {
        use crate::files::OpenOptions;
        self.open(operand, &OpenOptions::reading()).err()
    }

    async fn report_cannot_open(&self, name: &str, operand: &str) {
        let reason = self.disk_error(operand).map_or("", |errno| errno.text());
        let message = format!("cannot open {} for reading: {reason}", quoted(operand));
        self.report_of(name, message).await;
    }
}

/// The counts of `wc`.
#[derive(Clone, Copy, Default)]
struct Counts {
    lines: usize,
    words: usize,
    characters: usize,
    bytes: usize,
    longest: usize,
}

impl Counts {
    fn of(text: &[u8]) -> Self {
        let decoded = String::from_utf8_lossy(text);
        Self {
            lines: text.iter().filter(|byte| **byte == b'\n').count(),
            words: decoded.split_ascii_whitespace().count(),
            characters: decoded.chars().count(),
            bytes: text.len(),
            longest: bare_lines(text).map(<[u8]>::len).max().unwrap_or(0),
        }
    }

    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.words += other.words;
        self.characters += other.characters;
        self.bytes += other.bytes;
        self.longest = self.longest.max(other.longest);
    }

    fn chosen(self, given: &super::Arguments) -> Vec<usize> {
        let is_default = given.last("lwcmL").is_none();
        let columns = [
            (given.has('l') || is_default, self.lines),
            (given.has('w') || is_default, self.words),
            (given.has('m'), self.characters),
            (given.has('c') || is_default, self.bytes),
            (given.has('L'), self.longest),
        ];
        columns
            .into_iter()
            .filter(|(is_chosen, _)| *is_chosen)
            .map(|(_, n)| n)
            .collect()
    }
}

pub(super) async fn wc(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("lines", 'l'),
        ("words", 'w'),
        ("bytes", 'c'),
        ("chars", 'm'),
    ];
    let given = shell.arguments("wc", arguments, "lwcmL", &long).await?;
    let mut status = 0;
    let mut rows = Vec::new();
    let mut total = Counts::default();
    for operand in or_stdin(&given.operands) {
        let counts = match shell.read_whole("wc", &operand).await {
            Some(text) => Counts::of(&text),
            None => {
                status = 1;
                let path = shell.path(&operand);
                let is_directory = crate::files::Files::metadata(&shell.disk, &path)
                    .is_ok_and(|file| file.kind == crate::files::FileKind::Directory);
                if !is_directory {
                    continue;
                }
                Counts::default()
            }
        };
        total.add(counts);
        let name = if given.operands.is_empty() {
            String::new()
        } else {
            operand
        };
        rows.push((counts, name));
    }
    let count = rows.len().max(given.operands.len());
    if given.operands.len() > 1 {
        rows.push((total, "total".to_owned()));
    }
    let columns = total.chosen(&given).len();
    // The width is that of the size of the files, or 7 for a pipe of several columns.
    let width = match (columns, given.operands.is_empty()) {
        (1, _) if count <= 1 => 1,
        (_, true) => 7,
        _ => total.bytes.to_string().len(),
    };
    for (counts, name) in rows {
        let numbers: Vec<String> = counts
            .chosen(&given)
            .iter()
            .map(|n| format!("{n:>width$}"))
            .collect();
        let numbers = numbers.join(" ");
        let line = match name.is_empty() {
            true => format!("{numbers}\n"),
            false => format!("{numbers} {name}\n"),
        };
        shell.write_of("wc", line).await?;
    }
    Ok(status)
}

pub(super) async fn tac(shell: &mut Shell, arguments: &[String]) -> Done {
    let given = shell.arguments("tac", arguments, "", &[]).await?;
    let (text, is_complete) = shell.read_operands("tac", &given.operands).await;
    let mut output = Vec::new();
    for line in lines(&text).collect::<Vec<_>>().into_iter().rev() {
        output.extend_from_slice(line);
    }
    shell.write_of("tac", output).await?;
    Ok(i32::from(!is_complete))
}

pub(super) async fn seq(shell: &mut Shell, arguments: &[String]) -> Done {
    let mut separator = "\n".to_owned();
    let mut is_equal_width = false;
    let mut numbers = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-s" => separator = rest.next().cloned().unwrap_or_default(),
            "-w" => is_equal_width = true,
            "-f" => {
                rest.next();
            }
            text if text.starts_with("-s") => {
                separator = text.get(2..).unwrap_or_default().to_owned();
            }
            text => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => numbers.push((number, text)),
                _ => {
                    let message = format!("invalid floating point argument: {}", quoted(text));
                    return Err(shell.usage("seq", &message).await);
                }
            },
        }
    }
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let precision = numbers
        .iter()
        .map(|(_, text)| decimals(text))
        .max()
        .unwrap_or(0);
    let values: Vec<f64> = numbers.iter().map(|(number, _)| *number).collect();
    let (first, step, last) = match values.as_slice() {
        [last] => (1.0, 1.0, *last),
        [first, last] => (*first, 1.0, *last),
        [first, step, last] => (*first, *step, *last),
        [] => return Err(shell.usage("seq", "missing operand").await),
        _ => {
            let extra = numbers.get(3).map_or("", |(_, text)| *text);
            return Err(shell
                .usage("seq", &format!("extra operand {}", quoted(extra)))
                .await);
        }
    };
    if step == 0.0 {
        let message = format!("invalid Zero increment value: {}", quoted("0"));
        return Err(shell.usage("seq", &message).await);
    }
    let text = |value: f64| format!("{value:.precision$}");
    let width = match is_equal_width {
        true => text(first).len().max(text(last).len()),
        false => 0,
    };
    let mut index = 0.0;
    let mut output = String::new();
    let mut is_first = true;
    loop {
        let value = first + index * step;
        // Half of the last digit, so that 0.1 steps reach their end.
        let slack = step.abs() * 1e-10;
        if (step > 0.0 && value > last + slack) || (step < 0.0 && value < last - slack) {
            break;
        }
        if !is_first {
            output.push_str(&separator);
        }
        is_first = false;
        let number = text(value);
        output.push_str(&format!("{number:0>width$}"));
        index += 1.0;
        if output.len() > 4096 {
            shell.write_of("seq", std::mem::take(&mut output)).await?;
            tokio::task::yield_now().await;
        }
    }
    if !is_first {
        output.push('\n');
    }
    shell.write_of("seq", output).await?;
    Ok(0)
}

pub(super) async fn yes(shell: &mut Shell, arguments: &[String]) -> Done {
    let text = match arguments.is_empty() {
        true => "y".to_owned(),
        false => arguments.join(" "),
    };
    let block = format!("{text}\n").repeat(64);
    loop {
        shell.write_of("yes", &block).await?;
        tokio::task::yield_now().await;
    }
}
