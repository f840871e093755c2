//! `grep`.

use regex_lite::Regex;

use super::Done;
use super::input::bare_lines;
use super::regex::{compile, escape};
use crate::files::{FileKind, Files as _};
use crate::shell::Shell;
use crate::shell::pattern::Pattern;

/// The text to search for, and the form of the matches.
struct Search {
    regexes: Vec<Regex>,
    is_inverted: bool,
    counts: bool,
    lists: bool,
    lists_others: bool,
    is_quiet: bool,
    has_numbers: bool,
    only_matches: bool,
    has_names: bool,
    is_word: bool,
    is_line: bool,
    before: usize,
    after: usize,
    limit: usize,
    is_silent: bool,
}

impl Search {
    /// Returns the parts of a line that match.
    fn find<'a>(&self, line: &'a str) -> Vec<&'a str> {
        let mut found = Vec::new();
        for regex in &self.regexes {
            for matched in regex.find_iter(line) {
                let (start, end) = (matched.start(), matched.end());
                if self.is_line && (start > 0 || end < line.len()) {
                    continue;
                }
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let before = line.get(..start).and_then(|text| text.chars().next_back());
                let after = line.get(end..).and_then(|text| text.chars().next());
                if self.is_word && (before.is_some_and(is_word) || after.is_some_and(is_word)) {
                    continue;
                }
                found.push((start, matched.as_str()));
                if !self.only_matches {
                    return found.into_iter().map(|(_, text)| text).collect();
                }
            }
        }
        found.sort_by_key(|(start, _)| *start);
        found.into_iter().map(|(_, text)| text).collect()
    }
}

pub(super) async fn egrep(shell: &mut Shell, arguments: &[String]) -> Done {
    let arguments: Vec<String> = with_option("-E", arguments);
    grep(shell, &arguments).await
}

pub(super) async fn fgrep(shell: &mut Shell, arguments: &[String]) -> Done {
    let arguments: Vec<String> = with_option("-F", arguments);
    grep(shell, &arguments).await
}

fn with_option(option: &str, arguments: &[String]) -> Vec<String> {
    std::iter::once(option.to_owned())
        .chain(arguments.iter().cloned())
        .collect()
}

pub(super) async fn grep(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("ignore-case", 'i'),
        ("invert-match", 'v'),
        ("count", 'c'),
        ("line-number", 'n'),
        ("files-with-matches", 'l'),
        ("quiet", 'q'),
        ("recursive", 'r'),
        ("only-matching", 'o'),
        ("extended-regexp", 'E'),
        ("fixed-strings", 'F'),
        ("word-regexp", 'w'),
        ("line-regexp", 'x'),
        ("no-filename", 'h'),
        ("with-filename", 'H'),
        ("max-count", 'm'),
        ("regexp", 'e'),
        ("after-context", 'A'),
        ("before-context", 'B'),
        ("context", 'C'),
        ("include", 'Y'),
        ("exclude", 'Z'),
        ("exclude-dir", 'X'),
        ("color", 'K'),
        ("no-messages", 's'),
        ("text", 'a'),
        ("perl-regexp", 'P'),
        ("file", 'f'),
    ];
    let known = "ivcnlLqrRoEFGwxhHsaPm:e:A:B:C:Y:Z:X:Kf:";
    let mut given = shell.arguments("grep", arguments, known, &long).await?;
    let mut patterns: Vec<String> = given
        .options
        .iter()
        .filter(|(option, _)| *option == 'e')
        .filter_map(|(_, value)| value.clone())
        .collect();
    if let Some(path) = given.value('f') {
        let path = path.to_owned();
        let Some(text) = shell.read_whole("grep", &path).await else {
            return Err(2);
        };
        patterns.extend(bare_lines(&text).map(|line| String::from_utf8_lossy(line).into_owned()));
    } else if patterns.is_empty() {
        if given.operands.is_empty() {
            let usage = "Usage: grep [OPTION]... PATTERNS [FILE]...\n\
                         Try 'grep --help' for more information.\n";
            shell.files.warn(usage).await;
            return Err(2);
        }
        patterns.push(given.operands.remove(0));
    }
    let is_extended = given.has('E') || given.has('P');
    let mut regexes = Vec::new();
    for pattern in patterns.iter().flat_map(|pattern| pattern.split('\n')) {
        let regex = match given.has('F') {
            true => compile(&escape(pattern), true, given.has('i')),
            false => compile(pattern, is_extended, given.has('i')),
        };
        match regex {
            Some(regex) => regexes.push(regex),
            None => {
                shell.report_of("grep", "Invalid regular expression").await;
                return Err(2);
            }
        }
    }
    let number = |option| {
        given
            .value(option)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let context = number('C').unwrap_or(0);
    let is_recursive = given.has('r') || given.has('R');
    let mut operands = given.operands.clone();
    if operands.is_empty() {
        operands.push(if is_recursive { "" } else { "-" }.to_owned());
    }
    let search = Search {
        regexes,
        is_inverted: given.has('v'),
        counts: given.has('c'),
        lists: given.has('l'),
        lists_others: given.has('L'),
        is_quiet: given.has('q'),
        has_numbers: given.has('n'),
        only_matches: given.has('o'),
        has_names: (operands.len() > 1 || is_recursive || given.has('H')) && !given.has('h'),
        is_word: given.has('w'),
        is_line: given.has('x'),
        before: number('B').unwrap_or(context),
        after: number('A').unwrap_or(context),
        limit: number('m').unwrap_or(usize::MAX),
        is_silent: given.has('s'),
    };
    let filters = |option| {
        let values = given
            .options
            .iter()
            .filter(move |(name, _)| *name == option);
        let texts = values.filter_map(|(_, value)| value.as_deref());
        texts.map(Pattern::unquoted).collect::<Vec<_>>()
    };
    let (included, excluded, pruned) = (filters('Y'), filters('Z'), filters('X'));
    let mut files = Vec::new();
    let mut status = 1;
    let mut has_failed = false;
    for operand in &operands {
        let path = shell.path(operand);
        let is_directory = operand != "-"
            && shell
                .disk
                .metadata(&path)
                .is_ok_and(|file| file.kind == FileKind::Directory);
        match (is_directory, is_recursive) {
            (true, true) => walk(shell, operand, &pruned, &mut files),
            (true, false) => {
                shell
                    .report_of("grep", format!("{operand}: Is a directory"))
                    .await;
                has_failed = true;
            }
            (false, _) => files.push(operand.clone()),
        }
    }
    files.retain(|file| {
        let name = file.rsplit('/').next().unwrap_or(file);
        let is_included = included.is_empty() || included.iter().any(|p| p.matches(name));
        is_included && !excluded.iter().any(|p| p.matches(name))
    });
    for file in files {
        if search.is_silent && file != "-" && shell.disk_error(&file).is_some() {
            has_failed = true;
            continue;
        }
        let Some(text) = shell.read_whole("grep", &file).await else {
            has_failed = true;
            continue;
        };
        if grep_text(shell, &search, &file, &text).await? {
            status = 0;
            if search.is_quiet {
                return Ok(0);
            }
        }
    }
    Ok(if has_failed && (status != 0 || !search.is_quiet) {
        2
    } else {
        status
    })
}

fn walk(shell: &Shell, directory: &str, pruned: &[Pattern], files: &mut Vec<String>) {
    let place = if directory.is_empty() { "." } else { directory };
    let entries = shell.disk.read_dir(&shell.path(place)).unwrap_or_default();
    for entry in entries {
        let path = match directory {
            "" => entry.name.clone(),
            directory => format!("{}/{}", directory.trim_end_matches('/'), entry.name),
        };
        match entry.kind {
            FileKind::Directory if pruned.iter().any(|p| p.matches(&entry.name)) => {}
            FileKind::Directory => walk(shell, &path, pruned, files),
            FileKind::File => files.push(path),
            _ => {}
        }
    }
}

/// Searches one file. Returns `true` if a line matched.
async fn grep_text(shell: &Shell, search: &Search, name: &str, text: &[u8]) -> Result<bool, i32> {
    let shown = if name == "-" {
        "(standard input)"
    } else {
        name
    };
    let lines: Vec<_> = bare_lines(text).map(String::from_utf8_lossy).collect();
    let is_binary = text.contains(&0);
    let mut count = 0;
    let mut output = String::new();
    let mut printed: Option<usize> = None;
    let mut context_until = 0;
    for (index, line) in lines.iter().enumerate() {
        let found = search.find(line);
        let is_match = found.is_empty() == search.is_inverted;
        if !is_match || count >= search.limit {
            if index < context_until {
                push_line(&mut output, search, shown, index, line, '-');
                printed = Some(index);
            }
            continue;
        }
        count += 1;
        if search.is_quiet || search.lists || search.lists_others {
            break;
        }
        if search.counts {
            continue;
        }
        if is_binary {
            shell
                .write_of("grep", format!("grep: {shown}: binary file matches\n"))
                .await?;
            return Ok(true);
        }
        if search.only_matches && !search.is_inverted {
            for part in found.into_iter().filter(|part| !part.is_empty()) {
                push_line(&mut output, search, shown, index, part, ':');
            }
            continue;
        }
        let start = index.saturating_sub(search.before);
        let start = printed.map_or(start, |printed| start.max(printed + 1));
        let has_context = search.before > 0 || search.after > 0;
        if has_context && printed.is_some_and(|printed| start > printed + 1) {
            output.push_str("--\n");
        }
        for (before, line) in lines.iter().enumerate().take(index).skip(start) {
            push_line(&mut output, search, shown, before, line, '-');
        }
        push_line(&mut output, search, shown, index, line, ':');
        printed = Some(index);
        context_until = index + 1 + search.after;
    }
    if search.counts {
        let prefix = if search.has_names {
            format!("{shown}:")
        } else {
            String::new()
        };
        output = format!("{prefix}{count}\n");
    }
    if (search.lists && count > 0) || (search.lists_others && count == 0) {
        output = format!("{shown}\n");
    }
    if !search.is_quiet {
        shell.write_of("grep", output).await?;
    }
    Ok(if search.lists_others {
        count == 0
    } else {
        count > 0
    })
}

fn push_line(
    output: &mut String,
    search: &Search,
    name: &str,
    index: usize,
    line: &str,
    mark: char,
) {
    if search.has_names {
        output.push_str(name);
        output.push(mark);
    }
    if search.has_numbers {
        output.push_str(&(index + 1).to_string());
        output.push(mark);
    }
    output.push_str(line);
    output.push('\n');
}
