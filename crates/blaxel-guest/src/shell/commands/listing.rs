//! `ls` and `stat`.

use std::time::Duration;

use super::time::{Civil, month};
use super::{Arguments, Done, quoted};
use crate::files::{FileKind, Files as _, Metadata, join};
use crate::shell::Shell;

/// An entry to print.
struct Entry {
    name: String,
    path: String,
    file: Metadata,
}

pub(super) async fn ls(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("all", 'a'),
        ("almost-all", 'A'),
        ("human-readable", 'h'),
        ("recursive", 'R'),
        ("reverse", 'r'),
        ("directory", 'd'),
        ("color", 'G'),
        ("classify", 'F'),
        ("inode", 'i'),
    ];
    let given = shell
        .arguments("ls", arguments, "aAlhRrdtS1FiGnogpsUkLHmxCcq", &long)
        .await?;
    let operands = match given.operands.is_empty() {
        true => vec![".".to_owned()],
        false => given.operands.clone(),
    };
    let mut status = 0;
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for operand in operands {
        let path = shell.path(&operand);
        let follows = !given.has('l') || operand.ends_with('/');
        let found = match follows {
            true => shell
                .disk
                .metadata(&path)
                .or_else(|_| shell.disk.link_metadata(&path)),
            false => shell.disk.link_metadata(&path),
        };
        match found {
            Ok(file) => {
                let entry = Entry {
                    name: operand,
                    path,
                    file,
                };
                if file.kind == FileKind::Directory && !given.has('d') {
                    directories.push(entry);
                } else {
                    files.push(entry);
                }
            }
            Err(errno) => {
                status = 2;
                let message = format!("cannot access {}: {}", quoted(&operand), errno.text());
                shell.report_of("ls", message).await;
            }
        }
    }
    sort(&given, &mut files);
    sort(&given, &mut directories);
    let has_headers = files.len() + directories.len() > 1
        || given.has('R')
        || status != 0 && !directories.is_empty() && given.operands.len() > 1;
    let mut output = render(shell, &given, &files);
    let mut is_first = files.is_empty();
    directories.reverse();
    while let Some(directory) = directories.pop() {
        if has_headers {
            let before = if is_first { "" } else { "\n" };
            output.push_str(&format!("{before}{}:\n", directory.name));
        }
        is_first = false;
        let listed = match shell.disk.read_dir(&directory.path) {
            Ok(listed) => listed,
            Err(errno) => {
                let message = format!(
                    "cannot open directory {}: {}",
                    quoted(&directory.name),
                    errno.text()
                );
                shell.report_of("ls", message).await;
                status = 2;
                continue;
            }
        };
        let mut entries = Vec::new();
        if given.has('a') {
            for name in [".", ".."] {
                let path = join(&directory.path, name);
                if let Ok(file) = shell.disk.metadata(&path) {
                    let name = name.to_owned();
                    entries.push(Entry { name, path, file });
                }
            }
        }
        for entry in listed {
            if entry.name.starts_with('.') && !given.has('a') && !given.has('A') {
                continue;
            }
            let path = join(&directory.path, &entry.name);
            if let Ok(file) = shell.disk.link_metadata(&path) {
                entries.push(Entry {
                    name: entry.name,
                    path,
                    file,
                });
            }
        }
        sort(&given, &mut entries);
        if given.has('l') || given.has('s') || given.has('n') {
            let blocks: u64 = entries.iter().map(|entry| blocks(&entry.file)).sum();
            let total = match given.has('h') {
                true => human(blocks * 1024),
                false => blocks.to_string(),
            };
            output.push_str(&format!("total {total}\n"));
        }
        output.push_str(&render(shell, &given, &entries));
        if given.has('R') {
            let is_below = |entry: &Entry| {
                entry.file.kind == FileKind::Directory && entry.name != "." && entry.name != ".."
            };
            let mut below: Vec<Entry> = entries.into_iter().filter(is_below).collect();
            for entry in &mut below {
                entry.name = join(&directory.name, &entry.name);
            }
            below.reverse();
            directories.extend(below);
        }
    }
    shell.write_of("ls", output).await?;
    Ok(status)
}

fn sort(given: &Arguments, entries: &mut [Entry]) {
    if given.has('U') {
        return;
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    match given.last("tS") {
        Some('t') => entries.sort_by_key(|entry| std::cmp::Reverse(entry.file.modified)),
        Some(_) => entries.sort_by_key(|entry| std::cmp::Reverse(entry.file.size)),
        None => {}
    }
    if given.has('r') {
        entries.reverse();
    }
}

/// Returns the blocks of 1024 bytes that a file takes.
pub(super) fn blocks(file: &Metadata) -> u64 {
    match file.kind {
        FileKind::File => file.size.div_ceil(4096) * 4,
        FileKind::Directory => 4,
        _ => 0,
    }
}

/// Returns a size such as `1.5K`.
pub(super) fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["", "K", "M", "G", "T"];
    let mut divisor = 1_u64;
    let mut unit = 0;
    while bytes.div_ceil(divisor) >= 1024 && unit + 1 < UNITS.len() {
        divisor *= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 {
        return bytes.to_string();
    }
    let tenths = (bytes * 10).div_ceil(divisor);
    match tenths < 100 {
        true => format!("{}.{}{name}", tenths / 10, tenths % 10),
        false => format!("{}{name}", bytes.div_ceil(divisor)),
    }
}

/// Returns the ten characters of a mode.
pub(super) fn mode_text(file: &Metadata) -> String {
    let kind = match file.kind {
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::CharDevice => 'c',
        FileKind::BlockDevice => 'b',
        FileKind::Pipe => 'p',
        FileKind::Socket => 's',
        FileKind::File => '-',
    };
    let bit = |mask: u32, character: char| {
        if file.mode & mask != 0 {
            character
        } else {
            '-'
        }
    };
    let special = |execute: u32, mask: u32, both: char, alone: char| match (
        file.mode & execute != 0,
        file.mode & mask != 0,
    ) {
        (true, true) => both,
        (false, true) => alone,
        (true, false) => 'x',
        (false, false) => '-',
    };
    [
        kind,
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        special(0o100, 0o4000, 's', 'S'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        special(0o010, 0o2000, 's', 'S'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        special(0o001, 0o1000, 't', 'T'),
    ]
    .into_iter()
    .collect()
}

impl Shell {
    /// Returns the name of a user or a group, or its number.
    pub(super) fn owner_name(&self, file: &str, id: u32) -> String {
        let table = self.disk.read(file).unwrap_or_default();
        let table = String::from_utf8_lossy(&table);
        let number = id.to_string();
        let named = table
            .lines()
            .find(|line| line.split(':').nth(2) == Some(&number));
        let name = named.and_then(|line| line.split(':').next());
        name.map_or(number.clone(), str::to_owned)
    }
}

fn render(shell: &Shell, given: &Arguments, entries: &[Entry]) -> String {
    let name = |entry: &Entry| {
        let mut name = entry.name.clone();
        if given.has('F') || given.has('p') {
            match entry.file.kind {
                FileKind::Directory => name.push('/'),
                FileKind::Symlink if given.has('F') && !given.has('l') => name.push('@'),
                FileKind::File if given.has('F') && entry.file.mode & 0o111 != 0 => name.push('*'),
                _ => {}
            }
        }
        if given.has('l')
            && entry.file.kind == FileKind::Symlink
            && let Ok(target) = shell.disk.read_link(&entry.path)
        {
            name = format!("{name} -> {target}");
        }
        if given.has('i') {
            name = format!("{} {name}", entry.file.inode);
        }
        name
    };
    if !given.has('l') && !given.has('n') && !given.has('o') && !given.has('g') {
        let joiner = if given.has('m') { ", " } else { "\n" };
        let names: Vec<String> = entries.iter().map(name).collect();
        return match names.is_empty() {
            true => String::new(),
            false => format!("{}\n", names.join(joiner)),
        };
    }
    let now = shell.kernel.clock.since_epoch();
    let rows: Vec<[String; 7]> = entries
        .iter()
        .map(|entry| {
            let file = &entry.file;
            let owner = |table: &str, id: u32| match given.has('n') {
                true => id.to_string(),
                false => shell.owner_name(table, id),
            };
            let size = match file.kind {
                FileKind::CharDevice | FileKind::BlockDevice => "1, 3".to_owned(),
                _ if given.has('h') => human(size(file)),
                _ => size(file).to_string(),
            };
            [
                mode_text(file),
                file.links.to_string(),
                owner("/etc/passwd", file.user),
                owner("/etc/group", file.group),
                size,
                date(file.modified, now),
                name(entry),
            ]
        })
        .collect();
    let width = |column: usize| {
        let widths = rows
            .iter()
            .filter_map(|row| row.get(column).map(String::len));
        widths.max().unwrap_or(0)
    };
    let (links, user, group, bytes) = (width(1), width(2), width(3), width(4));
    let lines = rows.iter().map(|[mode, link, owner, owner_group, size, date, name]| {
        format!(
            "{mode} {link:>links$} {owner:<user$} {owner_group:<group$} {size:>bytes$} {date} {name}\n"
        )
    });
    lines.collect()
}

/// Returns the size of a file; directories of the disk in memory are shown as on a usual one.
fn size(file: &Metadata) -> u64 {
    match file.kind {
        FileKind::Directory => file.size.max(4096),
        _ => file.size,
    }
}

/// Returns a time as `ls -l` shows it: with the year if it is not within half a year.
fn date(time: Duration, now: Duration) -> String {
    let civil = Civil::of(time);
    let half_year = Duration::from_secs(15_778_476);
    let is_recent = time <= now && now.saturating_sub(time) < half_year;
    let (name, day) = (month(civil.month), civil.day);
    match is_recent {
        true => format!("{name} {day:>2} {:02}:{:02}", civil.hour, civil.minute),
        false => format!("{name} {day:>2}  {}", civil.year),
    }
}

pub(super) async fn stat(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [("format", 'c'), ("dereference", 'L'), ("printf", 'p')];
    let given = shell.arguments("stat", arguments, "c:Lp:ft", &long).await?;
    if given.operands.is_empty() {
        return Err(shell.usage("stat", "missing operand").await);
    }
    let mut status = 0;
    for operand in &given.operands {
        let path = shell.path(operand);
        let found = match given.has('L') {
            true => shell.disk.metadata(&path),
            false => shell.disk.link_metadata(&path),
        };
        let file = match found {
            Ok(file) => file,
            Err(errno) => {
                let message = format!("cannot statx {}: {}", quoted(operand), errno.text());
                shell.report_of("stat", message).await;
                status = 1;
                continue;
            }
        };
        let default = "  File: %n\n  Size: %s\tBlocks: %b\tIO Block: 4096\t%F\n\
                       Device: 0,1\tInode: %i\tLinks: %h\n\
                       Access: (%04a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\n\
                       Access: %x\nModify: %y\nChange: %z\n Birth: -";
        let format = given.value('c').or(given.value('p')).unwrap_or(default);
        let text = stat_text(shell, format, operand, &file);
        let end = if given.has('p') { "" } else { "\n" };
        shell.write_of("stat", format!("{text}{end}")).await?;
    }
    Ok(status)
}

fn stat_text(shell: &Shell, format: &str, name: &str, file: &Metadata) -> String {
    let kind = match file.kind {
        FileKind::Directory => "directory",
        FileKind::Symlink => "symbolic link",
        FileKind::File if file.size == 0 => "regular empty file",
        FileKind::File => "regular file",
        FileKind::CharDevice => "character special file",
        FileKind::BlockDevice => "block special file",
        FileKind::Pipe => "fifo",
        FileKind::Socket => "socket",
    };
    let time = |time: Duration| {
        let c = Civil::of(time);
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09} +0000",
            c.year,
            c.month,
            c.day,
            c.hour,
            c.minute,
            c.second,
            time.subsec_nanos()
        )
    };
    let format = format.replace("%04a", &format!("{:04o}", file.mode));
    let mut output = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            output.push(next);
            continue;
        }
        output.push_str(&match rest.next() {
            Some('n') => name.to_owned(),
            Some('N') => quoted(name),
            Some('s') => size(file).to_string(),
            Some('a') => format!("{:o}", file.mode),
            Some('A') => mode_text(file),
            Some('b') => (blocks(file) * 2).to_string(),
            Some('F') => kind.to_owned(),
            Some('i') => file.inode.to_string(),
            Some('h') => file.links.to_string(),
            Some('u') => file.user.to_string(),
            Some('g') => file.group.to_string(),
            Some('U') => shell.owner_name("/etc/passwd", file.user),
            Some('G') => shell.owner_name("/etc/group", file.group),
            Some('x') => time(file.accessed),
            Some('y') => time(file.modified),
            Some('z') => time(file.changed),
            Some('X') => file.accessed.as_secs().to_string(),
            Some('Y') => file.modified.as_secs().to_string(),
            Some('Z') => file.changed.as_secs().to_string(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        });
    }
    output
}
