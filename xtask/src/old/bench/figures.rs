//! The figures as the benchmarks print them: lines of `caller`, `measure`, `value` and, where there
//! were rounds, the least of them, parted by tabs.

use std::collections::BTreeMap;

/// All figures of a run.
#[derive(Debug, Default)]
pub(super) struct Figures {
    found: BTreeMap<(String, String), Figure>,
    absent: BTreeMap<String, String>,
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) least: Option<f64>,
}

impl Figures {
    pub(super) fn parse(output: &str) -> Result<Self, String> {
        let mut figures = Self::default();
        for line in output.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields.as_slice() {
                ["absent", measure, reason] => {
                    let reason = (*reason).to_owned();
                    figures.absent.insert((*measure).to_owned(), reason);
                }
                [caller, measure, value, least @ ..] => {
                    let number = |text: &str| {
                        text.parse()
                            .map_err(|_| format!("`{text}` is no number in `{line}`"))
                    };
                    let figure = Figure {
                        value: number(value)?,
                        least: least.first().map(|least| number(least)).transpose()?,
                    };
                    let key = ((*caller).to_owned(), (*measure).to_owned());
                    figures.found.insert(key, figure);
                }
                // What cargo and the test harness say.
                _ => {}
            }
        }
        if figures.found.is_empty() {
            return Err("the benchmarks printed no figures".to_owned());
        }
        Ok(figures)
    }

    pub(super) fn get(&self, caller: &str, measure: &str) -> Option<Figure> {
        let key = (caller.to_owned(), measure.to_owned());
        self.found.get(&key).copied()
    }

    pub(super) fn value(&self, caller: &str, measure: &str) -> Option<f64> {
        self.get(caller, measure).map(|figure| figure.value)
    }

    /// Why a measure was not taken.
    pub(super) fn absence(&self, measure: &str) -> &str {
        self.absent
            .get(measure)
            .map_or("it was not measured", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_among_what_else_is_printed() {
        let output = "running\nown\tcalls\t12.5\t11.0\nown\tbytes\t7\nabsent\ttime\tno clock\n";
        let figures = Figures::parse(output).unwrap();
        let expected = Figure {
            value: 12.5,
            least: Some(11.0),
        };
        assert_eq!(figures.get("own", "calls"), Some(expected));
        assert_eq!(figures.value("own", "bytes"), Some(7.0));
        assert_eq!(figures.value("other", "bytes"), None);
        assert_eq!(figures.absence("time"), "no clock");
    }

    #[test]
    fn what_is_no_figure_is_refused() {
        assert!(
            Figures::parse("own\tcalls\tmany")
                .unwrap_err()
                .contains("`many`")
        );
        assert!(Figures::parse("nothing").is_err());
    }
}
