//! `read`.

use crate::shell::{Run, Shell};

/// The bytes of a line.
const LINE: usize = 1 << 20;

impl Shell {
    pub(super) async fn read(&mut self, arguments: &[String]) -> Run {
        let mut is_raw = false;
        let mut array = None;
        let mut names = arguments;
        while let Some((option, rest)) = names.split_first()
            && option.starts_with('-')
            && option.len() > 1
        {
            names = rest;
            is_raw |= option.contains('r');
            if option.ends_with('p') {
                let prompt = names.first().cloned().unwrap_or_default();
                if self.is_interactive {
                    self.files.warn(prompt).await;
                }
                names = names.get(1..).unwrap_or_default();
            } else if option.ends_with(['t', 'd', 'n', 'u', 'N']) {
                names = names.get(1..).unwrap_or_default();
            } else if option.ends_with('a') {
                array = names.first().cloned();
                names = names.get(1..).unwrap_or_default();
            }
        }
        let stdin = self.files.stdin();
        let mut text = Vec::new();
        let mut has_end = false;
        loop {
            let line = stdin.read_line(LINE).await.unwrap_or_default();
            has_end |= line.ends_with(b"\n");
            text.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(&line));
            // A backslash at the end joins lines.
            if is_raw || !has_end || !ends_with_escape(&text) {
                break;
            }
            text.pop();
            has_end = false;
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let separators = self.variables.get("IFS").unwrap_or(" \t\n").to_owned();
        let names: Vec<String> = match (names.is_empty(), array) {
            (_, Some(array)) => vec![array],
            (true, None) => vec!["REPLY".to_owned()],
            (false, None) => names.to_vec(),
        };
        for (name, value) in names
            .iter()
            .zip(divide(&text, names.len(), &separators, is_raw))
        {
            self.assign(name, value).await?;
        }
        Ok(i32::from(!has_end))
    }
}

fn ends_with_escape(text: &[u8]) -> bool {
    let count = text.iter().rev().take_while(|byte| **byte == b'\\').count();
    count % 2 == 1
}

/// Divides a line into `count` values; the last one has the rest.
fn divide(text: &str, count: usize, separators: &str, is_raw: bool) -> Vec<String> {
    // Whether a character is escaped decides whether it separates.
    let mut characters: Vec<(char, bool)> = Vec::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' if !is_raw => characters.extend(rest.next().map(|c| (c, true))),
            next => characters.push((next, false)),
        }
    }
    let is_separator = |(c, is_escaped): &(char, bool)| !is_escaped && separators.contains(*c);
    let is_blank = |c: &(char, bool)| is_separator(c) && c.0.is_ascii_whitespace();
    let mut rest = characters.as_slice();
    let skip_blanks = |rest: &mut &[(char, bool)]| {
        let blanks = rest.iter().take_while(|c| is_blank(c)).count();
        *rest = rest.get(blanks..).unwrap_or_default();
    };
    skip_blanks(&mut rest);
    let mut values = Vec::new();
    while values.len() + 1 < count {
        let end = rest.iter().position(is_separator).unwrap_or(rest.len());
        let (value, after) = rest.split_at(end);
        values.push(value.iter().map(|(c, _)| c).collect());
        rest = after;
        skip_blanks(&mut rest);
        if rest
            .first()
            .is_some_and(|c| is_separator(c) && !is_blank(c))
        {
            rest = rest.get(1..).unwrap_or_default();
            skip_blanks(&mut rest);
        }
    }
    let trailing = rest.iter().rev().take_while(|c| is_blank(c)).count();
    let last = rest.get(..rest.len() - trailing).unwrap_or_default();
    // A single separator after the last value belongs to nothing.
    let last = match last.split_last() {
        Some((end, before)) if is_separator(end) && !before.iter().any(is_separator) => before,
        _ => last,
    };
    values.push(last.iter().map(|(c, _)| c).collect());
    values
}
