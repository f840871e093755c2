//! `ln`, `readlink` and `realpath`.

use super::{Done, quoted};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _, join};
use crate::shell::Shell;

pub(super) async fn ln(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("symbolic", 's'),
        ("force", 'f'),
        ("no-dereference", 'n'),
        ("verbose", 'v'),
    ];
    let given = shell.arguments("ln", arguments, "sfnvTri", &long).await?;
    let mut operands = given.operands.clone();
    let target = match operands.len() {
        0 => return Err(shell.usage("ln", "missing file operand").await),
        1 => ".".to_owned(),
        _ => operands.pop().unwrap_or_default(),
    };
    let target_path = shell.path(&target);
    let found = match given.has('n') {
        true => shell.disk.link_metadata(&target_path),
        false => shell.disk.metadata(&target_path),
    };
    let is_directory = found.is_ok_and(|file| file.kind == FileKind::Directory) && !given.has('T');
    if operands.len() > 1 && !is_directory {
        shell
            .report_of("ln", format!("target {}: Not a directory", quoted(&target)))
            .await;
        return Err(1);
    }
    let mut status = 0;
    for source in &operands {
        let last = source
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let name = match (is_directory, target.as_str()) {
            (true, ".") => format!("./{last}"),
            (true, target) => join(target, last),
            (false, target) => target.to_owned(),
        };
        let path = shell.path(&name);
        if given.has('f') {
            let _ = shell.disk.remove_file(&path);
        }
        let linked = match given.has('s') {
            true => shell.disk.symlink(source, &path),
            false => match shell.disk.link_metadata(&shell.path(source)) {
                Err(errno) => {
                    status = 1;
                    let message = format!("failed to access {}: {}", quoted(source), errno.text());
                    shell.report_of("ln", message).await;
                    continue;
                }
                Ok(file) if file.kind == FileKind::Directory => {
                    status = 1;
                    let message = format!("{source}: hard link not allowed for directory");
                    shell.report_of("ln", message).await;
                    continue;
                }
                Ok(_) => shell.disk.hard_link(&shell.path(source), &path),
            },
        };
        if let Err(errno) = linked {
            status = 1;
            let message = match (given.has('s'), errno) {
                (true, _) => format!(
                    "failed to create symbolic link {}: {}",
                    quoted(&name),
                    errno.text()
                ),
                (false, Errno::Exists) => {
                    format!(
                        "failed to create hard link {}: {}",
                        quoted(&name),
                        errno.text()
                    )
                }
                (false, _) => format!(
                    "failed to create hard link {} => {}: {}",
                    quoted(&name),
                    quoted(source),
                    errno.text()
                ),
            };
            shell.report_of("ln", message).await;
        }
    }
    Ok(status)
}

pub(super) async fn readlink(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("canonicalize", 'f'),
        ("canonicalize-existing", 'e'),
        ("no-newline", 'n'),
    ];
    let given = shell
        .arguments("readlink", arguments, "femnqsv", &long)
        .await?;
    if given.operands.is_empty() {
        return Err(shell.usage("readlink", "missing operand").await);
    }
    let mut status = 0;
    for operand in &given.operands {
        let path = shell.path(operand);
        let found = match given.last("fem") {
            None => shell.disk.read_link(&path),
            Some(kind) => resolve(shell, &path, kind != 'e'),
        };
        match found {
            Ok(text) => {
                let end = if given.has('n') { "" } else { "\n" };
                shell.write_of("readlink", format!("{text}{end}")).await?;
            }
            Err(_) => status = 1,
        }
    }
    Ok(status)
}

pub(super) async fn realpath(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("canonicalize-existing", 'e'),
        ("canonicalize-missing", 'm'),
        ("quiet", 'q'),
    ];
    let given = shell
        .arguments("realpath", arguments, "emqsLPz", &long)
        .await?;
    if given.operands.is_empty() {
        return Err(shell.usage("realpath", "missing operand").await);
    }
    let mut status = 0;
    for operand in &given.operands {
        match resolve(shell, &shell.path(operand), !given.has('e')) {
            Ok(text) => shell.write_of("realpath", format!("{text}\n")).await?,
            Err(errno) => {
                status = 1;
                if !given.has('q') {
                    shell
                        .report_of("realpath", format!("{operand}: {}", errno.text()))
                        .await;
                }
            }
        }
    }
    Ok(status)
}

/// Returns a path without links. With `may_miss`, its last name need not exist.
fn resolve(shell: &Shell, path: &str, may_miss: bool) -> Result<String, Errno> {
    match shell.disk.canonicalize(path) {
        Err(Errno::NotFound) if may_miss => {
            let trimmed = path.trim_end_matches('/');
            let (parent, name) = trimmed.rsplit_once('/').ok_or(Errno::NotFound)?;
            let parent = if parent.is_empty() { "/" } else { parent };
            let parent = shell.disk.canonicalize(parent)?;
            Ok(join(&parent, name))
        }
        found => found,
    }
}
