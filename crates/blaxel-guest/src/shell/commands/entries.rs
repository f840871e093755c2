//! Creating entries and changing their metadata: `mkdir`, `touch`, `chmod`, `chown`, `mktemp`.

use super::time::parse;
use super::{Done, quoted};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _, Metadata, OpenOptions, join};
use crate::shell::Shell;

pub(super) async fn mkdir(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [("parents", 'p'), ("mode", 'm'), ("verbose", 'v')];
    let given = shell.arguments("mkdir", arguments, "pm:v", &long).await?;
    if given.operands.is_empty() {
        return Err(shell.usage("mkdir", "missing operand").await);
    }
    let usual = 0o777 & !shell.umask;
    let mode = match given.value('m') {
        None => usual,
        Some(text) => match mode(text, 0o777, FileKind::Directory, shell.umask) {
            Some(mode) => mode,
            None => {
                shell
                    .report_of("mkdir", format!("invalid mode {}", quoted(text)))
                    .await;
                return Err(1);
            }
        },
    };
    let mut status = 0;
    for operand in &given.operands {
        let path = shell.path(operand);
        let created = if given.has('p') {
            shell
                .disk
                .create_dir_all(&path, usual)
                .map_err(|error| match error.errno() {
                    Errno::NotDirectory if shell.disk.metadata(&path).is_ok() => Errno::Exists,
                    errno => errno,
                })
        } else {
            match operand.is_empty() {
                true => Err(Errno::NotFound),
                false => shell.disk.create_dir(&path, usual),
            }
        };
        let created = created.and_then(|()| match given.value('m') {
            Some(_) => shell.disk.set_mode(&path, mode),
            None => Ok(()),
        });
        match created {
            Ok(()) if given.has('v') => {
                let line = format!("mkdir: created directory {}\n", quoted(operand));
                shell.write_of("mkdir", line).await?;
            }
            Ok(()) => {}
            Err(errno) => {
                status = 1;
                let name = match errno {
                    Errno::NotDirectory if given.has('p') => quoted(first_file(shell, operand)),
                    _ => quoted(operand),
                };
                let message = format!("cannot create directory {name}: {}", errno.text());
                shell.report_of("mkdir", message).await;
            }
        }
    }
    Ok(status)
}

/// Returns the part of a path up to the first name that is not a directory.
fn first_file<'a>(shell: &Shell, path: &'a str) -> &'a str {
    let ends = path
        .char_indices()
        .filter(|(index, c)| *c == '/' && *index > 0);
    let parts = ends.filter_map(|(index, _)| path.get(..index));
    let is_file = |part: &&str| {
        let found = shell.disk.metadata(&shell.path(part));
        found.is_ok_and(|file| file.kind != FileKind::Directory)
    };
    parts.into_iter().find(is_file).unwrap_or(path)
}

pub(super) async fn touch(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [("no-create", 'c'), ("reference", 'r'), ("date", 'd')];
    let given = shell
        .arguments("touch", arguments, "acmr:d:h", &long)
        .await?;
    if given.operands.is_empty() {
        return Err(shell.usage("touch", "missing file operand").await);
    }
    let mut time = shell.kernel.clock.since_epoch();
    if let Some(reference) = given.value('r')
        && let Ok(file) = shell.disk.metadata(&shell.path(reference))
    {
        time = file.modified;
    }
    if let Some(text) = given.value('d') {
        let Some(parsed) = parse(text, time) else {
            let message = format!("invalid date format {}", quoted(text));
            shell.report_of("touch", message).await;
            return Err(1);
        };
        time = parsed;
    }
    let mut status = 0;
    for operand in &given.operands {
        let path = shell.path(operand);
        let exists = shell.disk.metadata(&path).is_ok();
        let touched = if exists {
            let accessed = (!given.has('m')).then_some(time);
            let modified = (!given.has('a')).then_some(time);
            shell.disk.set_times(&path, accessed, modified)
        } else if given.has('c') {
            Ok(())
        } else {
            let options = OpenOptions {
                truncate: false,
                ..OpenOptions::replacing(0o666 & !shell.umask)
            };
            let opened = shell.disk.open(&path, &options).map(drop);
            opened.and_then(|()| match given.last("rd") {
                Some(_) => shell.disk.set_times(&path, Some(time), Some(time)),
                None => Ok(()),
            })
        };
        if let Err(errno) = touched {
            status = 1;
            let message = format!("cannot touch {}: {}", quoted(operand), errno.text());
            shell.report_of("touch", message).await;
        }
    }
    Ok(status)
}

/// Returns a mode such as `644` or `u+x,go-w`, applied to an old one.
fn mode(text: &str, old: u32, kind: FileKind, umask: u32) -> Option<u32> {
    if !text.is_empty() && text.bytes().all(|byte| (b'0'..b'8').contains(&byte)) {
        return u32::from_str_radix(text, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777);
    }
    let mut mode = old;
    for clause in text.split(',') {
        let start = clause.find(['+', '-', '='])?;
        let (who, mut rest) = clause.split_at(start);
        let mut mask = 0_u32;
        for c in who.chars() {
            mask |= match c {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        // Without letters, the mask of the user holds back bits.
        let held = if who.is_empty() { umask } else { 0 };
        if who.is_empty() {
            mask = 0o7777;
        }
        while let Some(operator) = rest.chars().next() {
            if !matches!(operator, '+' | '-' | '=') {
                return None;
            }
            rest = rest.get(1..)?;
            let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
            let (letters, after) = rest.split_at(end);
            rest = after;
            let mut bits = 0_u32;
            for c in letters.chars() {
                bits |= match c {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if kind == FileKind::Directory || old & 0o111 != 0 => 0o111,
                    'X' => 0,
                    's' => 0o6000,
                    't' => 0o1000,
                    'u' => (mode >> 6 & 7) * 0o111,
                    'g' => (mode >> 3 & 7) * 0o111,
                    'o' => (mode & 7) * 0o111,
                    _ => return None,
                };
            }
            let bits = bits & mask & !held;
            mode = match operator {
                '+' => mode | bits,
                '-' => mode & !bits,
                _ => mode & !(mask & 0o777) | bits,
            };
        }
    }
    Some(mode)
}

pub(super) async fn chmod(shell: &mut Shell, arguments: &[String]) -> Done {
    // A mode such as `-x` is not an option.
    let is_mode = |text: &String| {
        text.starts_with('-') && text.chars().nth(1).is_some_and(|c| "rwxXst".contains(c))
    };
    let arguments: Vec<String> = match arguments.iter().position(is_mode) {
        Some(index) => {
            let mut arguments = arguments.to_vec();
            if let Some(mode) = arguments.get_mut(index) {
                mode.insert(0, 'a');
            }
            arguments
        }
        None => arguments.to_vec(),
    };
    let long = [("recursive", 'R'), ("verbose", 'v')];
    let given = shell.arguments("chmod", &arguments, "Rvfc", &long).await?;
    let Some((text, operands)) = given.operands.split_first() else {
        return Err(shell.usage("chmod", "missing operand").await);
    };
    if operands.is_empty() {
        let message = format!("missing operand after {}", quoted(text));
        return Err(shell.usage("chmod", &message).await);
    }
    if mode(text, 0, FileKind::File, 0).is_none() {
        return Err(shell
            .usage("chmod", &format!("invalid mode: {}", quoted(text)))
            .await);
    }
    let mut status = 0;
    for operand in operands {
        for (name, path) in tree(shell, operand, given.has('R')) {
            let changed = shell.disk.metadata(&path).and_then(|file| {
                let mode = mode(text, file.mode, file.kind, shell.umask);
                shell.disk.set_mode(&path, mode.unwrap_or(file.mode))
            });
            if let Err(errno) = changed {
                status = 1;
                let name = quoted(&name);
                let message = match errno {
                    Errno::NotPermitted => {
                        format!("changing permissions of {name}: {}", errno.text())
                    }
                    errno => format!("cannot access {name}: {}", errno.text()),
                };
                shell.report_of("chmod", message).await;
            }
        }
    }
    Ok(status)
}

/// Returns an operand, and with `is_recursive` all that is below it; links are not followed.
fn tree(shell: &Shell, operand: &str, is_recursive: bool) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut left = vec![(operand.to_owned(), shell.path(operand))];
    while let Some((name, path)) = left.pop() {
        let found: Result<Metadata, Errno> = shell.disk.link_metadata(&path);
        if is_recursive && found.is_ok_and(|file| file.kind == FileKind::Directory) {
            let entries = shell.disk.read_dir(&path).unwrap_or_default();
            for entry in entries.into_iter().rev() {
                if entry.kind != FileKind::Symlink {
                    left.push((join(&name, &entry.name), join(&path, &entry.name)));
                }
            }
        }
        all.push((name, path));
    }
    all
}

pub(super) async fn chown(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("recursive", 'R'),
        ("verbose", 'v'),
        ("no-dereference", 'h'),
    ];
    let given = shell.arguments("chown", arguments, "Rvhfc", &long).await?;
    let Some((owner, operands)) = given.operands.split_first() else {
        return Err(shell.usage("chown", "missing operand").await);
    };
    let (user, group) = match owner.split_once([':', '.']) {
        Some((user, group)) => (user, group),
        None => (owner.as_str(), ""),
    };
    let user_id = shell.id_of("/etc/passwd", user);
    let group_id = shell.id_of("/etc/group", group);
    let is_unknown =
        (!user.is_empty() && user_id.is_none()) || (!group.is_empty() && group_id.is_none());
    if is_unknown {
        let kind = if user_id.is_none() && !user.is_empty() {
            "user"
        } else {
            "group"
        };
        shell
            .report_of("chown", format!("invalid {kind}: {}", quoted(owner)))
            .await;
        return Err(1);
    }
    let mut status = 0;
    for operand in operands {
        for (name, path) in tree(shell, operand, given.has('R')) {
            if let Err(errno) = shell.disk.set_owner(&path, user_id, group_id) {
                status = 1;
                let name = quoted(&name);
                let message = match errno {
                    Errno::NotPermitted => {
                        format!("changing ownership of {name}: {}", errno.text())
                    }
                    errno => format!("cannot access {name}: {}", errno.text()),
                };
                shell.report_of("chown", message).await;
            }
        }
    }
    Ok(status)
}

impl Shell {
    /// Returns the number of a user or a group by its name or number.
    fn id_of(&self, file: &str, name: &str) -> Option<u32> {
        if let Ok(id) = name.parse() {
            return Some(id);
        }
        let table = self.disk.read(file).unwrap_or_default();
        let table = String::from_utf8_lossy(&table);
        let line = table
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        line.split(':').nth(2)?.parse().ok()
    }
}

pub(super) async fn mktemp(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("directory", 'd'),
        ("tmpdir", 'p'),
        ("dry-run", 'u'),
        ("quiet", 'q'),
    ];
    let given = shell
        .arguments("mktemp", arguments, "dp:uqt", &long)
        .await?;
    let template = given
        .operands
        .first()
        .map_or("tmp.XXXXXXXXXX", String::as_str);
    let count = template.len() - template.trim_end_matches('X').len();
    if count < 3 {
        shell
            .report_of(
                "mktemp",
                format!("too few X's in template {}", quoted(template)),
            )
            .await;
        return Err(1);
    }
    let parent = match (given.value('p'), given.operands.is_empty()) {
        (Some(directory), _) => directory.to_owned(),
        (None, true) => shell.variables.get("TMPDIR").unwrap_or("/tmp").to_owned(),
        (None, false) => String::new(),
    };
    let prefix = template.trim_end_matches('X');
    // Names that are the same in each run of a test.
    for _ in 0..100 {
        let number = shell.kernel.new_pid();
        let name = format!("{prefix}{number:0>count$}");
        let name = if parent.is_empty() {
            name
        } else {
            join(&parent, &name)
        };
        let path = shell.path(&name);
        let created = match (given.has('u'), given.has('d')) {
            (true, _) => Ok(()),
            (false, true) => shell.disk.create_dir(&path, 0o700),
            (false, false) => {
                let options = OpenOptions {
                    create_new: true,
                    ..OpenOptions::replacing(0o600)
                };
                shell.disk.open(&path, &options).map(drop)
            }
        };
        match created {
            Ok(()) => {
                shell.write_of("mktemp", format!("{name}\n")).await?;
                return Ok(0);
            }
            Err(Errno::Exists) => {}
            Err(errno) => {
                let kind = if given.has('d') { "directory" } else { "file" };
                let template = if parent.is_empty() {
                    template.to_owned()
                } else {
                    join(&parent, template)
                };
                let message = format!(
                    "failed to create {kind} via template {}: {}",
                    quoted(&template),
                    errno.text()
                );
                shell.report_of("mktemp", message).await;
                return Err(1);
            }
        }
    }
    Err(1)
}
