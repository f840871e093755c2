//! The clients as programs: two of this program, and a script for each SDK.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::measure::Report;

/// A client.
pub struct Program {
    pub name: &'static str,
    command: PathBuf,
    arguments: Vec<PathBuf>,
}

impl Program {
    /// Returns all that can be run here for this section of BENCHMARKS.md.
    pub fn all(section: &str) -> Vec<Self> {
        let this = std::env::current_exe().expect("the path of this program");
        let own = |name| Self {
            name,
            command: this.clone(),
            arguments: vec![PathBuf::from(name)],
        };
        let mut programs = vec![own("own"), own("bare")];
        programs.extend(sdks(section).into_iter().filter_map(Result::ok));
        programs
    }

    /// Returns the SDKs that cannot be run here, and the reason.
    pub fn absent(section: &str) -> Vec<(&'static str, String)> {
        sdks(section).into_iter().filter_map(Result::err).collect()
    }

    /// Runs a task in a directory, and returns what the program says about it.
    pub fn run(&self, task: &[String], directory: &Path, variables: &[(String, String)]) -> Report {
        let mut command = Command::new(&self.command);
        command.args(&self.arguments).args(task);
        // The SDKs read settings from the working directory, from home and from the environment.
        command.current_dir(directory).env_clear();
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs([
            ("DO_NOT_TRACK", "1"),
            ("BL_DISABLE_H2", "1"),
            ("LOG_LEVEL", "WARNING"),
        ]);
        command.envs([("HOME", directory), ("TMPDIR", directory)]);
        command.envs(variables.iter().cloned());
        let output = command.stderr(Stdio::inherit()).output().expect(self.name);
        assert!(
            output.status.success(),
            "{} failed with {task:?}",
            self.name
        );
        let output = String::from_utf8_lossy(&output.stdout);
        let line = output.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|_| panic!("{} printed {line}", self.name))
    }
}

/// Returns the scripts of the SDKs, as `cargo xtask bench` has installed them.
fn sdks(section: &str) -> [Result<Program, (&'static str, String)>; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop");
    let script = |name, command: PathBuf, ending: &str| {
        let project = root.join(name);
        let script = project.join(format!("bench_{section}.{ending}"));
        match project.join("installed").exists() && script.exists() {
            true => Ok(Program {
                name,
                command,
                arguments: vec![script],
            }),
            false => Err((name, format!("`cargo xtask bench {section}` installs it"))),
        }
    };
    let python = root.join("python/venv/bin/python");
    [
        script("typescript", PathBuf::from("node"), "mjs"),
        script("python", python, "py"),
    ]
}
