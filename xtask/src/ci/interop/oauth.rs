//! A certified OAuth 2.0 server, and the tests that sign in at it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::process::Process;
use super::program::Place;
use crate::ci::{cargo_in, say};

/// The server is to say where it is within this time.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The tests take seconds, but may have to be built first.
const TEST_LIMIT: Duration = Duration::from_secs(600);
/// By this the tests find the server.
const ISSUER: &str = "BLAXEL_TEST_OAUTH_ISSUER";
const ARGUMENTS: [&str; 6] = [
    "test",
    "--package",
    "blaxel-tests",
    "--test",
    "oauth_server",
    "--",
];

/// Starts the server, has the tests run against it, and stops it.
pub(super) fn judge(place: &Place, root: &Path) -> Result<(), String> {
    let mut command = place.start()?;
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Process::start_with_input(&mut command, "node server.mjs")?;
    let lines = server.lines();
    let deadline = Instant::now() + START_LIMIT;
    let issuer = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines
            .recv_timeout(left)
            .map_err(|_| "oauth: the server did not say where it is".to_owned())?;
        if let Some(issuer) = line.strip_prefix("listening ") {
            break issuer.to_owned();
        }
    };
    say(&format!(
        "$ cargo {} --nocapture ({issuer})",
        ARGUMENTS.join(" ")
    ));
    let mut tests = cargo_in(root);
    tests
        .args(ARGUMENTS)
        .arg("--nocapture")
        .env(ISSUER, issuer)
        .stdout(Stdio::piped());
    let mut tally = Tally::default();
    let status = Process::start(&mut tests, "cargo test")?.finish(TEST_LIMIT, |line| {
        tally.take(&line);
        say(&line);
    })?;
    tally
        .verdict(status.success())
        .map_err(|why| format!("oauth: {why}"))
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
