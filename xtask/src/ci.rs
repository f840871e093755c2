//! `cargo xtask ci`: the checks that a change must pass, as stages that run one after another.

mod interop;

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::flags::{Ci, Stage};
use crate::git::{git, last_release};
use crate::old;
use crate::shell::cargo;
use crate::workspace::Workspace;

/// The API's document, which is not ours to publish: it lies beside the checkout, if at all.
const DOCUMENT: &str = "../shared/spec/controlplane.yml";
const CLIPPY: &str = "clippy --workspace --all-targets --locked -- -D warnings";
const WASM: &str = "wasm32-unknown-unknown";
/// The crates that compile for a browser.
const BROWSER: &str = "-p blaxel-core -p blaxel-management -p blaxel-inference -p blaxel-billing";

#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Passed,
    /// With the reason, as the next one.
    Failed(String),
    Skipped(&'static str),
    /// An earlier stage has failed.
    NotRun,
}

pub(crate) fn run(sh: &Shell, flags: &Ci) -> Result<()> {
    let stages = select(&flags.stages);
    if flags.list {
        for value in stages.iter().filter_map(Stage::to_possible_value) {
            let about = value.get_help().map(ToString::to_string);
            println!("{:<12}{}", value.get_name(), about.unwrap_or_default());
        }
        return Ok(());
    }
    let outcomes = run_all(stages, flags.keep_going, |stage| {
        println!("\n==> {}", name(&stage));
        if let Some(reason) = lacks(sh, stage) {
            return Outcome::Skipped(reason);
        }
        match check(sh, stage) {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(format!("{error:#}")),
        }
    });
    print!("\n{}", table(&outcomes));
    let mut outcomes = outcomes.iter();
    let is_failed = outcomes.any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
    ensure!(!is_failed, "a stage has failed");
    Ok(())
}

/// Returns the names of all stages.
pub(crate) fn stage_names() -> Vec<String> {
    Stage::value_variants().iter().map(name).collect()
}

fn name(stage: &Stage) -> String {
    let value = stage.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Returns these stages, or all if there is none, in the order in which they run.
fn select(stages: &[Stage]) -> Vec<Stage> {
    let mut all = Stage::value_variants().to_vec();
    all.retain(|stage| stages.is_empty() || stages.contains(stage));
    all
}

/// Runs the stages; after a failure the others only if asked to keep going.
fn run_all(
    stages: Vec<Stage>,
    keep_going: bool,
    mut run: impl FnMut(Stage) -> Outcome,
) -> Vec<(Stage, Outcome, Duration)> {
    let mut stopped = false;
    let timed = |stage| {
        let start = Instant::now();
        let outcome = match stopped {
            true => Outcome::NotRun,
            false => run(stage),
        };
        stopped |= !keep_going && matches!(outcome, Outcome::Failed(_));
        (stage, outcome, start.elapsed())
    };
    stages.into_iter().map(timed).collect()
}

/// Returns what this machine or checkout lacks for a stage, which is then skipped.
fn lacks(sh: &Shell, stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Drift if !sh.path_exists(DOCUMENT) => Some("no OpenAPI document in ../shared/spec"),
        Stage::Semver if !has_release(sh) => Some("no crate has a tag to be compared with"),
        Stage::Wasm if !is_installed(sh, WASM) => Some("target not installed"),
        Stage::Rehearsal if !is_committed(sh) => Some("nothing is committed here"),
        _ => None,
    }
}

/// Runs a stage. The flags of cargo are chosen so that later stages reuse what earlier ones built.
fn check(sh: &Shell, stage: Stage) -> Result<()> {
    let root = &sh.current_dir();
    match stage {
        Stage::Fmt => run_cargo(sh, "fmt --all --check"),
        Stage::Tidy => finished(Ok(old::tidy::command(root))),
        Stage::Drift => finished(old::api_drift::run(root, &root.join(DOCUMENT))),
        Stage::Lean => finished(old::lean::check_counts(root)),
        Stage::Clippy => run_cargo(sh, CLIPPY),
        Stage::Features => finished(old::features::command(root, &[])),
        Stage::Test => run_cargo(sh, "test --workspace"),
        Stage::Docs => finished(old::docs::check(root)),
        Stage::PublicApi => finished(old::public_api::check(root)),
        Stage::Semver => finished(old::semver_checks::command(root, &[])),
        Stage::Deny => finished(old::deny::check(root)),
        Stage::Wasm => run_cargo(sh, &format!("check --locked --target {WASM} {BROWSER}")),
        Stage::Quickstart => run_cargo(sh, "run --example quickstart"),
        Stage::Interop => interop::run(sh),
        Stage::Rehearsal => finished(old::release::rehearse(root)),
    }
}

/// Adapts the result of a command that is still to be rewritten.
fn finished(result: Result<bool, String>) -> Result<()> {
    let passed = result.map_err(|reason| anyhow!(reason))?;
    ensure!(passed, "the check failed; see above");
    Ok(())
}

/// Runs cargo with its output where ours goes.
fn run_cargo(sh: &Shell, arguments: &str) -> Result<()> {
    println!("$ cargo {arguments}");
    let run = cargo(sh, arguments).quiet().run();
    run.map_err(|_| anyhow!("cargo {arguments}"))
}

/// Returns `false` if no package has a tag. If it cannot be found out, the stage is to tell why.
fn has_release(sh: &Shell) -> bool {
    let tags = git(sh, "tag --list").ignore_stderr().read();
    let tags = tags.unwrap_or_default();
    let is_released = |name: &&str| last_release(name, &tags).is_some();
    Workspace::read(sh).map_or(true, |workspace| workspace.names().iter().any(is_released))
}

/// Returns `false` in an unpacked archive, for example.
fn is_committed(sh: &Shell) -> bool {
    let head = git(sh, "rev-parse --verify HEAD").ignore_stderr();
    head.read().is_ok()
}

/// Returns `true` if the standard library of a target is there. The compiler is asked, since not
/// everyone has rustup.
fn is_installed(sh: &Shell, target: &str) -> bool {
    let directory = cmd!(sh, "rustc --print target-libdir --target {target}").quiet();
    let directory = directory.ignore_stderr().read();
    directory.is_ok_and(|directory| sh.path_exists(directory))
}

/// Formats the outcomes as a table, with the counts that are not zero below it.
fn table(outcomes: &[(Stage, Outcome, Duration)]) -> String {
    let mut table = format!("{:<12}{:>9}  result\n", "stage", "seconds");
    let mut counts = [(0, "passed"), (0, "failed"), (0, "skipped"), (0, "not run")];
    for (stage, outcome, took) in outcomes {
        let mut seconds = format!("{:.1}", took.as_secs_f64());
        let (kind, result) = match outcome {
            Outcome::Passed => (0, "passed".to_owned()),
            Outcome::Failed(reason) => (1, format!("FAILED: {reason}")),
            Outcome::Skipped(reason) => (2, format!("skipped: {reason}")),
            Outcome::NotRun => {
                seconds = "-".to_owned();
                (3, "not run".to_owned())
            }
        };
        counts[kind].0 += 1;
        table += &format!("{:<12}{seconds:>9}  {result}\n", name(stage));
    }
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, kind)| format!("{count} {kind}"));
    let counts: Vec<String> = counts.collect();
    table + &format!("\nci: {}\n", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use Outcome::{NotRun, Passed, Skipped};

    use super::*;

    fn failed() -> Outcome {
        Outcome::Failed("why".into())
    }

    #[test]
    fn selected_stages_run_once_and_in_the_order_of_the_table() {
        let selected = select(&[Stage::Test, Stage::Fmt, Stage::Test]);
        assert_eq!(selected, [Stage::Fmt, Stage::Test]);
        let names = "fmt tidy drift lean clippy features test docs public-api semver deny wasm \
                     quickstart interop rehearsal";
        assert_eq!(stage_names().join(" "), names);
        assert_eq!(select(&[]), Stage::value_variants());
    }

    #[test]
    fn a_failure_stops_the_stages_after_it_unless_asked_to_keep_going() {
        let stages = [Stage::Fmt, Stage::Tidy, Stage::Test];
        for (keep_going, last) in [(false, NotRun), (true, Passed)] {
            let outcomes = run_all(stages.to_vec(), keep_going, |stage| match stage {
                Stage::Tidy => failed(),
                _ => Passed,
            });
            let outcomes = outcomes.into_iter().map(|(_, outcome, _)| outcome);
            assert_eq!(outcomes.collect::<Vec<_>>(), [Passed, failed(), last]);
        }
    }

    #[test]
    fn a_stage_is_skipped_while_something_is_missing() {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        let checkout = directory.path().join("checkout");
        sh.change_dir(sh.create_dir(checkout).unwrap());
        let steps = [Stage::Drift, Stage::Rehearsal];
        git(&sh, "init --quiet").run().unwrap();
        assert!(steps.iter().all(|stage| lacks(&sh, *stage).is_some()));
        sh.write_file(DOCUMENT, "").unwrap();
        let author = "-c user.name=x -c user.email=x@example.invalid";
        let commit = format!("{author} commit --quiet --allow-empty -m x");
        git(&sh, &commit).run().unwrap();
        assert!(steps.iter().all(|stage| lacks(&sh, *stage).is_none()));
        // Not skipped: its failure tells that there is no workspace.
        assert_eq!(lacks(&sh, Stage::Semver), None);
        assert!(!is_installed(&sh, "abacus-unknown-none"));
    }

    #[test]
    fn the_table_has_a_line_for_each_stage_and_the_counts() {
        let outcomes = [
            (Stage::Fmt, Passed, Duration::from_millis(340)),
            (Stage::Wasm, Skipped("no target"), Duration::ZERO),
            (Stage::Test, failed(), Duration::from_millis(61_250)),
            (Stage::Quickstart, NotRun, Duration::ZERO),
        ];
        let expected = "\
stage         seconds  result
fmt               0.3  passed
wasm              0.0  skipped: no target
test             61.2  FAILED: why
quickstart          -  not run

ci: 1 passed, 1 failed, 1 skipped, 1 not run
";
        assert_eq!(table(&outcomes), expected);
    }
}
