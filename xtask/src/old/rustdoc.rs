//! Documentation built with what is unstable in rustdoc, on a stable compiler.
//!
//! `RUSTC_BOOTSTRAP` has a stable rustdoc take it. Told to cargo, build scripts of dependencies would
//! see the variable too and have half of the tree compiled anew, there and back again. So cargo takes
//! this program for rustdoc, and only the real one, which is run in its place, sees it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use crate::old::ci::{cargo_in, say};
use crate::old::run::tell;
use crate::old::workspace::{Package, Workspace};

/// Tells this program that it stands in for the rustdoc of this name.
const STAND_IN: &str = "XTASK_RUSTDOC";

/// Where this program lay when it started. Tests of the workspace build it anew in the same place, and
/// from then on the system knows the one that runs by no path.
static OURSELVES: OnceLock<PathBuf> = OnceLock::new();

/// Runs rustdoc with our arguments if this program stands in for it. To be called before all else.
pub(crate) fn stand_in() -> Option<ExitCode> {
    if let Ok(path) = std::env::current_exe() {
        OURSELVES.get_or_init(|| path);
    }
    let rustdoc = std::env::var_os(STAND_IN)?;
    let status = Command::new(&rustdoc)
        .args(std::env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove(STAND_IN)
        .status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {} does not start: {error}", rustdoc.display());
            ExitCode::FAILURE
        }
    })
}

/// What is to be built of a package.
pub(crate) struct Build<'a> {
    pub(crate) package: &'a Package,
    /// Arguments of cargo, by which features are chosen.
    pub(crate) features: Vec<String>,
    /// Arguments of rustdoc.
    pub(crate) arguments: Vec<String>,
}

impl Build<'_> {
    /// Builds into this directory, and returns whether there was nothing to complain of. What the
    /// dependencies are compiled to lies where it always does.
    pub(crate) fn run(
        &self,
        root: &Path,
        workspace: &Workspace,
        to: &Path,
    ) -> Result<bool, String> {
        let mut arguments = vec!["rustdoc", "--locked", "--lib", "--package"];
        arguments.push(&self.package.name);
        arguments.extend(self.features.iter().map(String::as_str));
        arguments.push("--");
        arguments.extend(self.arguments.iter().map(String::as_str));
        say(&format!("$ cargo {}", arguments.join(" ")));
        let ourselves = OURSELVES.get();
        let ourselves = ourselves.ok_or("the system does not tell where this program lies")?;
        let rustdoc = std::env::var_os("RUSTDOC").unwrap_or_else(|| OsString::from("rustdoc"));
        let mut cargo = cargo_in(root);
        cargo
            .args(&arguments)
            .env("RUSTDOC", ourselves)
            .env(STAND_IN, rustdoc)
            .env("DOCS_RS", "1")
            .env("CARGO_BUILD_BUILD_DIR", &workspace.target)
            .env("CARGO_TARGET_DIR", to);
        tell(&mut cargo, "`cargo rustdoc`")
    }
}
