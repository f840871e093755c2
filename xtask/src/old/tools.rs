//! Programs of others that the commands need, each in the version that we know to work.
//!
//! They are installed when they are first needed, beside what the workspace builds, and never into
//! a person's own directories.

use std::fs;
use std::path::{Path, PathBuf};

use crate::old::ci::{cargo_in, say};
use crate::old::run::tell;

/// The environment variable that names another directory for them, which a rehearsal sets.
pub(crate) const DIRECTORY_VARIABLE: &str = "XTASK_TOOLS";

/// Where they are, by where cargo puts what it builds.
pub(crate) fn directory(target: &Path) -> PathBuf {
    std::env::var_os(DIRECTORY_VARIABLE).map_or_else(|| target.join("tools"), PathBuf::from)
}

/// A program that cargo can install.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// The package, and the program in it.
    name: &'static str,
    version: &'static str,
}

/// Lists what is public in a crate.
pub(crate) const PUBLIC_API: Tool = Tool {
    name: "cargo-public-api",
    version: "0.52.0",
};

/// Finds what breaks users between two versions of a crate.
pub(crate) const SEMVER_CHECKS: Tool = Tool {
    name: "cargo-semver-checks",
    version: "0.51.0",
};

/// Checks licences, sources and bans over the tree of dependencies.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// A registry for crates, with its index in git.
pub(crate) const REGISTRY: Tool = Tool {
    name: "ktra",
    version: "0.7.0",
};

impl Tool {
    /// The path of the program, which is installed under `target` unless it is there.
    pub(crate) fn installed(&self, root: &Path, target: &Path) -> Result<PathBuf, String> {
        let tools = directory(target);
        let directory = tools.join(format!("{}-{}", self.name, self.version));
        let program = directory.join("bin").join(self.name);
        if !program.is_file() {
            self.install(root, &tools, &directory)?;
        }
        Ok(program)
    }

    fn install(&self, root: &Path, tools: &Path, directory: &Path) -> Result<(), String> {
        let Self { name, version } = self;
        let build = tools.join("build");
        // Without optimisation: these run for seconds, and everyone waits for their compilation.
        let arguments = ["install", name, "--version", version, "--locked", "--debug"];
        say(&format!("$ cargo {}", arguments.join(" ")));
        let mut cargo = cargo_in(root);
        cargo
            .args(arguments)
            .args(["--quiet", "--no-track", "--root"])
            .arg(directory)
            .arg("--target-dir")
            .arg(&build)
            // Nor for a debugger, whose share is most of what would be written.
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        let installed = tell(&mut cargo, "`cargo install`")?;
        // What it was built from is of no more use; what cannot be removed does no harm.
        let _ = fs::remove_dir_all(build);
        if installed {
            Ok(())
        } else {
            Err(format!(
                "{name} {version} could not be installed; see above"
            ))
        }
    }
}
