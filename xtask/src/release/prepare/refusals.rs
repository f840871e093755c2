//! The reasons why a release is not prepared, all of which are found before anything is changed.

use std::slice;

use anyhow::Result;
use cargo_metadata::{Dependency, DependencyKind, Package, Source};
use xshell::Shell;

use super::CHANGELOG;
use crate::deny;
use crate::git::{git, uncommitted};
use crate::release::changelog::Changelog;
use crate::release::plan::{Lookup, Plan, packaged};
use crate::release::registry::Standing;
use crate::workspace::Workspace;

/// Returns all that keeps the release from being prepared. The dependencies are only checked if there is
/// nothing else.
pub(super) fn find(
    sh: &Shell,
    wanted: &str,
    workspace: &Workspace,
    plan: &Plan,
    lookup: Lookup<'_>,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let status = uncommitted(sh)?;
    if !status.is_empty() {
        found.push(format!(
            "there are changes that are not committed:\n{status}"
        ));
    }
    // Fails if HEAD is a commit and no branch.
    let branch = git(sh, "symbolic-ref --quiet --short HEAD").read();
    if branch.as_ref().ok().is_none_or(|branch| branch != wanted) {
        let here = branch.map_or_else(|_| "a detached HEAD".to_owned(), |it| format!("`{it}`"));
        let how = "switch to it, or name another by `--branch`";
        found.push(format!(
            "releases are made from the branch `{wanted}`, not from {here}; {how}"
        ));
    }
    if plan.releases.is_empty() {
        found.push("no crate is due: nothing has changed since the last releases".to_owned());
    }
    let text = sh.read_file(CHANGELOG)?;
    let changelog = Changelog::parse(&text, &workspace.names());
    found.extend(changelog.as_ref().err().map(ToString::to_string));
    for release in &plan.releases {
        let (name, title) = (&release.name, release.title());
        let is_silent = |changelog: &Changelog<'_>| !changelog.mentions(name);
        if release.changes_itself() && changelog.as_ref().is_ok_and(is_silent) {
            let how = format!("add an entry \"- `{name}`: ...\" under `## [Unreleased]`");
            found.push(format!("the changelog does not mention {name}; {how}"));
        }
        let taken = match lookup(name, &release.next) {
            Ok(Standing::Version) => Some("is on the registry, without a tag here".to_owned()),
            Ok(Standing::Name | Standing::Nothing) => None,
            Err(error) => Some(format!("may be on the registry already: {error:#}")),
        };
        found.extend(taken.map(|taken| format!("{title} {taken}")));
        for package in workspace.select(slice::from_ref(name))? {
            let faults = package.dependencies.iter().filter_map(fault);
            found.extend(faults.map(|fault| format!("{name} depends on {fault}")));
            found.extend(licence(sh, package)?);
        }
    }
    // Last, since the tool may have to be compiled first, which takes minutes.
    if found.is_empty() && sh.path_exists("deny.toml") {
        let checked = deny::run(sh, false).err();
        found.extend(checked.map(|error| format!("cargo-deny fails: {error:#}")));
    }
    Ok(found)
}

/// Returns why a registry would not accept this dependency, or users should not get it.
pub(super) fn fault(dependency: &Dependency) -> Option<String> {
    let is_any = dependency.req.to_string() == "*";
    let source = dependency.source.as_ref();
    let is_public = dependency.registry.is_none() && source.is_some_and(Source::is_crates_io);
    let fault = match &dependency.path {
        _ if dependency.kind == DependencyKind::Development => return None,
        Some(_) if is_any => "has a path and no version".to_owned(),
        None if !is_public => format!("comes from {}", source?),
        None if is_any => "may have any version (`*`)".to_owned(),
        _ => return None,
    };
    let name = &dependency.name;
    let need = "packages need a version of it on the public registry";
    Some(format!("`{name}`, which {fault}; {need}"))
}

/// Returns why a package would be published without its licence.
fn licence(sh: &Shell, package: &Package) -> Result<Vec<String>> {
    let name = &package.name;
    let mut found = Vec::new();
    let license = package.license.as_deref().unwrap_or_default();
    if license.trim().is_empty() {
        found.push(format!("{name} states no licence in its manifest"));
    }
    let is_text = |file: &str| file.starts_with("LICEN") || file.starts_with("COPYING");
    let packaged = packaged(sh, package)?;
    let files = sh.read_dir(".")?;
    let files = files.iter().filter_map(|path| path.file_name()?.to_str());
    let texts: Vec<&str> = files.filter(|file| is_text(file)).collect();
    let missing = texts.iter().filter(|text| !packaged.contains(**text));
    found.extend(missing.map(|text| format!("the package of {name} lacks `{text}`")));
    if texts.is_empty() && !packaged.iter().any(|file| is_text(file)) {
        found.push(format!("the package of {name} has no text of its licence"));
    }
    Ok(found)
}
