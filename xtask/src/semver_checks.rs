//! `cargo xtask semver`: whether a crate breaks those who use the version that was tagged last, in a way
//! that its version does not say.

use std::path::Path;
use std::process::{Command, Stdio};

use semver::Version;

use crate::ci::say;
use crate::tools::SEMVER_CHECKS;
use crate::workspace::{Package, Workspace};

/// Runs the command with its arguments, which name crates. `Ok` tells whether no crate breaks its users
/// unsaid.
pub(crate) fn command(root: &Path, names: &[String]) -> Result<bool, String> {
    let workspace = Workspace::read(root)?;
    let packages = workspace.select(names)?;
    let tags = tags(root)?;
    let mut all_well = true;
    for package in packages {
        let Some(tag) = last(&tags, &package.name) else {
            say(&format!(
                "semver: {} has no tag `{0}-v...`, so there is nothing to compare it with",
                package.name
            ));
            continue;
        };
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
    let tags = tags(root).unwrap_or_default();
    let mut packages = workspace.packages.iter();
    Ok(packages.any(|package| last(&tags, &package.name).is_some()))
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
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{} does not start: {error}", program.display()))?;
    Ok(status.success())
}

/// All tags of the repository.
fn tags(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args(["tag", "--list"])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("git, which knows the tags, does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git does not name the tags: {}", said.trim()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names.lines().map(str::to_owned).collect())
}

/// The tag of a package with the highest version.
fn last(tags: &[String], package: &str) -> Option<String> {
    let version = |tag: &str| {
        let version = tag.strip_prefix(package)?.strip_prefix("-v")?;
        Version::parse(version).ok()
    };
    let versions = tags.iter().filter_map(|tag| version(tag));
    versions
        .max()
        .map(|version| format!("{package}-v{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_of(tags: &[&str], package: &str) -> Option<String> {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        last(&tags, package)
    }

    #[test]
    fn the_last_tag_is_that_of_the_highest_version() {
        let tags = [
            "kite-v0.9.0",
            "kite-v0.10.0",
            "kite-v0.10.0-rc.1",
            "kite-v0.2.0",
        ];
        assert_eq!(last_of(&tags, "kite").as_deref(), Some("kite-v0.10.0"));
    }

    #[test]
    fn a_tag_of_another_crate_or_of_no_version_is_none() {
        let tags = ["kite-string-v1.0.0", "kite-v2", "kite-vane", "v3.0.0"];
        assert_eq!(last_of(&tags, "kite"), None);
        let string = last_of(&tags, "kite-string");
        assert_eq!(string.as_deref(), Some("kite-string-v1.0.0"));
    }
}
