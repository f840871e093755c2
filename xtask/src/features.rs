//! `cargo xtask features`: each crate compiled alone, with each choice of its features that matters.

use anyhow::Result;
use xshell::Shell;

use crate::shell::cargo;
use crate::workspace::{Workspace, features};

/// Compiles these packages, or all, with each choice of features, and fails at the first warning.
///
/// Clippy can refuse warnings, such as that of an import that one feature alone uses, without flags that
/// would have all dependencies compiled again.
pub(crate) fn run(sh: &Shell, packages: &[String]) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    for package in workspace.select(packages)? {
        let clippy = format!("clippy --locked --package {}", package.name);
        for choice in choices(features(package)) {
            cargo(sh, &format!("{clippy} {choice} -- -D warnings")).run()?;
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
