//! What a registry holds, as cargo itself finds out.

use std::process::Stdio;

use semver::Version;

use crate::old::ci::cargo_in;

/// A registry by the name that cargo's configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry {
    name: String,
}

/// What a registry has of a version of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// This version.
    Version,
    /// Other versions.
    Name,
    /// Nothing.
    Nothing,
}

/// Rust's public registry, which cargo knows by this name.
pub(super) const PUBLIC: &str = "crates-io";

impl Default for Registry {
    fn default() -> Self {
        Self::named(PUBLIC)
    }
}

impl Registry {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What there is of this version of a package.
    pub(crate) fn standing(&self, package: &str, version: &Version) -> Result<Standing, String> {
        if self.holds(package, version)? {
            Ok(Standing::Version)
        } else if self.ask(package)? {
            Ok(Standing::Name)
        } else {
            Ok(Standing::Nothing)
        }
    }

    /// Whether this version of a package is there.
    pub(crate) fn holds(&self, package: &str, version: &Version) -> Result<bool, String> {
        self.ask(&format!("{package}@{version}"))
    }

    fn ask(&self, package: &str) -> Result<bool, String> {
        // In a workspace, cargo would find the package there first.
        let output = cargo_in(&std::env::temp_dir())
            .args(["info", "--quiet", package, "--registry", &self.name])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("`cargo info` does not start: {error}"))?;
        if output.status.success() {
            return Ok(true);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if is_absence(&said) {
            return Ok(false);
        }
        Err(format!(
            "whether the registry `{}` holds {package} could not be found out: {}",
            self.name,
            said.trim()
        ))
    }
}

/// Whether cargo says that there is no such package, and not that it could not look.
fn is_absence(said: &str) -> bool {
    said.contains("could not find `")
}
