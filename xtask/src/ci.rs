//! `cargo xtask ci`: the checks that a change must pass, as stages that run one after another.

mod interop;

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::flags::{Ci, Stage};
use crate::git::git;
use crate::shell::cargo;
use crate::{api_drift, deny, docs, features, lean, public_api, release, semver_checks, tidy};
use Outcome::{Failed, NotRun, Passed, Skipped};

/// The API's document, which is not ours to publish: it lies beside the checkout, if at all.
const DOCUMENT: &str = "../shared/spec/controlplane.yml";
/// The document of a sandbox's API, which is compared too if it is there.
const SANDBOX_DOCUMENT: &str = "../shared/spec/sandbox.yml";
const CLIPPY: &str = "clippy --workspace --all-targets --locked -- -D warnings";
const WASM: &str = "wasm32-unknown-unknown";
const HEAD: &str = "rev-list --max-count=1 --all";
const TAGS: &str = "tag --list blaxel*-v*";
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

/// A stage, its result, and how long it took.
type Row = (Stage, Outcome, Duration);

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
        println!("\n==> {}", stage.name());
        if let Some(reason) = lacks(sh, stage) {
            return Skipped(reason);
        }
        match check(sh, stage) {
            Ok(()) => Passed,
            Err(error) => Failed(format!("{error:#}")),
        }
    });
    println!("\n{}", table(&outcomes).trim_end());
    let is_failed = outcomes.iter().any(|row| matches!(row.1, Failed(_)));
    ensure!(!is_failed, "a stage has failed");
    Ok(())
}

/// Returns these stages, or all if there is none, in the order in which they run.
fn select(stages: &[Stage]) -> Vec<Stage> {
    let mut all = Stage::value_variants().to_vec();
    all.retain(|stage| stages.is_empty() || stages.contains(stage));
    all
}

/// Runs the stages; after a failure the others only if asked to keep going.
fn run_all(stages: Vec<Stage>, keep_going: bool, run: impl Fn(Stage) -> Outcome) -> Vec<Row> {
    let mut stopped = false;
    let timed = |stage| {
        let start = Instant::now();
        let outcome = if stopped { NotRun } else { run(stage) };
        stopped |= !keep_going && matches!(outcome, Failed(_));
        (stage, outcome, start.elapsed())
    };
    stages.into_iter().map(timed).collect()
}

/// Returns what this machine or checkout lacks for a stage, which is then skipped.
fn lacks(sh: &Shell, stage: Stage) -> Option<&'static str> {
    // Nothing is tagged or committed in an unpacked archive either.
    let is_archive = !sh.path_exists(".git");
    let is_empty = |question| is_archive || git(sh, question).read().is_ok_and(|it| it.is_empty());
    // The compiler is asked for the library of the target, since not everyone has rustup.
    let library = || cmd!(sh, "rustc --print target-libdir --target {WASM}").quiet();
    let is_missing = |library: String| !sh.path_exists(library);
    match stage {
        Stage::Drift if !sh.path_exists(DOCUMENT) => Some("no OpenAPI document in ../shared/spec"),
        Stage::Semver if is_empty(TAGS) => Some("no crate has a tag to be compared with"),
        Stage::Wasm if library().read().is_ok_and(is_missing) => Some("target not installed"),
        Stage::Rehearsal if is_empty(HEAD) => Some("nothing is committed here"),
        _ => None,
    }
}

/// Runs a stage. The flags of cargo are chosen so that later stages reuse what earlier ones built.
fn check(sh: &Shell, stage: Stage) -> Result<()> {
    match stage {
        Stage::Fmt => run_cargo(sh, "fmt --all --check"),
        Stage::Tidy => tidy::run(sh),
        Stage::Drift => {
            api_drift::run(sh, &sh.current_dir().join(DOCUMENT))?;
            match sh.path_exists(SANDBOX_DOCUMENT) {
                true => api_drift::run_sandbox(sh, &sh.current_dir().join(SANDBOX_DOCUMENT)),
                false => Ok(()),
            }
        }
        Stage::Lean => lean::run(sh, &[], false),
        Stage::Clippy => run_cargo(sh, CLIPPY),
        Stage::Features => features::run(sh, &[]),
        Stage::Test => run_cargo(sh, "test --workspace"),
        Stage::Docs => docs::run(sh),
        Stage::PublicApi => public_api::run(sh, false),
        Stage::Semver => semver_checks::run(sh, &[]),
        Stage::Deny => deny::run(sh, false),
        Stage::Wasm => run_cargo(sh, &format!("check --locked --target {WASM} {BROWSER}")),
        Stage::Quickstart => run_cargo(sh, "run --example quickstart"),
        Stage::Interop => interop::run(sh),
        Stage::Rehearsal => release::rehearse::run(sh),
    }
}

/// Runs cargo with its output where ours goes.
fn run_cargo(sh: &Shell, arguments: &str) -> Result<()> {
    println!("$ cargo {arguments}");
    let run = cargo(sh, arguments).quiet().run();
    run.map_err(|_| anyhow!("cargo {arguments}"))
}

/// Formats the outcomes as a table, with the counts that are not zero below it.
fn table(outcomes: &[Row]) -> String {
    let mut table = format!("{:<12}{:>9}  result\n", "stage", "seconds");
    let mut counts = [(0, "passed"), (0, "failed"), (0, "skipped"), (0, "not run")];
    for (stage, outcome, took) in outcomes {
        let seconds = format!("{:.1}", took.as_secs_f64());
        let (kind, seconds, result) = match outcome {
            Passed => (0, seconds, "passed".to_owned()),
            Failed(reason) => (1, seconds, format!("FAILED: {reason}")),
            Skipped(reason) => (2, seconds, format!("skipped: {reason}")),
            NotRun => (3, "-".to_owned(), "not run".to_owned()),
        };
        counts[kind].0 += 1;
        table += &format!("{:<12}{seconds:>9}  {result}\n", stage.name());
    }
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, kind)| format!("{count} {kind}"));
    let counts: Vec<String> = counts.collect();
    table + &format!("\nci: {}\n", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_stages_run_once_and_in_the_order_of_the_table() {
        let selected = select(&[Stage::Test, Stage::Fmt, Stage::Test]);
        assert_eq!(selected, [Stage::Fmt, Stage::Test]);
        let names = "fmt tidy lean clippy features test drift docs public-api semver deny wasm \
                     quickstart interop rehearsal";
        let all: Vec<String> = Stage::value_variants().iter().map(Stage::name).collect();
        assert_eq!(all.join(" "), names);
        assert_eq!(select(&[]), Stage::value_variants());
    }

    #[test]
    fn a_failure_stops_the_stages_after_it_unless_asked_to_keep_going() {
        let run = |keep_going| {
            let stages = vec![Stage::Fmt, Stage::Wasm, Stage::Test, Stage::Docs];
            table(&run_all(stages, keep_going, |stage| match stage {
                Stage::Wasm => Skipped("no target"),
                Stage::Test => Failed("why".to_owned()),
                _ => Passed,
            }))
        };
        let expected = "\
stage         seconds  result
fmt               0.0  passed
wasm              0.0  skipped: no target
test              0.0  FAILED: why
docs                -  not run

ci: 1 passed, 1 failed, 1 skipped, 1 not run
";
        assert_eq!(run(false), expected);
        assert!(run(true).ends_with("passed\n\nci: 2 passed, 1 failed, 1 skipped\n"));
    }

    #[test]
    fn a_stage_is_skipped_while_something_is_missing() {
        let sh = Shell::new().unwrap();
        let directory = sh.create_temp_dir().unwrap();
        let checkout = directory.path().join("checkout");
        sh.change_dir(sh.create_dir(checkout).unwrap());
        git(&sh, "init --quiet").run().unwrap();
        let stages = [Stage::Drift, Stage::Rehearsal, Stage::Semver];
        assert!(stages.iter().all(|stage| lacks(&sh, *stage).is_some()));
        sh.write_file(DOCUMENT, "").unwrap();
        let commit = "-c user.name=x -c user.email=x commit --quiet --allow-empty -m x";
        git(&sh, commit).run().unwrap();
        git(&sh, "tag blaxel-core-v0.1.0").run().unwrap();
        assert!(stages.iter().all(|stage| lacks(&sh, *stage).is_none()));
    }
}
