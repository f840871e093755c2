//! Node.js, Python and Go, which run the projects of `tests/interop`.
//!
//! Each project is installed by its lock file below `target/interop`; nothing is written among the
//! sources.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::process::Process;
use crate::shell::at_root;

/// The time limit of an installation.
const LIMIT: Duration = Duration::from_secs(420);
/// Keeps the TypeScript SDK from connections to the platform itself.
pub(crate) const DISABLE_HTTP2: &str = "BL_DISABLE_H2";
/// The file that records what an installation was made from.
const RECORD: &str = "installed";

/// Lines for a shell in the directory of an installation, each of which ends with its process.
pub(crate) struct Runtime {
    /// Prints the versions of the tools.
    versions: &'static str,
    /// The file that decides what is installed.
    pub(crate) lock: &'static str,
    install: &'static str,
    /// Builds the program, if it has to be built, from the sources as they are now.
    build: Option<&'static str>,
    /// Runs a script, in a directory below.
    run: &'static str,
}

pub(crate) const NODE: Runtime = Runtime {
    versions: "node --version && npm --version",
    lock: "package-lock.json",
    // Peers are needed by builds of the SDK only, and scripts by nothing.
    install: "exec npm ci --omit=peer --ignore-scripts --no-audit --no-fund --loglevel=error",
    build: None,
    run: "exec node",
};

pub(crate) const PYTHON: Runtime = Runtime {
    versions: "python3 --version",
    lock: "requirements.txt",
    install: "python3 -I -m venv --clear venv && exec venv/bin/python -I -m pip install \
              --require-hashes --only-binary=:all: --disable-pip-version-check --no-input --quiet \
              --requirement=requirements.txt",
    build: None,
    // As `-I`, except that a script finds the modules beside it.
    run: "exec ../venv/bin/python -E -s -B -u",
};

pub(crate) const GO: Runtime = Runtime {
    versions: "go version",
    lock: "go.sum",
    // The settings of the user decide where modules come from, and nothing else.
    install: "exec env GOWORK=off GOTOOLCHAIN=local GOFLAGS=-mod=readonly go mod download",
    // The program, and those of others that `go.mod` names as tools.
    build: Some(
        "exec env GOWORK=off GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 \
         go build -trimpath -buildvcs=false -o bin/ . tool",
    ),
    run: "exec",
};

impl Runtime {
    /// Installs a project of `tests/interop`, and returns a shell in the directory of the installation.
    pub(crate) fn installed(&self, project: &str) -> Result<Shell> {
        let (root, sh) = (at_root()?, at_root()?);
        sh.change_dir(sh.create_dir(format!("target/interop/{project}"))?);
        self.install(&sh, &root.current_dir().join("tests/interop").join(project))?;
        Ok(sh)
    }

    /// Copies the sources to here, since scripts find modules beside themselves only, installs what
    /// the lock file says, unless that has been done by the same tools, and builds the program.
    pub(crate) fn install(&self, sh: &Shell, sources: &Path) -> Result<()> {
        // A module that is gone from the sources must not be found.
        sh.remove_path("checks")?;
        cmd!(sh, "cp -R {sources}/. .").quiet().run()?;
        let (versions, install) = (self.versions, self.install);
        let versions = cmd!(sh, "sh -c {versions}").quiet().read()?;
        let recipe = format!("{versions}\n{install}\n{}", sh.read_file(self.lock)?);
        if !sh.read_file(RECORD).is_ok_and(|record| record == recipe) {
            // Until all is installed, nothing that is there can be relied on.
            sh.remove_path(RECORD)?;
            run(sh, install)?;
            sh.write_file(RECORD, recipe)?;
        }
        self.build.map_or(Ok(()), |build| run(sh, build))
    }

    /// Returns the command that runs a script, perhaps with one argument, in an empty directory: the SDKs read settings from the
    /// current directory and from the home directory. There are no proxies, no credentials and no
    /// addresses in its environment.
    pub(crate) fn script(&self, sh: &Shell, script: &str) -> Result<Command> {
        let argument = script.split_once(' ').map(|(_, argument)| argument);
        let home = argument.map_or_else(|| "home".to_owned(), |it| format!("home-{it}"));
        sh.remove_path(&home)?;
        let home = sh.create_dir(home)?;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{} ../{script}", self.run)]);
        command.current_dir(&home).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs([("DO_NOT_TRACK", "1"), (DISABLE_HTTP2, "1")]);
        command.envs([("HOME", &home), ("TMPDIR", &home)]);
        command.env("LOG_LEVEL", "WARNING").stdout(Stdio::piped());
        Ok(command)
    }
}

/// Runs a line of an installation.
fn run(sh: &Shell, line: &str) -> Result<()> {
    println!("$ {line}");
    let process = Process::start(&mut cmd!(sh, "sh -c {line}").into(), "the installation")?;
    ensure!(process.finish(LIMIT, drop)?, "`{line}` failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_installed_again_if_its_lock_file_has_changed_and_built_each_time() {
        const RUNTIME: Runtime = Runtime {
            versions: "true",
            lock: "lock",
            install: "cp lock made",
            build: Some("cp source built"),
            run: "",
        };
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        sh.change_dir(directory.path());
        let sources = Path::new("sources");
        for (lock, expected) in [("one", true), ("one", false), ("two", true)] {
            sh.write_file(sources.join("lock"), lock).unwrap();
            sh.write_file(sources.join("source"), expected.to_string())
                .unwrap();
            sh.write_file("checks/removed", "").unwrap();
            sh.remove_path("made").unwrap();
            RUNTIME.install(&sh, sources).unwrap();
            assert_eq!(sh.path_exists("made"), expected, "{lock}");
            assert_eq!(sh.read_file("built").unwrap(), expected.to_string());
            assert!(!sh.path_exists("checks"));
        }
    }
}
