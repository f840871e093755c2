//! Pinned versions of the programs that the commands run, installed when they are first needed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::Shell;

use crate::shell::cargo;
use crate::workspace::Workspace;

/// The environment variable that names another directory for the programs.
pub(crate) const DIRECTORY_VARIABLE: &str = "XTASK_TOOLS";

/// A program that cargo can install: the package, which has the name of the program, and its version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool(&'static str, &'static str);

/// Lists the public items of a crate.
pub(crate) const PUBLIC_API: Tool = Tool("cargo-public-api", "0.52.0");
/// Finds changes that break users between two versions of a crate.
pub(crate) const SEMVER_CHECKS: Tool = Tool("cargo-semver-checks", "0.51.0");
/// Checks licences, sources and bans in the tree of dependencies.
pub(crate) const DENY: Tool = Tool("cargo-deny", "0.20.2");
/// Finds links that lead nowhere.
pub(crate) const LYCHEE: Tool = Tool("lychee", "0.24.2");
/// A crate registry with its index in git.
pub(crate) const REGISTRY: Tool = Tool("ktra", "0.7.0");

/// Returns the directory of the programs: one for all clones if the variable is set, otherwise one
/// below the workspace's target directory.
pub(crate) fn directory(workspace: &Workspace) -> PathBuf {
    std::env::var_os(DIRECTORY_VARIABLE)
        .map_or_else(|| workspace.target.join("tools"), PathBuf::from)
}

impl Tool {
    /// Returns the path of the program, and installs it first if it is missing.
    pub(crate) fn installed(self, sh: &Shell, workspace: &Workspace) -> Result<PathBuf> {
        let Self(name, version) = self;
        let tools = directory(workspace);
        let root = tools.join(format!("{name}-{version}"));
        let program = root.join("bin").join(name);
        if !program.is_file() {
            self.install(sh, &tools, &root)
                .with_context(|| format!("cannot install {name} {version}"))?;
        }
        Ok(program)
    }

    fn install(self, sh: &Shell, tools: &Path, root: &Path) -> Result<()> {
        let Self(name, version) = self;
        let build = tools.join("build");
        // Unoptimized and without debug information: the programs run for seconds, and everybody
        // waits for their compilation.
        cargo(sh, "install --locked --debug --quiet --no-track")
            .args([name, "--version", version, "--root"])
            .arg(root)
            .arg("--target-dir")
            .arg(&build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .run()?;
        Ok(sh.remove_path(build)?)
    }
}
