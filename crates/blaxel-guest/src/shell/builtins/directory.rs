//! The working directory.

use crate::errno::Errno;
use crate::files::{FileKind, Files as _};
use crate::shell::syntax::Dialect;
use crate::shell::{Run, Shell};

impl Shell {
    pub(super) async fn cd(&mut self, arguments: &[String]) -> Run {
        let mut arguments = arguments;
        let mut is_physical = false;
        while let Some((option @ ("-L" | "-P" | "--"), rest)) = arguments
            .split_first()
            .map(|(option, rest)| (option.as_str(), rest))
        {
            is_physical |= option == "-P";
            arguments = rest;
        }
        let (target, prints) = match arguments.first().map(String::as_str) {
            None => (
                self.variables.get("HOME").unwrap_or_default().to_owned(),
                false,
            ),
            Some("-") => (
                self.variables.get("OLDPWD").unwrap_or_default().to_owned(),
                true,
            ),
            Some(path) => (path.to_owned(), false),
        };
        if target.is_empty() {
            return Ok(0);
        }
        let mut path = logical(&self.path(&target));
        let found = self
            .disk
            .metadata(&path)
            .and_then(|metadata| match metadata.kind {
                FileKind::Directory => Ok(()),
                _ => Err(Errno::NotDirectory),
            });
        if let Err(errno) = found {
            return match self.dialect {
                Dialect::Dash => self.refuse(&format!("cd: can't cd to {target}"), 2).await,
                Dialect::Bash => {
                    self.refuse(&format!("cd: {target}: {}", errno.text()), 1)
                        .await
                }
            };
        }
        if is_physical {
            path = self.disk.canonicalize(&path).unwrap_or(path);
        }
        let old = std::mem::replace(&mut self.directory, path.clone());
        self.assign("OLDPWD", old).await?;
        self.assign("PWD", path.clone()).await?;
        if prints {
            return self.print_status(&format!("{path}\n")).await;
        }
        Ok(0)
    }
}

/// Returns a path without `.` and `..`, which lead along the names and not along links.
fn logical(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}
