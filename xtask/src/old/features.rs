//! `cargo xtask features`: each crate compiles alone with any choice of its features that matters.

use std::path::Path;

use crate::old::ci::{Step, execute, say, step};
use crate::old::workspace::Workspace;

/// Runs the command with its arguments, which name crates. `Ok` tells whether all compile.
pub(crate) fn command(root: &Path, names: &[String]) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let packages = workspace.select(names)?;
    for package in packages {
        for step in steps(&package.name, &package.features) {
            if let Err(failed) = execute(&step, root) {
                say(&format!("features: this fails: {failed}"));
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The default features, none, each alone, and all.
fn steps(name: &str, features: &[String]) -> Vec<Step> {
    // Clippy is the check that can refuse warnings, such as that of an import that only one
    // feature uses, without flags that would have all dependencies compiled once more.
    let check = |choice: &str| {
        step(&format!(
            "clippy --package {name} --locked{choice} -- -D warnings"
        ))
    };
    let mut steps = vec![check("")];
    if features.is_empty() {
        return steps;
    }
    steps.push(check(" --no-default-features"));
    let alone = |feature| check(&format!(" --no-default-features --features {feature}"));
    steps.extend(features.iter().map(alone));
    steps.push(check(" --all-features"));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_checked_alone() {
        let steps = steps("blaxel-kite", &["wind".to_owned(), "string".to_owned()]);
        let lines: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let choices = [
            "",
            " --no-default-features",
            " --no-default-features --features wind",
            " --no-default-features --features string",
            " --all-features",
        ];
        let expected = choices.map(|choice| {
            format!("cargo clippy --package blaxel-kite --locked{choice} -- -D warnings")
        });
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_crate_without_features_is_checked_once() {
        assert_eq!(steps("blaxel-kite", &[]).len(), 1);
    }

    #[test]
    fn an_unknown_crate_is_answered_with_the_known_ones() {
        let message = command(&crate::old::root(), &["blaxel-kite".to_owned()]).unwrap_err();
        assert!(message.contains("`blaxel-kite`"), "{message}");
        assert!(message.contains("`blaxel-core`"), "{message}");
    }
}
