//! Parts and orders of lines: `cut`, `sort`, `uniq`, `tr`, `rev`.

use std::cmp::Ordering;

use super::Done;
use super::input::bare_lines;
use super::quoted;
use crate::shell::Shell;
use crate::shell::pattern::named_class;

/// Ranges of numbers from 1 on, such as `1,3-5,7-`.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    let range = |part: &str| {
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n > 0);
        match part.split_once('-') {
            None => number(part).map(|n| (n, n)),
            Some(("", "")) => None,
            Some(("", to)) => Some((1, number(to)?)),
            Some((from, "")) => Some((number(from)?, usize::MAX)),
            Some((from, to)) => Some((number(from)?, number(to)?)),
        }
    };
    text.split([',', ' ']).map(range).collect()
}

pub(super) async fn cut(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("fields", 'f'),
        ("delimiter", 'd'),
        ("characters", 'c'),
        ("bytes", 'b'),
        ("only-delimited", 's'),
        ("output-delimiter", 'o'),
        ("complement", 'C'),
    ];
    let given = shell
        .arguments("cut", arguments, "f:d:c:b:so:C", &long)
        .await?;
    let Some(kind) = given.last("fcb") else {
        let message = "you must specify a list of bytes, characters, or fields";
        return Err(shell.usage("cut", message).await);
    };
    let text = given.value(kind).unwrap_or_default();
    let Some(ranges) = ranges(text) else {
        let message = format!(
            "invalid {} value {}",
            if kind == 'f' {
                "field"
            } else {
                "byte/character position"
            },
            quoted(text)
        );
        return Err(shell.usage("cut", &message).await);
    };
    let is_chosen = |number: usize| {
        let is_in = ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&number));
        is_in != given.has('C')
    };
    let delimiter = given.value('d').unwrap_or("\t");
    if delimiter.chars().count() != 1 {
        return Err(shell
            .usage("cut", "the delimiter must be a single character")
            .await);
    }
    let joiner = given.value('o').unwrap_or(delimiter);
    let (text, is_complete) = shell.read_operands("cut", &given.operands).await;
    let mut output = Vec::new();
    for line in bare_lines(&text) {
        match kind {
            'f' => {
                let line = String::from_utf8_lossy(line);
                if !line.contains(delimiter) {
                    if !given.has('s') {
                        output.extend(line.bytes());
                        output.push(b'\n');
                    }
                    continue;
                }
                let fields = line.split(delimiter).enumerate();
                let chosen = fields.filter(|(index, _)| is_chosen(index + 1));
                let chosen: Vec<&str> = chosen.map(|(_, field)| field).collect();
                output.extend(chosen.join(joiner).bytes());
            }
            'c' => {
                let line = String::from_utf8_lossy(line);
                let chosen = line
                    .chars()
                    .enumerate()
                    .filter(|(index, _)| is_chosen(index + 1));
                output.extend(chosen.map(|(_, c)| c).collect::<String>().bytes());
            }
            _ => {
                let chosen = line
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| is_chosen(index + 1));
                output.extend(chosen.map(|(_, byte)| *byte));
            }
        }
        output.push(b'\n');
    }
    shell.write_of("cut", output).await?;
    Ok(i32::from(!is_complete))
}

/// The order of `sort`.
struct Order {
    is_numeric: bool,
    is_reversed: bool,
    ignores_case: bool,
    is_version: bool,
    is_human: bool,
    ignores_blanks: bool,
    key: Option<(usize, usize)>,
    separator: Option<String>,
}

impl Order {
    fn key<'a>(&self, line: &'a str) -> String {
        let Some((from, to)) = self.key else {
            return line.to_owned();
        };
        let fields: Vec<&'a str> = match &self.separator {
            Some(separator) => line.split(separator.as_str()).collect(),
            None => line.split_ascii_whitespace().collect(),
        };
        let to = to.min(fields.len());
        let joiner = self.separator.as_deref().unwrap_or(" ");
        fields.get(from - 1..to).unwrap_or_default().join(joiner)
    }

    fn compare(&self, left: &str, right: &str) -> Ordering {
        let (a, b) = (self.key(left), self.key(right));
        let (a, b) = match self.ignores_blanks {
            true => (a.trim_start(), b.trim_start()),
            false => (a.as_str(), b.as_str()),
        };
        if self.is_numeric || self.is_human {
            let ordering = number(a, self.is_human).total_cmp(&number(b, self.is_human));
            if ordering != Ordering::Equal {
                return ordering;
            }
            return Ordering::Equal;
        }
        if self.is_version {
            return version(a, b);
        }
        if self.ignores_case {
            return a.to_uppercase().cmp(&b.to_uppercase());
        }
        a.cmp(b)
    }

    fn ordering(&self, left: &str, right: &str) -> Ordering {
        let ordering = self.compare(left, right);
        if self.is_reversed {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

fn number(text: &str, is_human: bool) -> f64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(index, c)| !(c.is_ascii_digit() || *c == '.' || (*index == 0 && *c == '-')))
        .map_or(text.len(), |(index, _)| index);
    let (digits, unit) = text.split_at(end);
    let value: f64 = digits.parse().unwrap_or(0.0);
    let power = match unit.chars().next() {
        Some('K' | 'k') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        _ => 0,
    };
    if is_human {
        value * 1024_f64.powi(power)
    } else {
        value
    }
}

fn version(left: &str, right: &str) -> Ordering {
    let parts = |text: &str| {
        let mut parts: Vec<(bool, String)> = Vec::new();
        for c in text.chars() {
            match parts.last_mut() {
                Some((is_number, part)) if *is_number == c.is_ascii_digit() => part.push(c),
                _ => parts.push((c.is_ascii_digit(), c.to_string())),
            }
        }
        parts
    };
    for ((_, a), (_, b)) in parts(left).iter().zip(parts(right).iter()) {
        let ordering = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    left.len().cmp(&right.len())
}

pub(super) async fn sort(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("numeric-sort", 'n'),
        ("reverse", 'r'),
        ("unique", 'u'),
        ("key", 'k'),
        ("field-separator", 't'),
        ("ignore-case", 'f'),
        ("output", 'o'),
        ("stable", 's'),
        ("check", 'c'),
        ("version-sort", 'V'),
        ("human-numeric-sort", 'h'),
    ];
    let given = shell
        .arguments("sort", arguments, "nrufbhVsczmdig k:t:o:T:S:", &long)
        .await?;
    let key_text = given.value('k').unwrap_or_default();
    let number_of = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok().filter(|n| *n > 0)
    };
    let key = match key_text.split_once(',') {
        None => number_of(key_text).map(|from| (from, usize::MAX)),
        Some((from, to)) => number_of(from).zip(number_of(to)),
    };
    if !key_text.is_empty() && key.is_none() {
        let message = format!(
            "invalid number at field start: invalid count at start of {}",
            quoted(key_text)
        );
        shell.report_of("sort", message).await;
        return Err(2);
    }
    let has = |option: char| given.has(option) || key_text.contains(option);
    let order = Order {
        is_numeric: has('n') || has('g'),
        is_reversed: has('r'),
        ignores_case: has('f'),
        is_version: has('V'),
        is_human: has('h'),
        ignores_blanks: has('b'),
        key,
        separator: given.value('t').map(str::to_owned),
    };
    let mut text = Vec::new();
    for operand in super::input::or_stdin(&given.operands) {
        let Some(part) = shell.read_for_sort(&operand).await else {
            return Err(2);
        };
        text.extend(part);
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines: Vec<&str> = text.split_terminator('\n').collect();
    if given.has('c') {
        let unsorted = lines.windows(2).position(|pair| match pair {
            [a, b] => order.ordering(a, b) == Ordering::Greater,
            _ => false,
        });
        if let Some(index) = unsorted {
            let line = lines.get(index + 1).copied().unwrap_or_default();
            let name = given.operands.first().map_or("-", String::as_str);
            shell
                .report_of("sort", format!("{name}:{}: disorder: {line}", index + 2))
                .await;
            return Err(1);
        }
        return Ok(0);
    }
    lines.sort_by(|a, b| {
        let ordering = order.ordering(a, b);
        if ordering != Ordering::Equal || given.has('s') || given.has('u') {
            return ordering;
        }
        let whole = a.cmp(b);
        if given.has('r') {
            whole.reverse()
        } else {
            whole
        }
    });
    if given.has('u') {
        lines.dedup_by(|a, b| order.compare(a, b) == Ordering::Equal);
    }
    let output: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
    match given.value('o') {
        Some(path) => {
            let path = shell.path(path);
            match crate::files::Files::write(
                &shell.disk,
                &path,
                output.as_bytes(),
                0o666 & !shell.umask,
            ) {
                Ok(()) => Ok(0),
                Err(error) => {
                    let message = format!("open failed: {path}: {}", error.errno().text());
                    shell.report_of("sort", message).await;
                    Err(2)
                }
            }
        }
        None => {
            shell.write_of("sort", output).await?;
            Ok(0)
        }
    }
}

impl Shell {
    async fn read_for_sort(&self, operand: &str) -> Option<Vec<u8>> {
        if operand != "-"
            && let Some(errno) = self.disk_error(operand)
        {
            let message = format!("cannot read: {operand}: {}", errno.text());
            self.report_of("sort", message).await;
            return None;
        }
        self.read_whole("sort", operand).await
    }
}

pub(super) async fn uniq(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("count", 'c'),
        ("repeated", 'd'),
        ("unique", 'u'),
        ("ignore-case", 'i'),
    ];
    let given = shell
        .arguments("uniq", arguments, "cduif:s:", &long)
        .await?;
    let number = |option| {
        given
            .value(option)
            .and_then(|text: &str| text.parse::<usize>().ok())
    };
    let (fields, characters) = (number('f').unwrap_or(0), number('s').unwrap_or(0));
    let input = given
        .operands
        .get(..1.min(given.operands.len()))
        .unwrap_or_default();
    let (text, is_complete) = shell.read_operands("uniq", input).await;
    let compared = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).into_owned();
        let rest: Vec<&str> = text.split_ascii_whitespace().skip(fields).collect();
        let text = if fields > 0 { rest.join(" ") } else { text };
        let text: String = text.chars().skip(characters).collect();
        if given.has('i') {
            text.to_lowercase()
        } else {
            text
        }
    };
    let mut groups: Vec<(&[u8], usize)> = Vec::new();
    for line in bare_lines(&text) {
        match groups.last_mut() {
            Some((first, count)) if compared(first) == compared(line) => *count += 1,
            _ => groups.push((line, 1)),
        }
    }
    let mut output = Vec::new();
    for (line, count) in groups {
        if (given.has('d') && count < 2) || (given.has('u') && count > 1) {
            continue;
        }
        if given.has('c') {
            output.extend(format!("{count:7} ").bytes());
        }
        output.extend_from_slice(line);
        output.push(b'\n');
    }
    shell.write_of("uniq", output).await?;
    Ok(i32::from(!is_complete))
}

/// Expands a set of `tr`, such as `a-z`, `[:upper:]` and `\n`.
fn set(text: &str) -> Vec<char> {
    let mut characters: Vec<(char, bool)> = Vec::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next != '\\' {
            characters.push((next, false));
            continue;
        }
        let escaped = match rest.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => {
                let tail = rest.as_str();
                let digits = tail
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..b'8').contains(b))
                    .count();
                let value = u8::from_str_radix(tail.get(..digits).unwrap_or("0"), 8);
                rest = tail.get(digits..).unwrap_or_default().chars();
                char::from(value.unwrap_or(0))
            }
            Some(other) => other,
            None => '\\',
        };
        characters.push((escaped, true));
    }
    let mut set = Vec::new();
    let mut at = 0;
    while let Some((next, is_escaped)) = characters.get(at) {
        let tail: String = characters.iter().skip(at).map(|(c, _)| *c).collect();
        if !is_escaped
            && let Some((name, _)) = tail
                .strip_prefix("[:")
                .and_then(|tail| tail.split_once(":]"))
        {
            for (from, to) in named_class(name) {
                set.extend(from..=to);
            }
            at += name.chars().count() + 4;
            continue;
        }
        if let (Some(('-', false)), Some((to, _))) =
            (characters.get(at + 1), characters.get(at + 2))
        {
            set.extend(*next..=*to);
            at += 3;
            continue;
        }
        set.push(*next);
        at += 1;
    }
    set
}

pub(super) async fn tr(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("delete", 'd'),
        ("squeeze-repeats", 's'),
        ("complement", 'c'),
    ];
    let given = shell.arguments("tr", arguments, "dscC", &long).await?;
    let sets: Vec<Vec<char>> = given.operands.iter().map(|text| set(text)).collect();
    let Some(first) = sets.first() else {
        return Err(shell.usage("tr", "missing operand").await);
    };
    let second = sets.get(1);
    if second.is_none() && !given.has('d') && !given.has('s') {
        let operand = given.operands.first().map_or("", String::as_str);
        let message = format!(
            "missing operand after {}\nTwo strings must be given when translating.",
            quoted(operand)
        );
        return Err(shell.usage("tr", &message).await);
    }
    let is_complement = given.has('c') || given.has('C');
    let is_member = |c: char| first.contains(&c) != is_complement;
    let squeezed = match second {
        Some(second) => second.clone(),
        None => first.clone(),
    };
    let stdin = shell.files.stdin();
    let mut last = None;
    let mut pending = Vec::new();
    loop {
        let bytes = stdin.read().await.unwrap_or_default();
        let is_end = bytes.is_empty();
        pending.extend_from_slice(&bytes);
        // A character may be divided between two reads.
        let valid = match std::str::from_utf8(&pending) {
            Ok(_) => pending.len(),
            Err(error) if error.error_len().is_none() && !is_end => error.valid_up_to(),
            Err(_) => pending.len(),
        };
        let rest = pending.split_off(valid);
        let text = String::from_utf8_lossy(&std::mem::replace(&mut pending, rest)).into_owned();
        let mut output = String::with_capacity(text.len());
        for c in text.chars() {
            let mut c = c;
            if given.has('d') {
                if is_member(c) {
                    continue;
                }
            } else if let Some(second) = second
                && is_member(c)
            {
                let index = match is_complement {
                    true => usize::MAX,
                    false => first.iter().rposition(|member| *member == c).unwrap_or(0),
                };
                let replacement = second.get(index).or(second.last());
                c = replacement.copied().unwrap_or(c);
            }
            let is_squeezed = match (second, is_complement) {
                (None, true) => !first.contains(&c),
                _ => squeezed.contains(&c),
            };
            if given.has('s') && last == Some(c) && is_squeezed {
                continue;
            }
            last = Some(c);
            output.push(c);
        }
        shell.write_of("tr", output).await?;
        if is_end {
            return Ok(0);
        }
    }
}

pub(super) async fn rev(shell: &mut Shell, arguments: &[String]) -> Done {
    let given = shell.arguments("rev", arguments, "", &[]).await?;
    let (text, is_complete) = shell.read_operands("rev", &given.operands).await;
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut output = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        output.extend(line.chars().rev());
        output.push_str(end);
    }
    shell.write_of("rev", output).await?;
    Ok(i32::from(!is_complete))
}
