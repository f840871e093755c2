//! `cargo xtask deny`: the tree of dependencies, checked against `deny.toml`.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::tools::DENY;
use crate::workspace::Workspace;

/// Checks bans, licences and sources; or the advisories, which need a database from the network and may
/// fail tomorrow for the same tree, and so are no part of what a change must pass.
pub(crate) fn run(sh: &Shell, advisories: bool) -> Result<()> {
    let program = DENY.installed(sh, &Workspace::read(sh)?)?;
    let checks: &[&str] = if advisories {
        &["advisories"]
    } else {
        &["bans", "licenses", "sources"]
    };
    Ok(cmd!(sh, "{program} --locked check {checks...}").run()?)
}
