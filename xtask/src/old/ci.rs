//! `cargo xtask ci`: the checks a change must pass, as stages run one after the other.

mod interop;
mod stages;
mod summary;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use stages::{Plan, STAGES, Stage};
pub(crate) use stages::{Step, step};
use summary::{Outcome, Verdict};

/// Runs the command with its arguments. `Ok` tells whether no stage failed.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let mut keep_going = false;
    let mut names = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--list" => {
                print!("{}", stages::listing());
                return Ok(true);
            }
            "--keep-going" => keep_going = true,
            option if option.starts_with('-') => {
                return Err(format!(
                    "`ci` has no option `{option}`; the options are `--list` and `--keep-going`"
                ));
            }
            name => names.push(name),
        }
    }
    let stages = select(&names)?;
    let outcomes = run_all(&stages, keep_going, |stage| run(stage, root));
    print!("\n{}", summary::render(&outcomes));
    Ok(!outcomes
        .iter()
        .any(|outcome| matches!(outcome.verdict, Verdict::Failed(_))))
}

/// The stages of these names in the order in which they run; all of them if none is named.
fn select(names: &[&str]) -> Result<Vec<&'static Stage>, String> {
    let known = stage_names();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        let known = crate::old::list(&known);
        return Err(format!(
            "`ci` has no stage `{unknown}`; the stages are {known}"
        ));
    }
    let wanted = |stage: &&Stage| names.is_empty() || names.contains(&stage.name);
    Ok(STAGES.iter().filter(wanted).collect())
}

/// The names of all stages, in the order in which they run.
pub(crate) fn stage_names() -> Vec<&'static str> {
    STAGES.iter().map(|stage| stage.name).collect()
}

/// Runs the stages; after a failure the rest only if asked to keep going.
fn run_all(
    stages: &[&'static Stage],
    keep_going: bool,
    mut run: impl FnMut(&Stage) -> Verdict,
) -> Vec<Outcome> {
    let mut stopped = false;
    let mut outcomes = Vec::new();
    for stage in stages {
        let start = Instant::now();
        let verdict = if stopped { Verdict::NotRun } else { run(stage) };
        stopped |= !keep_going && matches!(verdict, Verdict::Failed(_));
        outcomes.push(Outcome {
            stage: stage.name,
            verdict,
            took: start.elapsed(),
        });
    }
    outcomes
}

fn run(stage: &Stage, root: &Path) -> Verdict {
    say(&format!("\n==> {}", stage.name));
    match (stage.plan)(root) {
        Plan::Commands(steps) => {
            let failed = steps.iter().find_map(|step| execute(step, root).err());
            failed.map_or(Verdict::Passed, Verdict::Failed)
        }
        Plan::Ours(command, run) => {
            say(&format!("$ cargo xtask {command}"));
            match run(root) {
                Ok(true) => Verdict::Passed,
                Ok(false) => Verdict::Failed(format!("cargo xtask {command}")),
                Err(reason) => {
                    say(&reason);
                    Verdict::Failed(reason)
                }
            }
        }
        Plan::Interop => match interop::run(root) {
            Ok(()) => Verdict::Passed,
            Err(reason) => {
                say(&reason);
                Verdict::Failed(reason)
            }
        },
        Plan::Skip(reason) => {
            say(&format!("skipped: {reason}"));
            Verdict::Skipped(reason)
        }
    }
}

/// Runs one command with its output where ours goes; the error is the command that failed.
pub(crate) fn execute(step: &Step, root: &Path) -> Result<(), String> {
    say(&format!("$ {step}"));
    let mut command = cargo_in(root);
    command.args(&step.arguments).stdin(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(step.to_string()),
        Err(error) => Err(format!("{step}: {error}")),
    }
}

/// Cargo, to be run in the workspace at this path.
pub(crate) fn cargo_in(root: &Path) -> Command {
    let mut command = Command::new(cargo());
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if tells_of_this_package(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether this variable is one that `cargo run` sets for us to know our own package by.
///
/// They are kept from the commands we start: a build script that watches them, as that of `ring`
/// does, would run again each time the same build is asked for now by us, now by a person.
fn tells_of_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The cargo that runs us.
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Prints a line before what a command of ours prints after it.
pub(crate) fn say(line: &str) {
    println!("{line}");
    // Nothing can be done about an output that nobody takes; the run itself still counts.
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(stages: &[&Stage]) -> Vec<&'static str> {
        stages.iter().map(|stage| stage.name).collect()
    }

    fn verdicts(outcomes: Vec<Outcome>) -> Vec<Verdict> {
        outcomes
            .into_iter()
            .map(|outcome| outcome.verdict)
            .collect()
    }

    #[test]
    fn no_name_selects_every_stage() {
        assert_eq!(select(&[]).unwrap().len(), STAGES.len());
    }

    #[test]
    fn named_stages_run_once_each_and_in_the_usual_order() {
        assert_eq!(
            names(&select(&["test", "fmt", "test"]).unwrap()),
            ["fmt", "test"]
        );
    }

    #[test]
    fn a_failure_stops_the_stages_after_it() {
        let stages = select(&["fmt", "tidy", "test"]).unwrap();
        let fails_at_tidy = |stage: &Stage| match stage.name {
            "tidy" => Verdict::Failed("why".into()),
            _ => Verdict::Passed,
        };
        let failed = Verdict::Failed("why".into());
        assert_eq!(
            verdicts(run_all(&stages, false, fails_at_tidy)),
            [Verdict::Passed, failed.clone(), Verdict::NotRun]
        );
        assert_eq!(
            verdicts(run_all(&stages, true, fails_at_tidy)),
            [Verdict::Passed, failed, Verdict::Passed]
        );
    }

    #[test]
    fn only_the_variables_of_our_own_package_are_kept_back() {
        assert!(tells_of_this_package("CARGO_PKG_NAME"));
        assert!(tells_of_this_package("CARGO_MANIFEST_DIR"));
        assert!(!tells_of_this_package("CARGO_TARGET_DIR"));
        assert!(!tells_of_this_package("CARGO_HOME"));
    }
}
