//! The emulator as a program that a user would start.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::process::Process;
use crate::shell::cargo;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(60);
/// The variable that it prints last.
const LAST: &str = "BL_CLIENT_CREDENTIALS";

/// Builds the program, together with its tests. The flags select the features with which the stage `test` has
/// built it already.
const BUILD: &str = "test --quiet --locked --no-run --test emulator";

/// Builds the program of the emulator, and returns its path.
pub(crate) fn program(sh: &Shell) -> Result<PathBuf> {
    cargo(sh, BUILD).quiet().run()?;
    Ok(Workspace::read(sh)?.target.join("debug/blaxel-emulator"))
}

/// An emulator that serves until it is dropped, or until this program ends for whatever reason.
pub(crate) struct Emulator {
    variables: Vec<(String, String)>,
    _process: Process,
}

impl Emulator {
    /// Starts this program with these options.
    pub(crate) fn start(program: &Path, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(options);
        Self::start_by(command)
    }

    /// Starts it by this command, at a free port.
    pub(crate) fn start_by(mut command: Command) -> Result<Self> {
        command.args(["--port", "0", "--until-stdin-closes"]);
        let process = Process::start(command.stdout(Stdio::piped()), "the emulator")?;
        let mut variables = Vec::new();
        let is_complete = process.lines(START_LIMIT).any(|line| {
            variables.extend(variable(&line));
            variables.last().is_some_and(|(name, _)| name == LAST)
        });
        ensure!(is_complete, "the emulator did not tell its address");
        Ok(Self {
            variables,
            _process: process,
        })
    }

    /// Returns the environment variables that lead an SDK to it and sign it in.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }
}

/// Parses a line that sets or proposes a variable: `export NAME=value` or `# NAME=value`.
fn variable(line: &str) -> Option<(String, String)> {
    let set = line.strip_prefix("export ").or(line.strip_prefix("# "))?;
    let (name, value) = set.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_has_started_when_it_has_told_the_last_variable() {
        let start = |lines: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("printf '%s' '{lines}'")]);
            Emulator::start_by(shell)
        };
        let first = "Hello\nexport BL_URL=http://h/v0?a=b\nexport BL_A\nset BL_A=b\n";
        assert!(start(first).is_err());
        let emulator = start(&format!("{first}# BL_CLIENT_CREDENTIALS=YTpi==")).unwrap();
        let variables = [("BL_URL", "http://h/v0?a=b"), (LAST, "YTpi==")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(emulator.variables(), variables);
    }
}
