//! A table of figures: a row for each measure, a column for each of those who are compared.

use std::fmt::Write as _;

use super::figures::{Figure, Figures};

/// What is compared in what.
pub(super) struct Table {
    pub(super) measures: &'static [Measure],
    /// The names that figures have, with the titles of their columns.
    pub(super) columns: &'static [(&'static str, &'static str)],
}

/// Something that is measured.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Whether more of it is better.
    pub(super) more: bool,
}

pub(super) const fn more(name: &'static str, title: &'static str) -> Measure {
    Measure {
        name,
        title,
        more: true,
    }
}

pub(super) const fn less(name: &'static str, title: &'static str) -> Measure {
    Measure {
        name,
        title,
        more: false,
    }
}

impl Table {
    pub(super) fn render(&self, figures: &Figures) -> String {
        let mut text = String::from("| |");
        let mut rule = String::from("|---|");
        for (_, title) in self.columns {
            let _ = write!(text, " {title} |");
            rule.push_str("--:|");
        }
        let _ = writeln!(text, "\n{rule}");
        for Measure { name, title, .. } in self.measures {
            let _ = write!(text, "| {title} |");
            for (who, _) in self.columns {
                let cell = figures.get(who, name).map_or("—".to_owned(), cell);
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
        }
        text
    }
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
    fn a_row_has_a_cell_for_each_column() {
        const TABLE: Table = Table {
            measures: &[more("calls", "calls/s"), less("bytes", "bytes per call")],
            columns: &[("own", "**own**"), ("other", "another")],
        };
        let figures = Figures::parse("other\tbytes\t36\nown\tcalls\t36500\t22400.5").unwrap();
        assert_eq!(
            TABLE.render(&figures),
            "| | **own** | another |\n|---|--:|--:|\n| calls/s | 36,500 (22,400) | — |\n\
             | bytes per call | — | 36 |\n"
        );
    }
}
