//! The stage `interop`: programs of others check the emulator and our clients.
//!
//! The official SDKs, the official MCP client and Schemathesis call the emulator. Our clients call a
//! certified OAuth 2.0 server and the reference server of MCP. Each project of `tests/interop` is
//! installed by its lock file below `target/interop`, and nothing is written among the sources.
//! Nothing is skipped: without Node.js or Python the stage fails.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::emulator::Emulator;
use crate::process::Process;
use crate::shell::{at_root, cargo};

/// The time limit of a check, and of the start of a server.
const LIMIT: Duration = Duration::from_secs(60);
/// The time limit of an installation, and of Schemathesis, which sends requests to each operation.
const LONG_LIMIT: Duration = Duration::from_secs(420);

/// The file that records what an installation was made from.
const RECORD: &str = "installed";

/// A directory of `tests/interop`, what runs its scripts, one of them, and its time limit.
///
/// It calls the emulator, unless there are tests of ours that call it by the address in a variable.
#[derive(Clone, Copy)]
struct Check(
    &'static str,
    &'static Runtime,
    &'static str,
    Duration,
    Option<Tests>,
);

#[derive(Clone, Copy)]
struct Tests(&'static str, &'static str);

/// Lines for a shell in the directory of an installation, each of which ends with its process.
struct Runtime {
    /// Prints the versions of the tools.
    versions: &'static str,
    /// The file that decides what is installed.
    lock: &'static str,
    install: &'static str,
    /// Runs a script, in a directory below.
    run: &'static str,
}

const NODE: Runtime = Runtime {
    versions: "node --version && npm --version",
    lock: "package-lock.json",
    // Peers are needed by builds of the SDK only, and scripts by nothing.
    install: "exec npm ci --omit=peer --ignore-scripts --no-audit --no-fund --loglevel=error",
    run: "exec node",
};

const PYTHON: Runtime = Runtime {
    versions: "python3 --version",
    lock: "requirements.txt",
    install: "python3 -I -m venv --clear venv && exec venv/bin/python -I -m pip install \
              --require-hashes --only-binary=:all: --disable-pip-version-check --no-input --quiet \
              --requirement=requirements.txt",
    // As `-I`, except that a script finds the modules beside it.
    run: "exec ../venv/bin/python -E -s -B -u",
};

/// All checks. The first one takes as long as the others, which run at the same time.
const CHECKS: [Check; 6] = [
    Check("schemathesis", &PYTHON, "check.py", LONG_LIMIT, None),
    Check("typescript", &NODE, "check.mjs", LIMIT, None),
    Check("python", &PYTHON, "check.py", LIMIT, None),
    Check("mcp", &NODE, "check.mjs", LIMIT, None),
    Check("mcp", &NODE, "everything.mjs", LIMIT, Some(MCP_CLIENT)),
    Check("oauth", &NODE, "server.mjs", LIMIT, Some(SIGN_IN)),
];
const MCP_CLIENT: Tests = Tests("mcp_server", "BLAXEL_TEST_MCP_SERVER");
const SIGN_IN: Tests = Tests("oauth_server", "BLAXEL_TEST_OAUTH_ISSUER");

/// Runs all checks.
pub(super) fn run(sh: &Shell) -> Result<()> {
    // To build the tests of the emulator builds its program. These flags select the features with
    // which the stage `test` has built all that already.
    super::run_cargo(
        sh,
        "test --no-run --test emulator --test mcp_server --test oauth_server",
    )?;
    let run = |checks: &[Check]| -> Vec<String> {
        let failure = |check: &Check| Some(format!("{}: {:#}", check.0, check.run().err()?));
        checks.iter().filter_map(failure).collect()
    };
    let failures = thread::scope(|scope| {
        let (long, others) = CHECKS.split_at(1);
        let long = scope.spawn(|| run(long));
        let others = run(others);
        let panicked = |_| vec!["a thread panicked".to_owned()];
        [others, long.join().unwrap_or_else(panicked)].concat()
    });
    ensure!(failures.is_empty(), failures.join("; "));
    Ok(())
}

impl Check {
    fn run(&self) -> Result<()> {
        let Self(project, runtime, script, limit, tests) = *self;
        let (root, sh) = (at_root()?, at_root()?);
        sh.change_dir(sh.create_dir(format!("target/interop/{project}"))?);
        copy(&sh, project)?;
        runtime.install(&sh)?;
        let mut script = runtime.script(&sh, script)?;
        let Some(Tests(tests, variable)) = tests else {
            let emulator = Emulator::start(&root)?;
            script.envs(emulator.variables().iter().cloned());
            return count(project, script, limit);
        };
        let server = Process::start(script.stderr(Stdio::null()), "the server")?;
        let address = |line: String| line.strip_prefix("listening ").map(str::to_owned);
        let address = server.lines(limit).find_map(address);
        let address = address.context("the server did not tell its address")?;
        let tests = cargo(&root, "test --test").args([tests, "--", "--nocapture"]);
        count(project, tests.env(variable, address).into(), limit)
    }
}

impl Runtime {
    /// Installs what the lock file says, unless that has been done by the same tools.
    fn install(&self, sh: &Shell) -> Result<()> {
        let (versions, install) = (self.versions, self.install);
        let versions = cmd!(sh, "sh -c {versions}").quiet().read()?;
        let recipe = format!("{versions}\n{install}\n{}", sh.read_file(self.lock)?);
        if sh.read_file(RECORD).is_ok_and(|record| record == recipe) {
            return Ok(());
        }
        // Until all is installed, nothing that is there can be relied on.
        sh.remove_path(RECORD)?;
        println!("$ {install}");
        let process = Process::start(&mut cmd!(sh, "sh -c {install}").into(), "the installation")?;
        let status = process.finish(LONG_LIMIT, drop)?;
        ensure!(status.success(), "`{install}` failed");
        Ok(sh.write_file(RECORD, recipe)?)
    }

    /// Returns the command that runs a script in an empty directory: the SDKs read settings from the
    /// current directory and from the home directory. There are no proxies, no credentials and no
    /// addresses in its environment.
    fn script(&self, sh: &Shell, script: &str) -> Result<Command> {
        sh.remove_path("home")?;
        let home = sh.create_dir("home")?;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{} ../{script}", self.run)]);
        command.current_dir(&home).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs([("DO_NOT_TRACK", "1"), ("BL_DISABLE_H2", "1")]);
        command.envs([("HOME", &home), ("TMPDIR", &home)]);
        command.env("LOG_LEVEL", "WARNING").stdout(Stdio::piped());
        Ok(command)
    }
}

/// Copies the sources of a project to here: a script finds modules beside itself only.
fn copy(sh: &Shell, project: &str) -> Result<()> {
    let root = at_root()?.current_dir();
    // A module that is gone from the sources must not be found.
    sh.remove_path("checks")?;
    Ok(cmd!(sh, "cp -R {root}/tests/interop/{project}/. .")
        .quiet()
        .run()?)
}

/// Runs a command that prints the results of checks.
fn count(project: &str, mut command: Command, limit: Duration) -> Result<()> {
    let mut lines = Vec::new();
    let process = Process::start(command.stdout(Stdio::piped()), "the check")?;
    let status = process.finish(limit, |line| {
        println!("{project}: {line}");
        lines.push(line);
    })?;
    let counts = counts(&lines).context("it failed or ended before it had counted its checks")?;
    let (passed, failed) = counts;
    ensure!(failed == 0, "{failed} of {} checks failed", passed + failed);
    ensure!(passed > 0, "it made no checks");
    ensure!(status.success(), "it failed after its checks");
    Ok(())
}

/// Returns how many checks passed and how many failed, as the last line or the tests tell.
fn counts(lines: &[String]) -> Option<(usize, usize)> {
    let tests = |line: &String| {
        line.strip_prefix("test result: ok. ")?
            .split_once(" passed")?
            .0
            .parse()
            .ok()
    };
    if let Some(tests) = lines.iter().find_map(tests) {
        // A test that does not find the server passes. One that does prints this, perhaps after the
        // dots of the test harness.
        let judged = lines.iter().filter(|line| line.contains("judged: "));
        let judged = judged.count();
        return Some((judged, judged.abs_diff(tests)));
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
            ("ok - a\n32 passed, 0 failed", ""),
            ("30 passed, 2 failed", "2 of 32 checks failed"),
            ("0 passed, 0 failed", "it made no checks"),
            ("1 passed, 0 failed\nbye", "it failed or ended"),
            ("ok - 3 passed, 0 failed", "it failed or ended"),
            ("", "it failed or ended"),
            ("1 passed, 0 failed'; exit 1; echo '", "it failed after"),
            ("judged: a\n.judged: b\ntest result: ok. 2 passed;", ""),
            ("judged: a\ntest result: ok. 2 passed;", "1 of 2"),
            ("test result: ok. 2 passed;", "2 of 2"),
            ("test result: ok. 0 passed;", "it made no checks"),
            ("judged: a\ntest result: FAILED. 1 passed;", "it failed"),
        ];
        for (output, expected) in cases {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("printf '%s' '{output}'")]);
            let result = count("kite", command, LIMIT);
            let reason = result.map_or_else(|error| error.to_string(), |()| String::new());
            assert!(reason.starts_with(expected), "{output}: {reason}");
            assert_eq!(reason.is_empty(), expected.is_empty(), "{output}: {reason}");
        }
    }

    #[test]
    fn a_project_is_installed_again_if_its_lock_file_has_changed() {
        const RUNTIME: Runtime = Runtime {
            versions: "true",
            lock: "lock",
            install: "cp lock made",
            run: "",
        };
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        sh.change_dir(directory.path());
        for (lock, expected) in [("one", true), ("one", false), ("two", true)] {
            sh.write_file("lock", lock).unwrap();
            sh.remove_path("made").unwrap();
            RUNTIME.install(&sh).unwrap();
            assert_eq!(sh.path_exists("made"), expected, "{lock}");
        }
    }

    #[test]
    fn a_script_gets_its_files_and_nothing_of_our_environment() {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        sh.change_dir(directory.path());
        for Check(project, runtime, script, ..) in CHECKS {
            sh.write_file("checks/removed", "").unwrap();
            copy(&sh, project).unwrap();
            assert!(sh.path_exists(script) && !sh.path_exists("checks/removed"));
            let script = runtime.script(&sh, script).unwrap();
            let names = script.get_envs().map(|(name, _)| name.to_str().unwrap());
            let expected = "BL_DISABLE_H2 DO_NOT_TRACK HOME LOG_LEVEL PATH TMPDIR";
            assert_eq!(names.collect::<Vec<_>>().join(" "), expected);
            // Whoever installs chooses the registry.
            let lock = sh.read_file(runtime.lock).unwrap();
            assert!(lock.contains("sha512-") || lock.contains("--hash=sha256:"));
            for address in ["\"resolved\"", "--index-url", "--extra-index-url", " @ "] {
                assert!(!lock.contains(address), "{project} has {address}");
            }
        }
    }
}
