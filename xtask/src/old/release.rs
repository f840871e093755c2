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
mod refusals;
mod registry;
mod report;

use std::path::Path;

use crate::old::git::Git;
use options::Options;

const HELP: &str = "";

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
        unknown => Err(format!("`release` has no step `{unknown}`\n\n{HELP}")),
    }
}
