//! Servers that are not ours, and the tests in which they judge our clients.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::program::{MCP_SERVER, OAUTH_SERVER, Place, Program};
use crate::old::ci::{cargo_in, say};
use crate::old::process::Process;

/// The server is to say where it is within this time.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The tests take seconds, but may have to be built first.
const TEST_LIMIT: Duration = Duration::from_secs(600);

/// A server, and what it judges.
pub(super) struct Counterpart {
    pub(super) program: &'static Program,
    /// By this the tests find the server.
    variable: &'static str,
    /// The tests, a file of `blaxel-tests`.
    tests: &'static str,
}

pub(super) const COUNTERPARTS: [Counterpart; 2] = [
    Counterpart {
        program: &OAUTH_SERVER,
        variable: "BLAXEL_TEST_OAUTH_ISSUER",
        tests: "oauth_server",
    },
    Counterpart {
        program: &MCP_SERVER,
        variable: "BLAXEL_TEST_MCP_SERVER",
        tests: "mcp_server",
    },
];

/// Starts the server, has the tests run against it, and stops it.
pub(super) fn judge(counterpart: &Counterpart, root: &Path) -> Result<(), String> {
    let Counterpart {
        program,
        variable,
        tests,
    } = counterpart;
    let name = program.name;
    let arguments = ["test", "--package", "blaxel-tests", "--test", tests, "--"];
    let mut command = Place::of(program, root).start()?;
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Process::start_with_input(&mut command, &format!("the server of {name}"))?;
    let lines = server.lines();
    let deadline = Instant::now() + START_LIMIT;
    let address = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines
            .recv_timeout(left)
            .map_err(|_| format!("{name}: the server did not say where it is"))?;
        if let Some(address) = line.strip_prefix("listening ") {
            break address.to_owned();
        }
    };
    say(&format!(
        "$ cargo {} --nocapture ({address})",
        arguments.join(" ")
    ));
    let mut cargo = cargo_in(root);
    cargo
        .args(arguments)
        .arg("--nocapture")
        .env(variable, address)
        .stdout(Stdio::piped());
    let mut tally = Tally::default();
    let status = Process::start(&mut cargo, "cargo test")?.finish(TEST_LIMIT, |line| {
        tally.take(&line);
        say(&line);
    })?;
    tally
        .verdict(status.success())
        .map_err(|why| format!("{name}: {why}"))
}

/// What the tests said they did. A test that does not find the server passes without a word.
#[derive(Debug, Default)]
struct Tally {
    judged: u32,
    passed: Option<u32>,
}

impl Tally {
    fn take(&mut self, line: &str) {
        // The harness may have put its dots before it.
        if line.contains("judged: ") {
            self.judged += 1;
        }
        if let Some(counts) = line.strip_prefix("test result: ok. ") {
            let passed = counts.split(" passed").next();
            self.passed = passed.and_then(|count| count.parse().ok());
        }
    }

    fn verdict(&self, succeeded: bool) -> Result<(), String> {
        match self.passed {
            _ if !succeeded => Err("the tests failed".to_owned()),
            Some(passed) if passed > 0 && passed == self.judged => Ok(()),
            passed => Err(format!(
                "of {} tests only {} reached the server",
                passed.unwrap_or_default(),
                self.judged
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(lines: &[&str], succeeded: bool) -> Result<(), String> {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.take(line));
        tally.verdict(succeeded)
    }

    #[test]
    fn each_test_must_have_reached_the_server() {
        let result = "test result: ok. 2 passed; 0 failed; 0 ignored";
        assert_eq!(verdict(&["judged: a", ".judged: b", result], true), Ok(()));
        assert!(verdict(&["judged: a", result], true).is_err());
        assert!(verdict(&[result], true).is_err());
        assert!(verdict(&["judged: a", "judged: b", result], false).is_err());
        assert!(verdict(&["test result: ok. 0 passed; 0 failed"], true).is_err());
        assert!(verdict(&[], true).is_err());
    }
}
