//! The files as a release will have them.

use std::path::Path;

use super::change::Change;
use crate::old::release::changelog::{Changelog, Section};
use crate::old::release::level::Level;
use crate::old::release::plan::{Plan, Release};
use crate::old::release::{edit, facts};
use crate::old::workspace::Workspace;

pub(super) const CHANGELOG: &str = "CHANGELOG.md";

/// What a release changes, file by file.
pub(super) fn of(
    root: &Path,
    workspace: &Workspace,
    plan: &Plan,
    changelog: &str,
    date: &str,
) -> Result<Vec<Change>, String> {
    let releases = &plan.releases;
    let targets: Vec<edit::Target<'_>> = releases
        .iter()
        .map(|release| (release.name.as_str(), &release.next))
        .collect();
    let sections: Vec<Section> = releases.iter().map(section).collect();
    let turned = Changelog::parse(changelog, &workspace.names())?.turned(&sections, date);

    let mut changes = vec![Change::new(CHANGELOG, changelog.to_owned(), turned)];
    let mut edited = |path: &str, edit: &dyn Fn(&str) -> Result<String, String>| {
        let before = facts::read(root, path)?;
        let after = edit(&before).map_err(|error| format!("{path}: {error}"))?;
        changes.push(Change::new(path, before, after));
        Ok::<_, String>(())
    };
    edited("Cargo.lock", &|text| edit::lock(text, &targets))?;
    edited("Cargo.toml", &|text| edit::root(text, &targets))?;
    for release in releases {
        let package = workspace.package(&release.name);
        let package = package.ok_or_else(|| format!("there is no crate {}", release.name))?;
        let path = format!("{}/Cargo.toml", package.below(root)?);
        edited(&path, &|text| edit::manifest(text, &release.next))?;
    }
    changes.retain(Change::is_one);
    Ok(changes)
}

fn section(release: &Release) -> Section {
    // Who has no users yet need not tell them what it follows.
    let follows = match release.level {
        Level::First => Vec::new(),
        _ => release.follows.clone(),
    };
    Section {
        name: release.name.clone(),
        version: release.next.clone(),
        follows,
    }
}
