//! `rm` and `rmdir`.

use super::{Done, quoted};
use crate::errno::Errno;
use crate::files::{FileKind, Files as _};
use crate::shell::Shell;

pub(super) async fn rm(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("recursive", 'r'),
        ("force", 'f'),
        ("dir", 'd'),
        ("verbose", 'v'),
    ];
    let given = shell.arguments("rm", arguments, "rRfdvi", &long).await?;
    if given.operands.is_empty() {
        if given.has('f') {
            return Ok(0);
        }
        return Err(shell.usage("rm", "missing operand").await);
    }
    let is_recursive = given.has('r') || given.has('R');
    let mut status = 0;
    for operand in &given.operands {
        let path = shell.path(operand);
        let trimmed = operand.trim_end_matches('/');
        let last = trimmed.rsplit('/').next().unwrap_or_default();
        if matches!(last, "." | "..") {
            let message = format!(
                "refusing to remove '.' or '..' directory: skipping {}",
                quoted(operand)
            );
            shell.report_of("rm", message).await;
            status = 1;
            continue;
        }
        if trimmed.is_empty() && operand.starts_with('/') && is_recursive {
            let message = "it is dangerous to operate recursively on '/'\n\
                           rm: use --no-preserve-root to override this failsafe";
            shell.report_of("rm", message).await;
            status = 1;
            continue;
        }
        let removed = match shell.disk.link_metadata(&path) {
            Err(Errno::NotFound | Errno::NotDirectory) if given.has('f') => continue,
            Err(errno) => Err(errno),
            Ok(file) if file.kind != FileKind::Directory => shell.disk.remove_file(&path),
            Ok(_) if is_recursive => shell.disk.remove_all(&path).map_err(|error| error.errno()),
            Ok(_) if given.has('d') => shell.disk.remove_dir(&path),
            Ok(_) => Err(Errno::IsDirectory),
        };
        match removed {
            Ok(()) if given.has('v') => {
                shell
                    .write_of("rm", format!("removed {}\n", quoted(operand)))
                    .await?;
            }
            Ok(()) => {}
            Err(errno) => {
                status = 1;
                let message = format!("cannot remove {}: {}", quoted(operand), errno.text());
                shell.report_of("rm", message).await;
            }
        }
    }
    Ok(status)
}

pub(super) async fn rmdir(shell: &mut Shell, arguments: &[String]) -> Done {
    let long = [
        ("parents", 'p'),
        ("verbose", 'v'),
        ("ignore-fail-on-non-empty", 'I'),
    ];
    let given = shell.arguments("rmdir", arguments, "pvI", &long).await?;
    if given.operands.is_empty() {
        return Err(shell.usage("rmdir", "missing operand").await);
    }
    let mut status = 0;
    for operand in &given.operands {
        let mut name = operand.trim_end_matches('/');
        loop {
            match shell.disk.remove_dir(&shell.path(name)) {
                Ok(()) => {}
                Err(Errno::NotEmpty) if given.has('I') => break,
                Err(errno) => {
                    status = 1;
                    let message = format!("failed to remove {}: {}", quoted(name), errno.text());
                    shell.report_of("rmdir", message).await;
                    break;
                }
            }
            match name.rsplit_once('/') {
                Some((parent, _)) if given.has('p') && !parent.is_empty() => name = parent,
                _ => break,
            }
        }
    }
    Ok(status)
}
