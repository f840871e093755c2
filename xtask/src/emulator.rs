//! The emulator as a program that a user would start.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use xshell::Shell;

use crate::process::Process;
use crate::shell::cargo;

/// The variables that the programs need.
const NEEDED: [&str; 5] = [
    "BL_API_URL",
    "BL_RUN_URL",
    "BL_WORKSPACE",
    "BL_API_KEY",
    "BL_CLIENT_CREDENTIALS",
];

/// The maximum time to its address. It is compiled before, but cargo may have to wait for another
/// cargo before it finds that out.
const START_LIMIT: Duration = Duration::from_secs(60);

/// An emulator that serves until it is dropped, or until this program ends for whatever reason.
#[derive(Debug)]
pub(crate) struct Emulator {
    variables: Vec<(String, String)>,
    _process: Process,
}

impl Emulator {
    /// Starts the emulator of the workspace at a free port.
    pub(crate) fn start(sh: &Shell) -> Result<Self> {
        // On Unix cargo is replaced by the program that it runs: to kill the one kills the other.
        Self::start_by(cargo(sh, "run --quiet --package blaxel-emulator --").into())
    }

    /// Starts the emulator by this command at a free port.
    pub(crate) fn start_by(mut command: Command) -> Result<Self> {
        command.args(["--port", "0", "--until-stdin-closes"]);
        let process = Process::start(command.stdout(Stdio::piped()), "blaxel-emulator")?;
        let mut variables = Vec::new();
        process.wait_for(START_LIMIT, |line| {
            variables.extend(variable(line));
            let is_set = |needed| variables.iter().any(|(name, _)| name == needed);
            NEEDED.iter().all(is_set).then_some(())
        })?;
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
    let assignment = line
        .strip_prefix("export ")
        .or_else(|| line.strip_prefix("# "))?;
    let (name, value) = assignment.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_for_a_shell_are_parsed() {
        let cases = [
            (
                "export BL_API_URL=http://h:1/v0?a=b",
                Some(("BL_API_URL", "http://h:1/v0?a=b")),
            ),
            (
                "# BL_CLIENT_CREDENTIALS=YTpi==",
                Some(("BL_CLIENT_CREDENTIALS", "YTpi==")),
            ),
            ("The emulator serves", None),
            ("export BL_API_URL", None),
            ("", None),
        ];
        for (line, expected) in cases {
            let read = variable(line);
            let read = read
                .as_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(read, expected, "{line}");
        }
    }

    #[test]
    fn an_emulator_has_started_when_it_has_told_every_variable() {
        let start = |names: &[&str]| {
            let script = names.iter().map(|name| format!("echo export {name}=x;"));
            let mut shell = Command::new("sh");
            shell.args(["-c", &script.collect::<String>()]);
            Emulator::start_by(shell)
        };
        assert_eq!(start(&NEEDED).unwrap().variables().len(), NEEDED.len());
        assert!(start(&NEEDED[1..]).is_err());
    }
}
