//! The clients as programs: two of this program, and a script for each SDK.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::emulator::Emulator;
use super::report::Report;
use super::serve::SANDBOX;
use super::work::Task;

/// A client.
pub struct Program {
    pub name: &'static str,
    command: PathBuf,
    arguments: Vec<PathBuf>,
}

impl Program {
    /// Returns all that can be run here.
    pub fn all() -> Vec<Self> {
        let this = std::env::current_exe().expect("the path of this program");
        let own = |name| Self {
            name,
            command: this.clone(),
            arguments: vec![PathBuf::from(name)],
        };
        let mut programs = vec![own("own"), own("bare")];
        programs.extend(sdks().into_iter().filter_map(Result::ok));
        programs
    }

    /// Returns the SDKs that cannot be run here, and the reason.
    pub fn absent() -> Vec<(&'static str, String)> {
        sdks().into_iter().filter_map(Result::err).collect()
    }

    /// Runs a task, and returns what the program says about it.
    pub fn run(&self, emulator: &Emulator, task: &Task) -> Report {
        let mut command = Command::new(&self.command);
        command.args(&self.arguments).args(task.arguments());
        // The SDKs read settings from the working directory, from home and from the environment.
        command.current_dir(&task.directory).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs([
            ("DO_NOT_TRACK", "1"),
            ("BL_DISABLE_H2", "1"),
            ("LOG_LEVEL", "WARNING"),
        ]);
        command.envs([("HOME", &task.directory), ("TMPDIR", &task.directory)]);
        command.envs(emulator.variables.iter().cloned());
        command
            .env("BENCH_SANDBOX", SANDBOX)
            .stderr(Stdio::inherit());
        let output = command.output().expect(self.name);
        assert!(
            output.status.success(),
            "{} failed in {}",
            self.name,
            task.row
        );
        let output = String::from_utf8_lossy(&output.stdout);
        let line = output.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("{} printed {line}", self.name))
    }
}

/// Returns the scripts of the SDKs, as `cargo xtask bench sandbox` has installed them.
fn sdks() -> [Result<Program, (&'static str, String)>; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop");
    let script = |name, project: &str, command: PathBuf, script: &str| {
        let script = root.join(project).join(script);
        match root.join(project).join("installed").exists() && script.exists() {
            true => Ok(Program {
                name,
                command,
                arguments: vec![script],
            }),
            false => Err((name, "`cargo xtask bench sandbox` installs it".to_owned())),
        }
    };
    let python = root.join("python/venv/bin/python");
    [
        script(
            "typescript",
            "typescript",
            PathBuf::from("node"),
            "bench.mjs",
        ),
        script("python", "python", python, "bench.py"),
    ]
}
