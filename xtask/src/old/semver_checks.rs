//! `cargo xtask semver`: whether a crate breaks those who use the version that was tagged last, in a way
//! that its version does not say.

use std::path::Path;
use std::process::Command;

use crate::old::ci::say;
use crate::old::git::Git;
use crate::old::run::tell;
use crate::old::tags::{last_release, tag};
use crate::old::tools::SEMVER_CHECKS;
use crate::old::workspace::{Package, Workspace};

/// Runs the command with its arguments, which name crates. `Ok` tells whether no crate breaks its users
/// unsaid.
pub(crate) fn command(root: &Path, names: &[String]) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let packages = workspace.select(names)?;
    let tags = Git::at(root).tags()?;
    let mut all_well = true;
    for package in packages {
        let Some(released) = last_release(&package.name, &tags) else {
            say(&format!(
                "semver: {} has no tag `{0}-v...`, so there is nothing to compare it with",
                package.name
            ));
            continue;
        };
        let tag = tag(&package.name, &released);
        let program = SEMVER_CHECKS.installed(root, &workspace.target)?;
        for choice in choices(package) {
            all_well &= compare(root, &program, &package.name, &tag, choice)?;
        }
    }
    Ok(all_well)
}

/// Whether any package of the workspace was ever tagged.
pub(crate) fn has_tags(root: &Path) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    // Where git is not to be had, as in an unpacked archive, there is nothing to compare with.
    let tags = Git::at(root).tags().unwrap_or_default();
    let mut packages = workspace.packages.iter();
    Ok(packages.any(|package| last_release(&package.name, &tags).is_some()))
}

/// The default features, and all of them if that is more.
fn choices(package: &Package) -> &'static [&'static str] {
    if package.features.is_empty() {
        &["--default-features"]
    } else {
        &["--default-features", "--all-features"]
    }
}

fn compare(
    root: &Path,
    program: &Path,
    package: &str,
    tag: &str,
    choice: &str,
) -> Result<bool, String> {
    let arguments = [
        "semver-checks",
        "--package",
        package,
        "--baseline-rev",
        tag,
        choice,
    ];
    say(&format!("$ cargo {}", arguments.join(" ")));
    let mut checks = Command::new(program);
    tell(
        checks.args(arguments).current_dir(root),
        "cargo-semver-checks",
    )
}
