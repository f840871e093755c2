//! What it costs to fetch and to add up a year of costs.

use std::fmt::Write as _;

use super::Suite;
use super::figures::Figures;
use super::table::{Table, less, number};

pub(super) const SUITE: Suite = Suite {
    benches: &["billing"],
    packages: &["serde_json"],
    render,
};

const TABLE: Table = Table {
    measures: &[
        less("ms", "time, ms"),
        less("peak-MiB", "peak memory, MiB"),
        less("allocations", "allocations"),
    ],
    columns: &[
        (
            "report, 4 windows at a time",
            "**`report`**, 4 windows at a time",
        ),
        (
            "report, 1 window at a time",
            "**`report`**, 1 window at a time",
        ),
        ("groups", "all groups kept, and added up"),
        ("values", "pages as `Value`, costs as floats"),
    ],
};

fn render(figures: &Figures) -> String {
    let mut text = TABLE.render(figures);
    let answers = |measure| figures.value("answers", measure);
    if let Some((pages, size)) = answers("pages").zip(answers("MiB")) {
        let _ = writeln!(
            text,
            "\nThe answers are {} pages, {} MiB of JSON.",
            number(pages),
            number(size)
        );
    }
    text
}
