//! `cargo xtask release prepare`: versions, changelog, one commit and its tags; or nothing at all.

mod change;
mod draft;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use semver::Version;

use super::changelog::Changelog;
use super::options::Options;
use super::plan::{Plan, Release};
use super::report::Held;
use super::{contents, facts, refusals};
use crate::old::ci::say;
use crate::old::deny;
use crate::old::git::Git;
use crate::old::workspace::Workspace;
use draft::CHANGELOG;

/// Prepares a release. `Ok` tells whether it was not refused.
pub(super) fn command(root: &Path, options: &Options) -> Result<bool, String> {
    run(root, options, |name, version| {
        options.registry.standing(name, version)
    })
}

/// Does it with what the registry `held` before.
fn run(
    root: &Path,
    options: &Options,
    held: impl Fn(&str, &Version) -> Held,
) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let git = Git::at(root);
    let plan = Plan::of(facts::gather(root, &workspace, &git)?);
    let changelog = facts::read(root, CHANGELOG)?;
    let refusals = refused(root, options, &workspace, &git, &plan, &changelog, held)?;
    if !refusals.is_empty() {
        for refusal in &refusals {
            say(&format!("refused: {refusal}"));
        }
        say("Nothing was changed.");
        return Ok(false);
    }
    let date = options
        .date
        .clone()
        .unwrap_or_else(|| day(SystemTime::now()));
    let changes = draft::of(root, &workspace, &plan, &changelog, &date)?;
    let message = message(&plan.releases);
    if options.dry_run {
        say(change::difference(&changes)?.trim_end());
        say(&format!(
            "\nThe commit would be:\n\n{message}\n\nThe tags would be:\n"
        ));
    } else {
        change::carry_out(root, &git, &changes, &message, &plan.releases)?;
        say("Committed, and tagged as:\n");
    }
    for release in &plan.releases {
        say(&format!("  {}", release.tag()));
    }
    if options.dry_run {
        say("\nNothing was changed.");
    } else {
        say("\nNothing was pushed or published yet.");
    }
    Ok(true)
}

/// All that keeps the release from being made.
fn refused(
    root: &Path,
    options: &Options,
    workspace: &Workspace,
    git: &Git,
    plan: &Plan,
    changelog: &str,
    held: impl Fn(&str, &Version) -> Held,
) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    found.extend(refusals::tree(&git.status()?));
    found.extend(refusals::branch(git.branch()?.as_deref(), &options.branch));
    found.extend(refusals::nothing(&plan.releases));
    match Changelog::parse(changelog, &workspace.names()) {
        Ok(changelog) => found.extend(refusals::entries(&plan.releases, &changelog)),
        Err(refusal) => found.push(refusal),
    }
    let tags = git.tags()?;
    let texts = licence_texts(root)?;
    for release in &plan.releases {
        let Release { name, next, .. } = release;
        found.extend(refusals::version(name, next, &tags, &held(name, next)));
        if let Some(package) = workspace.package(name) {
            found.extend(refusals::dependencies(package));
            let files = contents::files(root, name)?;
            found.extend(refusals::licence(package, &files, &texts));
        }
    }
    found.extend(dependencies(root));
    Ok(found)
}

/// What is wrong with the whole tree of dependencies, if there are rules for it.
fn dependencies(root: &Path) -> Option<String> {
    if !root.join("deny.toml").is_file() {
        return None;
    }
    match deny::check(root) {
        Ok(true) => None,
        Ok(false) => Some("the dependencies are not as deny.toml asks; see above".to_owned()),
        Err(why) => Some(format!("the dependencies could not be checked: {why}")),
    }
}

/// The names of the files at the root that hold texts of licences.
fn licence_texts(root: &Path) -> Result<Vec<String>, String> {
    let failed = |error| format!("{} cannot be read: {error}", root.display());
    let mut texts = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        texts.extend(
            name.into_string()
                .ok()
                .filter(|name| refusals::is_licence(name)),
        );
    }
    texts.sort();
    Ok(texts)
}

/// The message of the commit: what is released, crate by crate.
fn message(releases: &[Release]) -> String {
    let named = |release: &Release| format!("{} {}", release.name, release.next);
    match releases {
        [only] => format!("Release {}", named(only)),
        many => {
            let lines = many.iter().map(|release| format!("\n- {}", named(release)));
            format!(
                "Release {} crates\n{}",
                many.len(),
                lines.collect::<String>()
            )
        }
    }
}

/// The day of a time, `YYYY-MM-DD`, in UTC.
fn day(time: SystemTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // Such as `Wed, 25 Nov 2026 18:00:37 GMT`.
    let date = httpdate::fmt_http_date(time);
    let mut parts = date.split(' ').skip(1);
    let mut next = || parts.next().unwrap_or_default();
    let (day, month, year) = (next(), next(), next());
    let month = MONTHS
        .iter()
        .position(|name| *name == month)
        .map_or(0, |index| index + 1);
    format!("{year}-{month:02}-{day}")
}

#[cfg(test)]
mod tests;
