//! What a registry holds, as cargo itself finds out.

use std::path::Path;
use std::process::Stdio;

use semver::Version;

use crate::ci::cargo_in;

/// A registry by the name that cargo's configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry {
    name: String,
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

    /// Whether any version of this package is there.
    ///
    /// It is asked in `outside`, a directory that is in no workspace: in one, cargo would find the
    /// package there first.
    pub(crate) fn knows(&self, package: &str, outside: &Path) -> Result<bool, String> {
        self.ask(package, outside)
    }

    /// Whether this version of the package is there.
    pub(crate) fn holds(
        &self,
        package: &str,
        version: &Version,
        outside: &Path,
    ) -> Result<bool, String> {
        self.ask(&format!("{package}@{version}"), outside)
    }

    fn ask(&self, package: &str, outside: &Path) -> Result<bool, String> {
        let output = cargo_in(outside)
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
