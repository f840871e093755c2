//! Programs run at the root of the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

/// Returns a shell whose current directory is the root of the workspace.
pub(crate) fn at_root() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root()?);
    Ok(sh)
}

/// Returns the root of the workspace.
///
/// The environment is asked first: clones may share a target directory, and then the path that this
/// program was compiled under may be another clone's.
fn root() -> Result<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = manifest.parent().map(Path::to_path_buf);
    root.context("the manifest of xtask lies at the root of the file system")
}

/// Returns a command that runs cargo with these arguments, separated by spaces.
///
/// It is the cargo that runs this program, without the variables by which `cargo run` describes our
/// package: build scripts watch them (that of `ring` does), and would run again each time the same
/// build is requested by us after a person, and the other way round.
pub(crate) fn cargo<'a>(sh: &'a Shell, arguments: &str) -> Cmd<'a> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    without_package_variables(cmd!(sh, "{cargo}").args(arguments.split_whitespace()))
}

/// Removes the variables that describe our own package from the environment of a command.
fn without_package_variables(command: Cmd<'_>) -> Cmd<'_> {
    std::env::vars_os()
        .filter(|(name, _)| describes_package(&name.to_string_lossy()))
        .fold(command, |command, (name, _)| command.env_remove(name))
}

fn describes_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_runs_at_the_root_without_the_variables_of_this_package() {
        let sh = at_root().unwrap();
        assert!(sh.path_exists("xtask/src/shell.rs"));
        let version = cargo(&sh, "--version").read().unwrap();
        assert!(version.starts_with("cargo 1."), "{version}");
        assert!(describes_package("CARGO_PKG_NAME") && describes_package("CARGO_MANIFEST_DIR"));
        assert!(!describes_package("CARGO_TARGET_DIR") && !describes_package("CARGO_HOME"));
    }
}
