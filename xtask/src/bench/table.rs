//! The table of all figures: a row for each measure, a column for each caller.

use std::fmt::Write as _;

use super::figures::{Figure, Figures};

/// Something that is measured.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Whether more of it is better.
    pub(super) more: bool,
}

const fn more(name: &'static str, title: &'static str) -> Measure {
    Measure {
        name,
        title,
        more: true,
    }
}

const fn less(name: &'static str, title: &'static str) -> Measure {
    Measure {
        name,
        title,
        more: false,
    }
}

pub(super) const MEASURES: [Measure; 7] = [
    more("one-at-a-time", "calls/s, one at a time"),
    more("64-at-once", "calls/s, 64 at once"),
    more(
        "64-at-once-apart",
        "calls/s, 64 at once, server in another process",
    ),
    less("instructions", "instructions per call"),
    less("allocations", "allocations per call"),
    less("bytes", "bytes allocated per call"),
    less("peak-kib", "peak memory at 1,000 calls at once, KiB"),
];

/// The callers with the titles of their columns.
const CALLERS: [(&str, &str); 6] = [
    ("hyper-util", "hyper-util, bare"),
    ("blaxel-transport", "**blaxel-transport**"),
    ("layered", "with 4 idle layers"),
    ("boxed", "boxed"),
    ("reqwest-0.12", "reqwest 0.12"),
    ("reqwest-0.13", "reqwest 0.13"),
];

pub(super) fn render(figures: &Figures) -> String {
    let mut text = String::from("| |");
    let mut rule = String::from("|---|");
    for (_, title) in CALLERS {
        let _ = write!(text, " {title} |");
        rule.push_str("--:|");
    }
    let _ = writeln!(text, "\n{rule}");
    for Measure { name, title, .. } in MEASURES {
        let _ = write!(text, "| {title} |");
        for (caller, _) in CALLERS {
            let cell = figures.get(caller, name).map_or("—".to_owned(), cell);
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

fn cell(figure: Figure) -> String {
    let value = number(figure.value);
    match figure.least {
        Some(least) => format!("{value} ({})", number(least)),
        None => value,
    }
}

/// A number as people write it: `12,345`, and `7.5` where a small one is not whole.
pub(super) fn number(value: f64) -> String {
    if value < 1000.0 && (value - value.round()).abs() > 0.049 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (35.0, "35"),
            (35.5, "35.5"),
            (999.0, "999"),
            (1000.4, "1,000"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_row_has_a_cell_for_each_caller() {
        let figures =
            Figures::parse("boxed\tallocations\t36\nreqwest-0.12\t64-at-once\t36500\t22400.5")
                .unwrap();
        let table = render(&figures);
        assert!(
            table.contains("| allocations per call | — | — | — | 36 | — | — |\n"),
            "{table}"
        );
        assert!(table.contains("| 36,500 (22,400) |"), "{table}");
        assert_eq!(table.lines().count(), MEASURES.len() + 2);
    }
}
