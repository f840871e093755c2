//! The emulator, as the program that a person would start.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::old::ci::cargo_in;
use crate::old::process::Process;

/// What it prints that the programs need.
const NEEDED: [&str; 5] = [
    "BL_API_URL",
    "BL_RUN_URL",
    "BL_WORKSPACE",
    "BL_API_KEY",
    "BL_CLIENT_CREDENTIALS",
];

/// How long it may take to say where it is. It is built already, but cargo may have to wait for
/// another cargo before it sees that.
const START_LIMIT: Duration = Duration::from_secs(60);

/// An emulator that serves until it is dropped, or until this process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Emulator {
    variables: Vec<(String, String)>,
    _process: Process,
    /// Kept open for what it may print later.
    _lines: Receiver<String>,
}

impl Emulator {
    /// Starts that of the workspace at this path, at a free port.
    pub(crate) fn start(root: &Path) -> Result<Self, String> {
        let mut cargo = cargo_in(root);
        // Cargo makes place for the program that it runs, so that to end the one ends the other.
        cargo.args(["run", "--quiet", "--package", "blaxel-emulator", "--"]);
        Self::start_by(cargo)
    }

    /// Starts this program, which is one, at a free port.
    pub(crate) fn start_by(mut program: Command) -> Result<Self, String> {
        program
            .args(["--port", "0", "--until-stdin-closes"])
            .stdout(Stdio::piped());
        let mut process = Process::start_with_input(&mut program, "blaxel-emulator")?;
        let lines = process.lines();
        let deadline = Instant::now() + START_LIMIT;
        let mut variables = Vec::new();
        while !is_complete(&variables) {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = lines
                .recv_timeout(left)
                .map_err(|_| "the emulator did not say where it is".to_owned())?;
            variables.extend(variable(&line));
        }
        Ok(Self {
            variables,
            _process: process,
            _lines: lines,
        })
    }

    /// The environment variables that lead an SDK to it and let it in.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }
}

/// The variable that a line sets or proposes, if it does: `export NAME=value` or `# NAME=value`.
fn variable(line: &str) -> Option<(String, String)> {
    let set = line
        .strip_prefix("export ")
        .or_else(|| line.strip_prefix("# "))?;
    let (name, value) = set.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

fn is_complete(variables: &[(String, String)]) -> bool {
    NEEDED
        .iter()
        .all(|needed| variables.iter().any(|(name, _)| name == needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_a_shell_sets_a_variable() {
        let read = variable("export BL_API_URL=http://127.0.0.1:4242/v0?a=b").unwrap();
        assert_eq!(read.0, "BL_API_URL");
        assert_eq!(read.1, "http://127.0.0.1:4242/v0?a=b");
        let read = variable("# BL_CLIENT_CREDENTIALS=YTpi==").unwrap();
        assert_eq!(read.0, "BL_CLIENT_CREDENTIALS");
        assert_eq!(read.1, "YTpi==");
    }

    #[test]
    fn other_lines_set_none() {
        assert_eq!(variable("The emulator serves"), None);
        assert_eq!(variable("export BL_API_URL"), None);
        assert_eq!(variable("# The emulator serves"), None);
        assert_eq!(variable(""), None);
    }

    #[test]
    fn every_variable_is_waited_for() {
        let mut variables = Vec::new();
        for name in NEEDED {
            assert!(!is_complete(&variables));
            variables.push((name.to_owned(), "x".to_owned()));
        }
        assert!(is_complete(&variables));
    }
}
