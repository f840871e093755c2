//! `cargo xtask semver`: changes that break users of the last tagged version of a crate, compared with
//! the version that its manifest has now.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::git::{git, last_release, tag};
use crate::tools::SEMVER_CHECKS;
use crate::workspace::Workspace;

/// Compares these packages, or all, with what was tagged, with the default features and with all.
pub(crate) fn run(sh: &Shell, packages: &[String]) -> Result<()> {
    let workspace = Workspace::read(sh)?;
    let tags = git(sh, "tag --list").read()?;
    let mut broken = Vec::new();
    for package in workspace.select(packages)? {
        let name = package.name.as_str();
        let Some(released) = last_release(name, &tags) else {
            println!("semver: {name} has no tag `{name}-v…` to be compared with");
            continue;
        };
        let program = SEMVER_CHECKS.installed(sh, &workspace)?;
        let tag = tag(name, &released);
        for features in ["--default-features", "--all-features"] {
            let arguments = ["--package", name, "--baseline-rev", &tag, features];
            if cmd!(sh, "{program} semver-checks {arguments...}")
                .run()
                .is_err()
            {
                broken.push(format!("{name} ({features})"));
            }
        }
    }
    ensure!(
        broken.is_empty(),
        "cargo-semver-checks refuses {}: see above; raise the version, or undo the change",
        broken.join(", ")
    );
    Ok(())
}
