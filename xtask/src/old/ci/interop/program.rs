//! The programs, one for each judge: what they need, where they live, and what they say.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::old::ci::say;
use crate::old::process::Process;

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
const VENV_PYTHON: &str = if cfg!(windows) {
    "venv/Scripts/python.exe"
} else {
    "venv/bin/python"
};

/// How long the scenario of an SDK may take. It takes a few seconds.
const SCENARIO_LIMIT: Duration = Duration::from_secs(60);
/// How long Schemathesis may take, which grows with the number of operations.
const SCHEMATHESIS_LIMIT: Duration = Duration::from_secs(420);

/// What a program finds in its environment, besides its home and the way to the emulator.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("DO_NOT_TRACK", "1"),
    ("BL_DISABLE_H2", "1"),
    ("LOG_LEVEL", "WARNING"),
];

/// What a program may keep of our environment: enough to be started, and no proxies, no
/// credentials and no addresses.
const KEPT: [&str; 2] = ["PATH", "SYSTEMROOT"];

/// A program that judges the emulator.
#[derive(Debug)]
pub(super) struct Program {
    /// What it judges by, which is the name of the directory too: an SDK's language, or a tool.
    pub(super) name: &'static str,
    /// The files that say what is to be installed.
    pub(super) locks: &'static [&'static str],
    /// Commands that tell the versions of the tools, and whether they are there.
    pub(super) tools: &'static [Call],
    /// Commands that install.
    pub(super) install: &'static [Call],
    script: &'static str,
    /// What the script needs beside it: files, and directories of files.
    besides: &'static [&'static str],
    /// What runs the script.
    run: Call,
    /// How long it may run.
    limit: Duration,
}

/// A command with its arguments. One with a slash is found in the directory of the installation.
#[derive(Debug)]
pub(super) struct Call(&'static str, &'static [&'static str]);

const NODE: &[Call] = &[Call("node", &["--version"]), Call(NPM, &["--version"])];
const PYTHON_VERSION: &[Call] = &[Call(PYTHON, &["--version"])];
const PIP_INSTALL: &[Call] = &[
    Call(PYTHON, &["-I", "-m", "venv", "--clear", "venv"]),
    Call(
        VENV_PYTHON,
        &[
            "-I",
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
            "--requirement=requirements.txt",
        ],
    ),
];
const NPM_CI: &[Call] = &[Call(
    NPM,
    // The peers are what builds of the SDK need, and scripts nothing does.
    &[
        "ci",
        "--omit=peer",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ],
)];

/// Not a judge of the emulator, but a server that judges our sign-ins.
pub(super) const OAUTH_SERVER: Program = Program {
    name: "oauth",
    locks: &["package.json", "package-lock.json"],
    tools: NODE,
    install: NPM_CI,
    script: "server.mjs",
    besides: &[],
    run: Call("node", &[]),
    limit: SCENARIO_LIMIT,
};

/// The reference server of MCP, which judges our client.
pub(super) const MCP_SERVER: Program = Program {
    name: "mcp",
    locks: &["package.json", "package-lock.json"],
    tools: NODE,
    install: NPM_CI,
    script: "everything.mjs",
    besides: &[],
    run: Call("node", &[]),
    limit: SCENARIO_LIMIT,
};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "typescript",
        locks: &["package.json", "package-lock.json"],
        tools: NODE,
        install: NPM_CI,
        script: "check.mjs",
        besides: &["checks"],
        run: Call("node", &[]),
        limit: SCENARIO_LIMIT,
    },
    Program {
        name: "python",
        locks: &["requirements.txt"],
        tools: PYTHON_VERSION,
        install: PIP_INSTALL,
        script: "check.py",
        besides: &["checks"],
        // As `-I`, but that the script finds what is beside it.
        run: Call(VENV_PYTHON, &["-E", "-s", "-B", "-u"]),
        limit: SCENARIO_LIMIT,
    },
    Program {
        name: "schemathesis",
        locks: &["requirements.txt"],
        tools: PYTHON_VERSION,
        install: PIP_INSTALL,
        script: "check.py",
        besides: &["schemathesis.toml"],
        run: Call(VENV_PYTHON, &["-I", "-B", "-u"]),
        limit: SCHEMATHESIS_LIMIT,
    },
    Program {
        script: "check.mjs",
        ..MCP_SERVER
    },
];

/// A program and the two directories it has: its sources and its installation.
pub(super) struct Place {
    pub(super) program: &'static Program,
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
}

impl Place {
    pub(super) fn of(program: &'static Program, root: &Path) -> Self {
        Self {
            program,
            source: root.join("tests/interop").join(program.name),
            target: root.join("target/interop").join(program.name),
        }
    }

    /// A command of the program, to be run where it is installed.
    pub(super) fn command(&self, call: &Call) -> Command {
        let Call(name, arguments) = call;
        let is_installed_here = name.contains('/');
        let mut command = if is_installed_here {
            Command::new(self.target.join(name))
        } else {
            Command::new(name)
        };
        command.args(*arguments).current_dir(&self.target);
        command
    }

    /// Copies one of the program's files, or the files of a directory, to where it is installed.
    pub(super) fn bring(&self, name: &str) -> Result<(), String> {
        let (source, target) = (self.source.join(name), self.target.join(name));
        let copied = if source.is_dir() {
            copy_files(&source, &target)
        } else {
            fs::copy(source, target).map(drop)
        };
        copied.map_err(|error| format!("{}/{name} cannot be copied: {error}", self.program.name))
    }

    /// A command that runs the program as it is installed.
    pub(super) fn start(&self) -> Result<Command, String> {
        let Program { script, run, .. } = self.program;
        self.bring(script)?;
        let mut command = self.command(run);
        command.arg(self.target.join(script)).env_clear().envs(
            KEPT.iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        Ok(command)
    }

    /// Runs the program; its environment is these variables and little else.
    pub(super) fn judge(&self, variables: &[(String, String)]) -> Result<(), String> {
        let Program {
            name,
            script,
            besides,
            run,
            limit,
            ..
        } = self.program;
        say(&format!("$ {run} {script} ({name})"));
        // A module finds what it imports beside itself only.
        for file in besides.iter().chain([script]) {
            self.bring(file)?;
        }
        let home = self.fresh_home()?;
        let mut command = self.command(run);
        command
            .arg(self.target.join(script))
            .current_dir(&home)
            .stdout(Stdio::piped())
            .env_clear()
            .envs(
                KEPT.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(ENVIRONMENT)
            .envs(["HOME", "USERPROFILE", "TMPDIR"].map(|name| (name, &home)))
            .envs(variables.iter().map(|(name, value)| (name, value)));
        let mut last = String::new();
        let status = Process::start(&mut command, name)?.finish(*limit, |line| {
            say(&line);
            last = line;
        })?;
        verdict(&last, status.success()).map_err(|why| format!("{name}: {why}"))
    }

    /// An empty directory. The SDKs read settings from the one they are started in and from the
    /// home directory.
    fn fresh_home(&self) -> Result<PathBuf, String> {
        let home = self.target.join("home");
        make_empty(&home)
            .map(|()| home)
            .map_err(|error| format!("an empty directory cannot be made: {error}"))
    }
}

/// Makes a directory that is empty, whatever is there.
fn make_empty(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(directory),
    }
}

/// Makes a directory with copies of the files that are in another one, and nothing else.
fn copy_files(source: &Path, target: &Path) -> io::Result<()> {
    make_empty(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// What the last line of a program and its exit mean. One that says nothing has not done its work.
fn verdict(last: &str, succeeded: bool) -> Result<(), String> {
    match summary(last) {
        None => Err("it ended before it had counted its checks".into()),
        Some((0, 0)) => Err("it made no checks".into()),
        Some((_, 0)) if succeeded => Ok(()),
        Some((_, 0)) => Err("it failed after its checks".into()),
        Some((passed, failed)) => Err(format!("{failed} of {} checks failed", passed + failed)),
    }
}

/// The counts in `32 passed, 0 failed`.
fn summary(line: &str) -> Option<(u32, u32)> {
    let (passed, failed) = line.split_once(", ")?;
    let passed = passed.strip_suffix(" passed")?.parse().ok()?;
    let failed = failed.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        self.1
            .iter()
            .try_for_each(|argument| write!(f, " {argument}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_passes_if_some_checks_ran_and_none_failed() {
        assert_eq!(verdict("32 passed, 0 failed", true), Ok(()));
    }

    #[test]
    fn a_program_fails_if_a_check_failed_whatever_its_exit_code() {
        let told = Err("2 of 32 checks failed".to_owned());
        assert_eq!(verdict("30 passed, 2 failed", false), told);
        assert_eq!(verdict("30 passed, 2 failed", true), told);
    }

    #[test]
    fn a_program_fails_if_it_did_no_work() {
        assert!(verdict("0 passed, 0 failed", true).is_err());
        assert!(verdict("", true).is_err());
        assert!(verdict("ok - something", true).is_err());
        assert!(verdict("32 passed, 0 failed", false).is_err());
    }

    #[test]
    fn the_summary_is_a_line_of_its_own() {
        assert_eq!(summary("3 passed, 1 failed"), Some((3, 1)));
        assert_eq!(summary("ok - 3 passed, 1 failed"), None);
        assert_eq!(summary("3 passed"), None);
    }

    #[test]
    fn every_program_has_its_files() {
        for program in PROGRAMS.iter().chain([&OAUTH_SERVER, &MCP_SERVER]) {
            let place = Place::of(program, &crate::old::root());
            let files = program.locks.iter().chain(program.besides);
            for file in files.chain([&program.script]) {
                assert!(place.source.join(file).exists(), "{file}");
            }
        }
    }

    #[test]
    fn a_directory_is_brought_without_what_was_there_before() {
        let mut place = Place::of(&PROGRAMS[0], &crate::old::root());
        place.target = std::env::temp_dir().join(format!("xtask-bring-{}", std::process::id()));
        let checks = place.target.join("checks");
        fs::create_dir_all(&checks).unwrap();
        fs::write(checks.join("earlier.mjs"), "").unwrap();
        place.bring("checks").unwrap();
        let names = |directory: &Path| {
            let entries = fs::read_dir(directory).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&checks), names(&place.source.join("checks")));
        fs::remove_dir_all(&place.target).unwrap();
    }

    #[test]
    fn what_is_installed_is_named_by_its_whole_path() {
        let place = Place::of(&PROGRAMS[1], Path::new("kite"));
        let command = place.command(&place.program.run);
        assert_eq!(
            Path::new(command.get_program()),
            place.target.join(VENV_PYTHON)
        );
        let command = place.command(&place.program.tools[0]);
        assert_eq!(command.get_program(), PYTHON);
    }

    #[test]
    fn a_call_reads_as_it_is_typed() {
        assert_eq!(Call("node", &["--version"]).to_string(), "node --version");
    }
}
