//! `cargo xtask features`: each crate compiled alone, with each choice of its features that matters.

use std::cmp::Reverse;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use cargo_metadata::Package;
use xshell::Shell;

use crate::shell::{at_root, cargo};
use crate::workspace::{Workspace, features};

/// Compiles these packages, or all, with each choice of features, and fails at the first warning.
///
/// The crates of the workspace wait for each other, and checking one keeps one core busy. So there are two lanes,
/// the second one with a target directory of its own, which take package after package.
pub(crate) fn run(sh: &Shell, packages: &[String]) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let mut packages = workspace.select(packages)?;
    // The longest ones first, so that both lanes end at about the same time.
    packages.sort_by_key(|package| Reverse(features(package).count()));
    let lanes = [None, Some(workspace.target.join("xtask/features"))];
    let lanes = lanes.into_iter().take(packages.len());
    let queue = Mutex::new(packages.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        let lanes = lanes.map(|target| scope.spawn(|| check_all(next, target)));
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().try_for_each(|lane| {
            let result = lane.join();
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    })
}

/// Compiles the next package until there is none, in this target directory if it is not the usual one.
///
/// Clippy can refuse warnings, such as that of an import that one feature alone uses, without flags that
/// would have all dependencies compiled again; those of this workspace are checked in their own turn. What it keeps
/// for the next change of a source is of no use here.
fn check_all<'a>(next: impl Fn() -> Option<&'a Package>, target: Option<PathBuf>) -> Result<()> {
    let sh = at_root()?;
    sh.set_var("CARGO_INCREMENTAL", "0");
    if let Some(target) = target {
        sh.set_var("CARGO_TARGET_DIR", target);
    }
    while let Some(package) = next() {
        let clippy = format!("clippy --locked --no-deps --package {}", package.name);
        for choice in choices(features(package)) {
            cargo(&sh, &format!("{clippy} {choice} -- -D warnings")).run()?;
        }
    }
    Ok(())
}

/// Returns the arguments for each feature alone, none, all, and the default ones.
fn choices<'a>(features: impl Iterator<Item = &'a str>) -> Vec<String> {
    let alone = |feature| format!("--no-default-features --features {feature}");
    let mut choices: Vec<String> = features.map(alone).collect();
    if !choices.is_empty() {
        choices.extend(["--no-default-features", "--all-features"].map(str::to_owned));
    }
    choices.push(String::new());
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_compiled_alone() {
        let expected = [
            "--no-default-features --features wind",
            "--no-default-features --features rain",
            "--no-default-features",
            "--all-features",
            "",
        ];
        assert_eq!(choices(["wind", "rain"].into_iter()), expected);
        assert_eq!(choices([].into_iter()), [""]);
    }
}
