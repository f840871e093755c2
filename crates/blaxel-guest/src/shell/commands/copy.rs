//! `cp` and `mv`.

use super::{Arguments, Done, quoted};
use crate::errno::Errno;
use crate::files::{FileKind, Files, OpenOptions, join};
use crate::memory::MemoryFiles;
use crate::shell::Shell;

/// The bytes that are copied at once.
const CHUNK: usize = 64 << 10;

/// Returns the source of each copy and its target.
async fn targets(
    shell: &Shell,
    name: &str,
    given: &Arguments,
) -> Result<Vec<(String, String)>, i32> {
    let mut operands = given.operands.clone();
    let target = match given.value('t') {
        Some(directory) => Some(directory.to_owned()),
        None => operands.pop(),
    };
    let Some(target) = target else {
        return Err(shell.usage(name, "missing file operand").await);
    };
    if operands.is_empty() {
        let message = format!("missing destination file operand after {}", quoted(&target));
        return Err(shell.usage(name, &message).await);
    }
    let found = shell.disk.metadata(&shell.path(&target));
    let is_directory = found.is_ok_and(|file| file.kind == FileKind::Directory) && !given.has('T');
    if operands.len() > 1 && !is_directory {
        let reason = match found {
            Ok(_) => "Not a directory",
            Err(errno) => errno.text(),
        };
        let message = match found {
            Ok(_) => format!("target {}: {reason}", quoted(&target)),
            Err(_) => format!("target {}: {reason}", quoted(&target)),
        };
        shell.report_of(name, message).await;
        return Err(1);
    }
    let pairs = operands.into_iter().map(|source| {
        let last = source
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let to = match (is_directory, last.as_str()) {
            (true, "" | "." | "..") => target.clone(),
            (true, last) => join_shown(&target, last),
            (false, _) => target.clone(),
        };
        (source, to)
    });
    Ok(pairs.collect())
}

/// Appends a name to a path as the tools print it.
fn join_shown(directory: &str, name: &str) -> String {
    match directory.ends_with('/') {
        true => format!("{directory}{name}"),
        false => format!("{directory}/{name}"),
    }
}

/// A copy that failed, and the place where it did.
struct Failed(String);

struct Copy<'a> {
    disk: &'a MemoryFiles,
    is_recursive: bool,
    follows: bool,
    keeps: bool,
    is_forced: bool,
    umask: u32,
    failures: Vec<String>,
}

impl Copy<'_> {
    fn run(&mut self, from: (&str, &str), to: (&str, &str)) {
        if let Err(Failed(message)) = self.entry(from, to, true) {
            self.failures.push(message);
        }
    }

    /// Copies an entry. Each side has the name that messages show, and the path.
    fn entry(&mut self, from: (&str, &str), to: (&str, &str), is_top: bool) -> Result<(), Failed> {
        let follows = self.follows || (is_top && !self.is_recursive);
        let found = match follows {
            true => self.disk.metadata(from.1),
            false => self.disk.link_metadata(from.1),
        };
        let file = found
            .map_err(|errno| Failed(format!("cannot stat {}: {}", quoted(from.0), errno.text())))?;
        let target = self.disk.metadata(to.1);
        if let (Ok(target), Ok(source)) = (&target, self.disk.metadata(from.1))
            && target.inode == source.inode
            && self.disk.canonicalize(from.1) == self.disk.canonicalize(to.1)
        {
            return Err(Failed(format!(
                "{} and {} are the same file",
                quoted(from.0),
                quoted(to.0)
            )));
        }
        match file.kind {
            FileKind::Directory if !self.is_recursive => Err(Failed(format!(
                "-r not specified; omitting directory {}",
                quoted(from.0)
            ))),
            FileKind::Directory => {
                let inside = format!("{}/", from.1.trim_end_matches('/'));
                if format!("{}/", to.1.trim_end_matches('/')).starts_with(&inside) {
                    return Err(Failed(format!(
                        "cannot copy a directory, {}, into itself, {}",
                        quoted(from.0),
                        quoted(to.0)
                    )));
                }
                match target {
                    Ok(target) if target.kind != FileKind::Directory => {
                        return Err(Failed(format!(
                            "cannot overwrite non-directory {} with directory {}",
                            quoted(to.0),
                            quoted(from.0)
                        )));
                    }
                    Ok(_) => {}
                    Err(_) => {
                        let mode = if self.keeps {
                            file.mode
                        } else {
                            file.mode & !self.umask
                        };
                        self.disk.create_dir(to.1, mode).map_err(|errno| {
                            Failed(format!(
                                "cannot create directory {}: {}",
                                quoted(to.0),
                                errno.text()
                            ))
                        })?;
                    }
                }
                let entries = self.disk.read_dir(from.1).map_err(|errno| {
                    Failed(format!(
                        "cannot access {}: {}",
                        quoted(from.0),
                        errno.text()
                    ))
                })?;
                for entry in entries {
                    let from_name = join_shown(from.0, &entry.name);
                    let to_name = join_shown(to.0, &entry.name);
                    let from_path = join(from.1, &entry.name);
                    let to_path = join(to.1, &entry.name);
                    let copied = self.entry((&from_name, &from_path), (&to_name, &to_path), false);
                    if let Err(Failed(message)) = copied {
                        self.failures.push(message);
                    }
                }
                self.keep(&file, to.1);
                Ok(())
            }
            FileKind::Symlink => {
                let link = self.disk.read_link(from.1).and_then(|target| {
                    let _ = self.disk.remove_file(to.1);
                    self.disk.symlink(&target, to.1)
                });
                link.map_err(|errno| {
                    Failed(format!(
                        "cannot create symbolic link {}: {}",
                        quoted(to.0),
                        errno.text()
                    ))
                })
            }
            _ => {
                if target.is_ok_and(|target| target.kind == FileKind::Directory) {
                    return Err(Failed(format!(
                        "cannot overwrite directory {} with non-directory",
                        quoted(to.0)
                    )));
                }
                self.content(from, to, file.mode)?;
                self.keep(&file, to.1);
                Ok(())
            }
        }
    }

    fn content(&self, from: (&str, &str), to: (&str, &str), mode: u32) -> Result<(), Failed> {
        let source = self
            .disk
            .open(from.1, &OpenOptions::reading())
            .map_err(|errno| {
                Failed(format!(
                    "cannot open {} for reading: {}",
                    quoted(from.0),
                    errno.text()
                ))
            })?;
        let options = OpenOptions::replacing(mode & !self.umask);
        let mut opened = self.disk.open(to.1, &options);
        if opened.is_err() && self.is_forced && self.disk.remove_file(to.1).is_ok() {
            opened = self.disk.open(to.1, &options);
        }
        let target = opened.map_err(|errno| {
            let text = match to.1.ends_with('/') {
                true => Errno::NotDirectory.text(),
                false => errno.text(),
            };
            Failed(format!(
                "cannot create regular file {}: {text}",
                quoted(to.0)
            ))
        })?;
        let mut buffer = vec![0; CHUNK];
        let mut offset = 0;
        loop {
            let read = source.read_at(offset, &mut buffer).map_err(|errno| {
                Failed(format!(
                    "error reading {}: {}",
                    quoted(from.0),
                    errno.text()
                ))
            })?;
            if read == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            target.write_all_at(offset, bytes).map_err(|errno| {
                Failed(format!("error writing {}: {}", quoted(to.0), errno.text()))
            })?;
            offset += read as u64;
        }
    }

    /// Gives a copy the metadata of its source, if it is to have it.
    fn keep(&self, file: &crate::files::Metadata, path: &str) {
        if self.keeps {
            // As with the tool, a copy without the right owner is still a copy.
            let _ = self.disk.set_mode(path, file.mode);
            let _ = self.disk.set_owner(path, Some(file.user), Some(file.group));
            let _ = self
                .disk
                .set_times(path, Some(file.accessed), Some(file.modified));
        }
    }
}

pub(super) async fn cp(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("recursive", 'r'),
        ("force", 'f'),
        ("archive", 'a'),
        ("no-clobber", 'n'),
        ("verbose", 'v'),
        ("target-directory", 't'),
        ("preserve", 'p'),
        ("dereference", 'L'),
        ("update", 'u'),
    ];
    let given = shell
        .arguments("cp", arguments, "rRfapnvt:TLPdiuH", &long)
        .await?;
    let pairs = targets(shell, "cp", &given).await?;
    let mut copy = Copy {
        disk: &shell.disk,
        is_recursive: given.has('r') || given.has('R') || given.has('a'),
        follows: given.has('L'),
        keeps: given.has('a') || given.has('p'),
        is_forced: given.has('f'),
        umask: shell.umask,
        failures: Vec::new(),
    };
    let mut copied = Vec::new();
    for (from, to) in &pairs {
        let (from_path, to_path) = (shell.path(from), shell.path(to));
        if given.has('n') && shell.disk.link_metadata(&to_path).is_ok() {
            continue;
        }
        let before = copy.failures.len();
        copy.run((from, &from_path), (to, &to_path));
        if copy.failures.len() == before {
            copied.push(format!("{} -> {}\n", quoted(from), quoted(to)));
        }
    }
    let failures = copy.failures;
    for message in &failures {
        shell.report_of("cp", message).await;
    }
    if given.has('v') {
        shell.write_of("cp", copied.concat()).await?;
    }
    Ok(i32::from(!failures.is_empty()))
}

pub(super) async fn mv(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("force", 'f'),
        ("no-clobber", 'n'),
        ("verbose", 'v'),
        ("target-directory", 't'),
    ];
    let given = shell.arguments("mv", arguments, "fnvt:Tiu", &long).await?;
    let pairs = targets(shell, "mv", &given).await?;
    let mut status = 0;
    for (from, to) in &pairs {
        let (from_path, to_path) = (shell.path(from), shell.path(to));
        if given.has('n') && shell.disk.link_metadata(&to_path).is_ok() {
            continue;
        }
        if let Err(message) = move_entry(shell, (from, &from_path), (to, &to_path)) {
            status = 1;
            shell.report_of("mv", message).await;
        } else if given.has('v') {
            let line = format!("renamed {} -> {}\n", quoted(from), quoted(to));
            shell.write_of("mv", line).await?;
        }
    }
    Ok(status)
}

fn move_entry(shell: &Shell, from: (&str, &str), to: (&str, &str)) -> Result<(), String> {
    let disk = &shell.disk;
    let source = disk
        .link_metadata(from.1)
        .map_err(|errno| format!("cannot stat {}: {}", quoted(from.0), errno.text()))?;
    if let Ok(target) = disk.link_metadata(to.1) {
        if target.inode == source.inode && disk.canonicalize(from.1) == disk.canonicalize(to.1) {
            return Err(format!(
                "{} and {} are the same file",
                quoted(from.0),
                quoted(to.0)
            ));
        }
        match (source.kind, target.kind) {
            (FileKind::Directory, kind) if kind != FileKind::Directory => {
                return Err(format!(
                    "cannot overwrite non-directory {} with directory {}",
                    quoted(to.0),
                    quoted(from.0)
                ));
            }
            (kind, FileKind::Directory) if kind != FileKind::Directory => {
                return Err(format!(
                    "cannot overwrite directory {} with non-directory",
                    quoted(to.0)
                ));
            }
            _ => {}
        }
    }
    match disk.rename(from.1, to.1) {
        Ok(()) => Ok(()),
        Err(Errno::CrossDevice) => {
            let mut copy = Copy {
                disk,
                is_recursive: true,
                follows: false,
                keeps: true,
                is_forced: true,
                umask: 0,
                failures: Vec::new(),
            };
            copy.run(from, to);
            match copy.failures.into_iter().next() {
                Some(message) => Err(message),
                None => disk.remove_all(from.1).map_err(|error| {
                    format!("cannot remove {}: {}", quoted(from.0), error.errno().text())
                }),
            }
        }
        Err(Errno::Invalid) => Err(format!(
            "cannot move {} to a subdirectory of itself, {}",
            quoted(from.0),
            quoted(to.0)
        )),
        Err(errno) => Err(format!(
            "cannot move {} to {}: {}",
            quoted(from.0),
            quoted(to.0),
            errno.text()
        )),
    }
}
