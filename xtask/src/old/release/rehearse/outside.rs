//! A fresh project outside the workspace that takes one of our crates from the registry, and runs on
//! the emulator from there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::server::Server;
use super::stage::{REGISTRY, Stage};
use crate::old::ci::say;
use crate::old::emulator::Emulator;
use crate::old::run::tell;

/// The program of the project.
const PROGRAM: &str = include_str!("outside/main.rs");
/// What it takes from the registry.
const OURS: &str = "blaxel-billing";
/// What it takes from elsewhere: an HTTP client, and what leads to it from a facade.
const OTHERS: [&[&str]; 4] = [
    &["http"],
    &["pollster"],
    &["tower", "--features", "util"],
    &["ureq", "--no-default-features"],
];
/// The crates that come along with it, and no others of ours.
const BROUGHT: [&str; 2] = ["blaxel-billing", "blaxel-core"];

/// Installs the emulator, makes the project, runs its program against the emulator, and looks at
/// what it printed and at what it was built from.
pub(super) fn run(stage: &Stage, server: &Server, scratch: &Path) -> Result<(), String> {
    let directory = scratch.join("outside");
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let tools = directory.join("tools");
    let root = tools.to_string_lossy();
    let from_registry = ["--registry", REGISTRY];
    let cargo = |directory: &Path, arguments: &[&str]| {
        say(&format!("$ cargo {}", arguments.join(" ")));
        succeed(stage.cargo(directory, server).args(arguments))
    };
    cargo(
        &directory,
        &[
            &[
                "install",
                "--quiet",
                "--debug",
                "blaxel-emulator",
                "--root",
                &root,
            ],
            &from_registry[..],
        ]
        .concat(),
    )?;
    cargo(&directory, &["new", "--quiet", "--vcs", "none", "costs"])?;
    let project = directory.join("costs");
    cargo(
        &project,
        &[&["add", "--quiet", OURS], &from_registry[..]].concat(),
    )?;
    for other in OTHERS {
        cargo(&project, &[&["add", "--quiet"], other].concat())?;
    }
    fs::write(project.join("src/main.rs"), PROGRAM).map_err(|error| error.to_string())?;

    let emulator = Command::new(tools.join("bin").join("blaxel-emulator"));
    let emulator = Emulator::start_by(emulator)?;
    say("$ cargo run");
    let mut cargo = stage.cargo(&project, server);
    cargo
        .args(["run", "--quiet"])
        .envs(
            emulator
                .variables()
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stderr(Stdio::inherit());
    let output = cargo
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    say(said.trim_end());
    if !output.status.success() {
        return Err(format!("the outside program fails: {}", output.status));
    }
    let lock = project.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    judge(&said, &lock)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    if tell(command, "cargo")? {
        Ok(())
    } else {
        Err("the outside project cannot be made; see above".to_owned())
    }
}

/// Whether the program told costs, and was built from the crates that it should be.
fn judge(said: &str, lock: &str) -> Result<(), String> {
    let total = said.lines().find_map(|line| line.strip_prefix("in all: $"));
    let total: f64 = total
        .and_then(|total| total.parse().ok())
        .unwrap_or_default();
    if total <= 0.0 {
        return Err(format!("the outside program tells no costs, but: {said}"));
    }
    let ours: Vec<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .filter(|name| name.starts_with("blaxel"))
        .collect();
    if ours == BROUGHT {
        Ok(())
    } else {
        Err(format!(
            "`cargo add {OURS}` brought {ours:?} and not {BROUGHT:?}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "name = \"blaxel-billing\"\nname = \"blaxel-core\"\nname = \"http\"\n";

    #[test]
    fn the_program_must_tell_costs() {
        assert_eq!(judge("agent: $1\nin all: $12.50\n", LOCK), Ok(()));
        for said in ["", "in all: $0\n", "in all: ?\n", "agent: $1\n"] {
            assert!(judge(said, LOCK).is_err(), "{said}");
        }
    }

    #[test]
    fn no_other_crate_of_ours_may_come_along() {
        let said = "in all: $1\n";
        let more = format!("{LOCK}name = \"blaxel-transport\"\n");
        assert!(judge(said, &more).unwrap_err().contains("blaxel-transport"));
        assert!(judge(said, "name = \"http\"\n").is_err());
    }
}
