//! The versions that a registry has, as cargo finds out.

use anyhow::{Result, bail};
use semver::Version;
use xshell::Shell;

use crate::shell::cargo;

/// The name of Rust's public registry in cargo's configuration.
pub(crate) const PUBLIC: &str = "crates-io";

/// The versions of a package on a registry, compared with the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The version that was asked for.
    Version,
    /// Other versions only.
    Name,
    /// Nothing.
    Nothing,
}

/// Returns what a registry has of this version of a package.
///
/// # Errors
///
/// Fails if the registry does not answer: a release must not take that for an absence.
pub(crate) fn standing(
    sh: &Shell,
    registry: &str,
    name: &str,
    version: &Version,
) -> Result<Standing> {
    if has(sh, registry, &format!("{name}@{version}"))? {
        Ok(Standing::Version)
    } else if has(sh, registry, name)? {
        Ok(Standing::Name)
    } else {
        Ok(Standing::Nothing)
    }
}

/// Returns `true` if a registry has a package, given as `name` or `name@version`.
pub(crate) fn has(sh: &Shell, registry: &str, package: &str) -> Result<bool> {
    let info = cargo(sh, "info --config net.offline=false --quiet --color never").args([
        package,
        "--registry",
        registry,
    ]);
    let output = info.quiet().ignore_status().output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(true)
    } else if message.contains("could not find `") {
        Ok(false)
    } else {
        bail!(
            "cannot find out whether the registry `{registry}` has {package}: {}",
            message.trim()
        )
    }
}
