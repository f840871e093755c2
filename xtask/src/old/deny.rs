//! `cargo xtask deny`: what the tree of dependencies may hold, as `deny.toml` has it.

use std::path::Path;
use std::process::Command;

use crate::old::ci::say;
use crate::old::run::tell;
use crate::old::tools::DENY;
use crate::old::workspace::Workspace;

/// What is told by the tree alone.
const OFFLINE: [&str; 3] = ["bans", "licenses", "sources"];

/// What needs a database from the network, and may fail tomorrow for what passes today. So it is no
/// part of the checks that a change must pass.
const ADVISORIES: [&str; 1] = ["advisories"];

/// Runs the command with its arguments. `Ok` tells whether the tree is as it may be.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    match arguments {
        [] => check(root),
        [option] if option == "--advisories" => run(root, &ADVISORIES),
        [unknown, ..] => Err(format!(
            "`deny` does not know `{unknown}`; its only option is `--advisories`"
        )),
    }
}

/// Checks bans, licences and sources.
pub(crate) fn check(root: &Path) -> Result<bool, String> {
    run(root, &OFFLINE)
}

fn run(root: &Path, checks: &[&str]) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let program = DENY.installed(root, &workspace.target)?;
    say(&format!("$ cargo deny --locked check {}", checks.join(" ")));
    let mut deny = Command::new(&program);
    deny.args(["--locked", "check"])
        .args(checks)
        .current_dir(root);
    tell(&mut deny, "cargo-deny")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_is_refused() {
        let refusal = command(&crate::old::root(), &["--fix".to_owned()]).unwrap_err();
        assert!(refusal.contains("`--fix`") && refusal.contains("`--advisories`"));
    }
}
