//! `cargo xtask release`: from what has changed to packages on a registry.

mod changelog;
mod contents;
mod edit;
mod facts;
mod inherited;
mod level;
mod offline;
mod options;
mod plan;
mod prepare;
mod publish;
mod refusals;
mod registry;
mod rehearse;
mod report;
mod verify;

use std::path::Path;

use crate::old::git::Git;
use options::Options;

pub(crate) use rehearse::run as rehearse;

const HELP: &str = "\
From what has changed to packages on a registry.

usage: cargo xtask release <step> [OPTION...]

steps, in the order of a release:
  plan       say which crates are due, at which versions, and why; changes nothing
  prepare    set the versions, turn the changelog, commit and tag; pushes nothing
  verify     package every crate, look into the packages, and build from them alone
  publish    upload what the registry does not have, in order; to be run again after any failure
  rehearse   do all of it in a clone, on a registry on this machine, then once more with trouble in its way

options:
  --registry NAME      the registry by its name in cargo's configuration; Rust's public one by default
  --branch NAME        the branch that releases are made from; `main` by default
  --dry-run            say what would be done, and change nothing
  --date YYYY-MM-DD    the day in the changelog; today's (UTC) by default; for `prepare` only
  --new-names N/SECONDS  how fast the registry takes new names: N at once, then one each so many seconds;
                       5/600 for the public one, without a limit for others; for `publish` only
";

/// The commit that a release would be made from.
pub(crate) fn committed(root: &Path) -> Result<String, String> {
    Git::at(root).head()
}

/// Runs a step of a release. `Ok` tells whether all is well, `Err` why it was not understood.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let Some((step, rest)) = arguments.split_first() else {
        return Err(format!("`release` needs to know the step\n\n{HELP}"));
    };
    if step == "help" {
        print!("{HELP}");
        return Ok(true);
    }
    let options = Options::parse(step, rest)?;
    match step.as_str() {
        "plan" => report::command(root, &options),
        "prepare" => prepare::command(root, &options),
        "verify" => verify::command(root, &options),
        "publish" => publish::command(root, &options),
        "rehearse" => rehearse::command(root, &options),
        unknown => Err(format!("`release` has no step `{unknown}`\n\n{HELP}")),
    }
}
