//! The stage `interop`: programs of others call the emulator, or are called by our clients.
//!
//! Without Node.js, Python or Go the stage fails. Only the check of the page is skipped without a browser.

mod page;

use std::iter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xshell::Shell;

use crate::emulator::{self, Emulator};
use crate::process::Process;
use crate::runtime::{DISABLE_HTTP2, GO, NODE, PYTHON, Runtime};
use crate::shell::{at_root, cargo};
use Role::{Client, SecureClient, Server};

/// The time limit of a check, and of the start of a server.
const LIMIT: Duration = Duration::from_secs(180);
/// The time limit of Schemathesis, which sends requests to each operation.
const LONG_LIMIT: Duration = Duration::from_secs(420);
/// The variable that names the certificate of the emulator's authority alone.
const OWN_AUTHORITY: &str = "NODE_EXTRA_CA_CERTS";
/// Builds the tests that call servers and the page, with the features with which the stage `test` has built
/// them already.
const BUILD: &str = "test --no-run --test interop";

/// A directory of `tests/interop`, one of its scripts with its argument, and what calls what.
struct Check(&'static str, &'static Runtime, &'static str, Role);

enum Role {
    /// The script calls the emulator, for this time at most.
    Client(Duration),
    /// The same, over TLS: with the SDK's own HTTP/2, and as the proxy of an SDK that knows the
    /// addresses of the platform only.
    SecureClient,
    /// The script serves. The tests of this module call it by the address in this variable.
    Server(&'static str, &'static str),
}

/// All checks, the longest ones first. Two run at the same time.
static CHECKS: [Check; 9] = [
    Check(
        "schemathesis",
        &PYTHON,
        "check.py fuzzing",
        Client(LONG_LIMIT),
    ),
    Check(
        "schemathesis",
        &PYTHON,
        "check.py coverage",
        Client(LONG_LIMIT),
    ),
    Check("typescript", &NODE, "check.mjs", SecureClient),
    Check("python", &PYTHON, "check.py", SecureClient),
    Check("go", &GO, "bin/check", Client(LIMIT)),
    Check("cli", &GO, "bin/check", Client(LIMIT)),
    Check("mcp", &NODE, "check.mjs", Client(LIMIT)),
    Check("mcp", &NODE, "everything.mjs", MCP_SERVER),
    Check("oauth", &NODE, "server.mjs", OAUTH_SERVER),
];
const MCP_SERVER: Role = Server("mcp_server::", "BLAXEL_TEST_MCP_SERVER");
const OAUTH_SERVER: Role = Server("oauth_server::", "BLAXEL_TEST_OAUTH_ISSUER");

/// Runs all checks.
pub(super) fn run(sh: &Shell) -> Result<()> {
    let emulator = emulator::program(sh)?;
    super::run_cargo(sh, BUILD)?;
    let failure = |check: &Check| Some(format!("{}: {:#}", check.0, check.run(&emulator).err()?));
    let page = || Some(format!("page: {:#}", page::check().err()?));
    let (sender, failures) = mpsc::channel();
    let queue = Mutex::new(CHECKS.iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        let of_page = sender.clone();
        scope.spawn(move || page().map(|failure| of_page.send(failure)));
        for sender in [sender.clone(), sender.clone()] {
            let mut failures = iter::from_fn(next).filter_map(failure);
            scope.spawn(move || failures.try_for_each(|failure| sender.send(failure)));
        }
    });
    drop(sender);
    let failures: Vec<String> = failures.iter().collect();
    ensure!(failures.is_empty(), failures.join("; "));
    Ok(())
}

impl Check {
    fn run(&self, emulator: &Path) -> Result<()> {
        let Self(project, runtime, script, role) = self;
        let root = at_root()?;
        // Two checks may need one installation.
        static INSTALLATION: Mutex<()> = Mutex::new(());
        let installing = INSTALLATION.lock().unwrap_or_else(PoisonError::into_inner);
        let sh = runtime.installed(project)?;
        drop(installing);
        let mut script = runtime.script(&sh, script)?;
        match role {
            Client(limit) => {
                let emulator = Emulator::start(emulator, &[])?;
                script.envs(emulator.variables().iter().cloned());
                count(project, script, *limit)
            }
            SecureClient => {
                let emulator = Emulator::start(emulator, &["--tls"])?;
                let variables = emulator.variables();
                script.envs(variables.iter().cloned());
                script.env_remove(DISABLE_HTTP2);
                // Nothing else is called, and reading all that this machine trusts takes long.
                let own = variables.iter().find(|it| it.0 == OWN_AUTHORITY);
                let (_, own) = own.context("the emulator has no certificate authority")?;
                script.env("SSL_CERT_FILE", own);
                count(project, script, LIMIT)
            }
            Server(tests, variable) => {
                let server = Process::start(script.stderr(Stdio::null()), "the server")?;
                let address = |line: String| line.strip_prefix("listening ").map(str::to_owned);
                let address = server.lines(LIMIT).find_map(address);
                let address = address.context("the server did not tell its address")?;
                let tests = cargo(&root, "test --test interop").args([tests, "--", "--nocapture"]);
                count(project, tests.env(variable, address).into(), LIMIT)
            }
        }
    }
}

/// Runs a command that prints the results of checks.
fn count(project: &str, mut command: Command, limit: Duration) -> Result<()> {
    let mut lines = Vec::new();
    let process = Process::start(command.stdout(Stdio::piped()), "the check")?;
    let succeeded = process.finish(limit, |line| {
        println!("{project}: {line}");
        lines.push(line);
    })?;
    let (passed, failed) = counts(&lines).context("it failed or ended before its result")?;
    ensure!(failed == 0, "{failed} of {} checks failed", passed + failed);
    ensure!(passed > 0, "it made no checks");
    ensure!(succeeded, "it failed after its checks");
    Ok(())
}

/// Returns how many checks passed and how many failed, as the last line or the tests tell.
fn counts(lines: &[String]) -> Option<(usize, usize)> {
    let mut all = lines.iter();
    if let Some(result) = all.find_map(|line| line.strip_prefix("test result: ok. ")) {
        let passed: usize = result.split_once(' ')?.0.parse().ok()?;
        // A test that does not find the server passes. One that does prints this, perhaps after the
        // dots of the test harness.
        let judged = lines.iter().filter(|it| it.contains("judged: ")).count();
        return Some((judged, judged.abs_diff(passed)));
    }
    let (passed, failed) = lines.last()?.split_once(" passed, ")?;
    let failed = failed.strip_suffix(" failed")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_passes_only_if_it_ran_and_nothing_failed() {
        let cases = [
            ("ok - a\n32 passed, 0 failed", "ok"),
            ("30 passed, 2 failed", "2 of 32 checks failed"),
            ("0 passed, 0 failed", "it made no checks"),
            ("1 passed, 0 failed\nbye", "it failed or ended"),
            ("ok - 3 passed, 0 failed", "it failed or ended"),
            ("", "it failed or ended"),
            ("1 passed, 0 failed'; exit 1; echo '", "it failed after"),
            ("judged: a\n.judged: b\ntest result: ok. 2 passed;", "ok"),
            ("judged: a\ntest result: ok. 2 passed;", "1 of 2"),
            ("test result: ok. 2 passed;", "2 of 2"),
            ("test result: ok. 0 passed;", "it made no checks"),
            ("judged: a\ntest result: FAILED. 1 passed;", "it failed"),
        ];
        for (output, expected) in cases {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("printf '%s' '{output}'")]);
            let result = count("kite", command, LIMIT);
            let reason = result.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
            assert!(reason.starts_with(expected), "{output}: {reason}");
        }
    }

    #[test]
    fn scripts_get_nothing_of_our_environment_and_lock_files_name_no_registry() {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        sh.change_dir(directory.path());
        let script = NODE.script(&sh, "check.mjs").unwrap();
        let names = script.get_envs().map(|(name, _)| name.to_str().unwrap());
        let expected = "BL_DISABLE_H2 DO_NOT_TRACK HOME LOG_LEVEL PATH TMPDIR";
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected);
        let sources = at_root().unwrap().current_dir().join("tests/interop");
        for Check(project, runtime, ..) in &CHECKS {
            let lock = sources.join(project).join(runtime.lock);
            let lock = sh.read_file(lock).unwrap();
            let hashes = ["sha512-", "--hash=sha256:", " h1:"];
            assert!(hashes.iter().any(|it| lock.contains(it)), "{project}");
            for address in ["\"resolved\"", "--index-url", "--extra-index-url", " @ "] {
                assert!(!lock.contains(address), "{project} has {address}");
            }
        }
    }
}
