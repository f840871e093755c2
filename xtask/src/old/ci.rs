//! What old modules use of the former `ci`.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) struct Step(Vec<String>);

pub(crate) fn step(arguments: &str) -> Step {
    Step(arguments.split(' ').map(str::to_owned).collect())
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo {}", self.0.join(" "))
    }
}

pub(crate) fn execute(step: &Step, root: &Path) -> Result<(), String> {
    say(&format!("$ {step}"));
    match cargo_in(root).args(&step.0).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(step.to_string()),
        Err(error) => Err(format!("{step}: {error}")),
    }
}

pub(crate) fn cargo_in(root: &Path) -> Command {
    #[allow(clippy::expect_used)]
    let sh = xshell::Shell::new().expect("no current directory");
    sh.change_dir(root);
    crate::shell::cargo(&sh, "").into()
}

pub(crate) fn say(line: &str) {
    println!("{line}");
}
