//! What the workspace and its history say of each crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::contents;
use super::inherited;
use super::plan::{Changes, Facts};
use crate::old::git::Git;
use crate::old::public_api::{self, Difference, difference};
use crate::old::tags::{last_release, tag};
use crate::old::workspace::{Package, Workspace};

/// The crates in an order in which they can be published, each compared with its last release.
pub(super) fn gather(root: &Path, workspace: &Workspace, git: &Git) -> Result<Vec<Facts>, String> {
    let tags = git.tags()?;
    let siblings = workspace.names();
    let mut facts = Vec::new();
    for package in &workspace.packages {
        let released = last_release(&package.name, &tags);
        let changes = match &released {
            Some(version) => changes(root, git, package, &tag(&package.name, version), &siblings)?,
            None => Changes::default(),
        };
        facts.push(Facts {
            name: package.name.clone(),
            manifest: package.version.clone(),
            released,
            uses: package.uses().map(str::to_owned).collect(),
            changes,
        });
    }
    Ok(facts)
}

/// How a package differs from what it was at this tag.
fn changes(
    root: &Path,
    git: &Git,
    package: &Package,
    tag: &str,
    siblings: &[&str],
) -> Result<Changes, String> {
    let directory = package.below(root)?;
    let packaged = contents::files(root, &package.name)?;
    let packaged: BTreeSet<&str> = packaged.iter().map(String::as_str).collect();
    let mut changed = git.changed(tag, &directory)?;
    // What is gone cannot be asked about any more; it counts, to be on the safe side.
    changed.retain(|file| {
        let inside = file.strip_prefix(&format!("{directory}/")).unwrap_or(file);
        packaged.contains(inside) || !root.join(file).exists()
    });
    let mut commits = git.log(tag, &directory)?;
    commits.retain(|commit| commit.files.iter().any(|file| changed.contains(file)));
    let inherited = inherited(root, git, tag, &directory, siblings)?;
    // A snapshot can change on its own, with what the package uses or with the program that writes it.
    let api = if changed.is_empty() && inherited.is_empty() {
        Difference::default()
    } else {
        api(root, git, tag, &format!("{directory}/{}", public_api::FILE))?
    };
    Ok(Changes {
        files: !changed.is_empty(),
        commits,
        api,
        inherited,
    })
}

/// How the public items differ; not at all if the snapshot was not there yet.
fn api(root: &Path, git: &Git, tag: &str, path: &str) -> Result<Difference, String> {
    let Some(before) = git.show(tag, path)? else {
        return Ok(Difference::default());
    };
    Ok(difference(&before, &read(root, path)?))
}

fn inherited(
    root: &Path,
    git: &Git,
    tag: &str,
    directory: &str,
    siblings: &[&str],
) -> Result<Vec<String>, String> {
    const ROOT: &str = "Cargo.toml";
    let manifest = read(root, &format!("{directory}/{ROOT}"))?;
    match git.show(tag, ROOT)? {
        Some(before) => inherited::changed(&manifest, &before, &read(root, ROOT)?, siblings),
        None => Ok(Vec::new()),
    }
}

/// A file of the workspace by its path from the root.
pub(super) fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("{path} cannot be read: {error}"))
}
