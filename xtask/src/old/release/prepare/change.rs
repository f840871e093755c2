//! Changes of files, made together or not at all.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::old::ci::cargo_in;
use crate::old::git::Git;
use crate::old::release::offline::offline_first;
use crate::old::release::plan::Release;
use crate::old::run::ask;
use crate::old::scratch::Scratch;

/// A file with another text, by its path from the root.
#[derive(Debug)]
pub(super) struct Change {
    path: String,
    before: String,
    after: String,
}

impl Change {
    pub(super) fn new(path: &str, before: String, after: String) -> Self {
        Self {
            path: path.to_owned(),
            before,
            after,
        }
    }

    /// Whether the text differs at all.
    pub(super) fn is_one(&self) -> bool {
        self.before != self.after
    }
}

/// The changes as git shows them.
pub(super) fn difference(changes: &[Change]) -> Result<String, String> {
    let scratch = Scratch::new("difference")?;
    for change in changes {
        for (side, text) in [("a", &change.before), ("b", &change.after)] {
            write(&scratch.path().join(side), &change.path, text)?;
        }
    }
    let output = Command::new("git")
        .current_dir(scratch.path())
        .args([
            "diff",
            "--no-index",
            "--no-prefix",
            "--no-color",
            "--no-ext-diff",
            "a",
            "b",
        ])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`git diff` does not start: {error}"))?;
    // 1 says that there are differences.
    if output.status.code().is_some_and(|code| code < 2) {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("`git diff` fails: {}", said.trim()))
    }
}

/// Makes the changes, commits them and tags the releases. After a failure all is as it was.
pub(super) fn carry_out(
    root: &Path,
    git: &Git,
    changes: &[Change],
    message: &str,
    releases: &[Release],
) -> Result<(), String> {
    let head = git.head()?;
    let mut tagged = Vec::new();
    let result = attempt(root, git, changes, message, releases, &mut tagged);
    result.map_err(|reason| {
        let undone = undo(root, git, changes, &head, &tagged);
        let outcome = match undone {
            Ok(()) => "all is as it was before".to_owned(),
            Err(left) => format!("not all could be put back: {left}"),
        };
        format!("the release could not be prepared, and {outcome}\n{reason}")
    })
}

fn attempt(
    root: &Path,
    git: &Git,
    changes: &[Change],
    message: &str,
    releases: &[Release],
    tagged: &mut Vec<String>,
) -> Result<(), String> {
    for change in changes {
        write(root, &change.path, &change.after)?;
    }
    resolves(root)?;
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    git.commit(message, &paths)?;
    for release in releases {
        let tag = release.tag();
        git.tag(&tag, &format!("{} {}", release.name, release.next))?;
        tagged.push(tag);
    }
    Ok(())
}

/// Whether cargo takes the manifests and the lock file as they are now.
fn resolves(root: &Path) -> Result<(), String> {
    offline_first(|offline| {
        let mut cargo = cargo_in(root);
        cargo
            .args(["update", "--workspace", "--locked", "--quiet"])
            .args(offline.then_some("--offline"));
        ask(&mut cargo, "`cargo update`")
            .map(drop)
            .map_err(|said| format!("cargo does not take the new versions: {said}"))
    })
}

/// Takes everything back that was done since this commit; all of it is tried, whatever fails.
fn undo(
    root: &Path,
    git: &Git,
    changes: &[Change],
    head: &str,
    tagged: &[String],
) -> Result<(), String> {
    let mut failures: Vec<String> = Vec::new();
    for tag in tagged {
        failures.extend(git.delete_tag(tag).err());
    }
    for change in changes {
        failures.extend(write(root, &change.path, &change.before).err());
    }
    failures.extend(git.reset(head).err());
    match git.status() {
        Ok(status) if status.is_empty() => {}
        Ok(status) => failures.push(format!("git still sees {}", status.join(", "))),
        Err(error) => failures.push(error),
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("; "))
    }
}

fn write(root: &Path, path: &str, text: &str) -> Result<(), String> {
    let path = root.join(path);
    let failed = |error| format!("{} cannot be written: {error}", path.display());
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    fs::write(&path, text).map_err(failed)
}
