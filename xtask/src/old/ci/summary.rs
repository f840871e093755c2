//! The table at the end of a run.

use std::time::Duration;

/// How a stage ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Passed,
    /// With the command that failed, or the reason.
    Failed(String),
    /// With the reason.
    Skipped(String),
    /// An earlier stage failed.
    NotRun,
}

/// A stage, how it ended and how long it took.
pub(super) struct Outcome {
    pub(super) stage: &'static str,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
}

/// The outcomes as a table, with the counts under it.
pub(super) fn render(outcomes: &[Outcome]) -> String {
    let mut table = format!("{:<12}{:>9}  {}\n", "stage", "seconds", "result");
    for outcome in outcomes {
        let seconds = match outcome.verdict {
            Verdict::NotRun => "-".to_owned(),
            _ => format!("{:.1}", outcome.took.as_secs_f64()),
        };
        let result = match &outcome.verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(why) => format!("FAILED: {why}"),
            Verdict::Skipped(why) => format!("skipped: {why}"),
            Verdict::NotRun => "not run".to_owned(),
        };
        table.push_str(&format!("{:<12}{seconds:>9}  {result}\n", outcome.stage));
    }
    table.push_str(&format!("\nci: {}\n", counts(outcomes)));
    table
}

/// The counts of a run, those that are zero left out, such as `6 passed, 1 skipped`.
fn counts(outcomes: &[Outcome]) -> String {
    let count = |of: fn(&Verdict) -> bool| outcomes.iter().filter(|o| of(&o.verdict)).count();
    let counts = [
        (
            count(|verdict| matches!(verdict, Verdict::Passed)),
            "passed",
        ),
        (
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            "failed",
        ),
        (
            count(|verdict| matches!(verdict, Verdict::Skipped(_))),
            "skipped",
        ),
        (
            count(|verdict| matches!(verdict, Verdict::NotRun)),
            "not run",
        ),
    ];
    let told = counts.iter().filter(|(number, _)| *number > 0);
    told.map(|(number, what)| format!("{number} {what}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_stage_and_the_counts() {
        let outcome = |stage, verdict, millis| Outcome {
            stage,
            verdict,
            took: Duration::from_millis(millis),
        };
        let table = render(&[
            outcome("fmt", Verdict::Passed, 340),
            outcome("wasm", Verdict::Skipped("target not installed".into()), 0),
            outcome(
                "test",
                Verdict::Failed("cargo test --workspace".into()),
                61_250,
            ),
            outcome("quickstart", Verdict::NotRun, 0),
        ]);
        assert_eq!(
            table,
            "\
stage         seconds  result
fmt               0.3  passed
wasm              0.0  skipped: target not installed
test             61.2  FAILED: cargo test --workspace
quickstart          -  not run

ci: 1 passed, 1 failed, 1 skipped, 1 not run
"
        );
    }
}
