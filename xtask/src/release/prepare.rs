//! `cargo xtask release prepare`: versions, changelog, one commit and its tags; or nothing at all.
//!
//! The files are edited and committed in a temporary working tree. At the end, the branch moves to the
//! commit. So the repository is as it was after any failure, and after an interruption before the tags.

mod refusals;

use std::path::Path;
use std::slice;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use semver::Version;
use toml_edit::{DocumentMut, Value};
use xshell::Shell;

use super::changelog::Changelog;
use super::plan::{Lookup, Plan, Release};
use super::registry::standing;
use crate::flags::Prepare;
use crate::git::git;
use crate::shell::cargo;
use crate::workspace::Workspace;

const CHANGELOG: &str = "CHANGELOG.md";

/// Prepares a release, or prints all the reasons why it cannot be prepared.
pub(crate) fn run(sh: &Shell, flags: &Prepare) -> Result<()> {
    let lookup: Lookup<'_> = &|name, version| standing(sh, &flags.target.registry, name, version);
    let workspace = Workspace::read(sh)?;
    let plan = Plan::read(sh, &workspace)?;
    let refusals = refusals::find(sh, &flags.branch, &workspace, &plan, lookup)?;
    for refusal in &refusals {
        println!("refused: {refusal}");
    }
    if !refusals.is_empty() {
        bail!("the release was refused, and nothing was changed");
    }
    println!("{}", prepare(sh, flags, &plan)?);
    Ok(())
}

/// Prepares a release in a temporary working tree, and returns what was done or would be.
fn prepare(sh: &Shell, flags: &Prepare, plan: &Plan) -> Result<String> {
    let directory = sh.create_temp_dir()?;
    // Below the directory: git removes it, and another process could take its name before we do.
    let tree = &directory.path().join("tree");
    git(sh, "worktree add --quiet --detach").arg(tree).run()?;
    let result = prepare_in(sh, tree, flags, plan);
    let removed = git(sh, "worktree remove --force").arg(tree).run();
    let report = result.context("the release cannot be prepared; the branch is as it was")?;
    Ok(removed.map(|()| report)?)
}

fn prepare_in(sh: &Shell, tree: &Path, flags: &Prepare, plan: &Plan) -> Result<String> {
    let message = message(&plan.releases);
    let names: Vec<String> = plan.releases.iter().map(Release::tag).collect();
    let names = names.join("\n  ");
    let inside = sh.push_dir(tree);
    let date = flags
        .date
        .clone()
        .unwrap_or_else(|| date_of(SystemTime::now()));
    edit(sh, plan, &date)?;
    if flags.dry_run.dry_run {
        let difference = git(sh, "diff --no-color --no-ext-diff").read()?;
        return Ok(format!(
            "{difference}\n\nThe commit would be:\n\n{message}\n\nThe tags would be:\n\n  {names}\n\n\
             Nothing was changed."
        ));
    }
    let committing = git(sh, "commit --quiet --all --message").arg(&message);
    committing.run()?;
    let commit = git(sh, "rev-parse HEAD").read()?;
    drop(inside);
    let mut made = Vec::new();
    if let Err(error) = tag_and_move(sh, plan, &commit, &mut made) {
        let deleted = git(sh, "tag --delete").args(made).ignore_stdout().run();
        deleted.context("the new tags cannot be deleted")?;
        return Err(error);
    }
    Ok(format!(
        "Committed, and tagged as:\n\n  {names}\n\nNothing was pushed or published yet."
    ))
}

/// Tags a commit for each release and moves the branch to it. The tags are recorded as they are made.
fn tag_and_move(sh: &Shell, plan: &Plan, commit: &str, made: &mut Vec<String>) -> Result<()> {
    for release in &plan.releases {
        let tag = release.tag();
        let tagging = git(sh, "tag --annotate").args([&tag, commit, "--message"]);
        tagging.arg(release.title()).run()?;
        made.push(tag);
    }
    Ok(git(sh, "merge --quiet --ff-only").arg(commit).run()?)
}

/// Writes the new versions and the changelog into the working tree that the shell is in.
fn edit(sh: &Shell, plan: &Plan, date: &str) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let changelog = sh.read_file(CHANGELOG)?;
    let changelog = Changelog::parse(&changelog, &workspace.names())?;
    sh.write_file(CHANGELOG, changelog.released(&plan.releases, date))?;
    for release in &plan.releases {
        let (name, next) = (release.name.as_str(), &release.next);
        set_version(sh, "Cargo.toml", &["workspace", "dependencies", name], next)?;
        for package in workspace.select(slice::from_ref(&release.name))? {
            set_version(sh, package.manifest_path.as_str(), &["package"], next)?;
        }
    }
    // It may need an index that is not on this machine yet.
    let offline = cargo(sh, "update --workspace --quiet --offline");
    let locked = offline.quiet().ignore_stderr().run();
    let locked = locked.or_else(|_| cargo(sh, "update --workspace --quiet").quiet().run());
    locked.context("cargo does not accept the new versions")
}

/// Sets the version in a table of a manifest, if there is one, and leaves everything around it.
fn set_version(sh: &Shell, manifest: &str, table: &[&str], version: &Version) -> Result<()> {
    let mut document: DocumentMut = sh.read_file(manifest)?.parse()?;
    let mut path = table.iter().chain([&"version"]);
    if let Some(item) = path.try_fold(document.as_item_mut(), |item, key| item.get_mut(key)) {
        let old = item.as_str().unwrap_or_default();
        ensure!(
            !old.contains([',', '*', '<', '>']),
            "cannot set the version `{old}` in {manifest}: it has bounds; write one version"
        );
        // A requirement may be narrower than usual, such as `=0.1.0`.
        let operator = old.trim_end_matches(|c| c != '=' && c != '~' && c != '^');
        let mut new = Value::from(format!("{operator}{version}"));
        if let Some(old) = item.as_value() {
            *new.decor_mut() = old.decor().clone();
        }
        *item = new.into();
    }
    Ok(sh.write_file(manifest, document.to_string())?)
}

/// Returns the message of the commit.
fn message(releases: &[Release]) -> String {
    let titles: Vec<String> = releases.iter().map(Release::title).collect();
    match &titles[..] {
        [only] => format!("Release {only}"),
        many => format!("Release {} crates\n\n- {}", many.len(), many.join("\n- ")),
    }
}

/// Returns the date of a time in UTC, as `YYYY-MM-DD`.
fn date_of(time: SystemTime) -> String {
    const MONTHS: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    // Such as `Wed, 25 Nov 2026 18:00:37 GMT`, of a fixed length.
    let date = httpdate::fmt_http_date(time);
    let month = MONTHS.find(&date[8..11]).map_or(0, |at| at / 4 + 1);
    format!("{}-{month:02}-{}", &date[12..16], &date[5..7])
}

#[cfg(test)]
mod tests;
