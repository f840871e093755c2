//! What figures are meant to be, and whether they are.

use std::fmt::Write as _;

use super::figures::Figures;

/// An aim with what was found.
pub(super) struct Aim {
    pub(super) wanted: String,
    pub(super) found: String,
    /// Nothing if it could not be found out.
    pub(super) met: Option<bool>,
}

pub(super) fn render(aims: Vec<Aim>) -> String {
    let mut text = String::from("| aim | found | |\n|---|---|---|\n");
    for Aim { wanted, found, met } in aims {
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "open",
        };
        let _ = writeln!(text, "| {wanted} | {found} | {verdict} |");
    }
    text
}

/// A figure by who it is of and what it measures.
pub(super) type Name<'a> = (&'a str, &'a str);

impl Aim {
    /// How many times another one a figure is.
    pub(super) fn ratio(
        figures: &Figures,
        wanted: String,
        of: Name<'_>,
        to: Name<'_>,
        met: impl Fn(f64) -> bool,
    ) -> Self {
        Self::ratios(figures, wanted, &[(of, to)], met)
    }

    /// The same of several pairs, all of which are to meet the aim.
    pub(super) fn ratios(
        figures: &Figures,
        wanted: String,
        pairs: &[(Name<'_>, Name<'_>)],
        met: impl Fn(f64) -> bool,
    ) -> Self {
        let mut ratios = Vec::new();
        let mut absence = None;
        for (of, to) in pairs {
            let value = |(who, measure): &Name<'_>| figures.value(who, measure);
            match value(of).zip(value(to)) {
                Some((of, to)) => ratios.push(of / to),
                None => absence = Some(figures.absence(of.1)),
            }
        }
        let found = match absence {
            Some(reason) => reason.to_owned(),
            None => {
                let ratios: Vec<String> = ratios.iter().map(|one| format!("{one:.2}")).collect();
                format!("{} times", ratios.join(", "))
            }
        };
        Self {
            wanted,
            found,
            met: absence
                .is_none()
                .then(|| ratios.iter().all(|ratio| met(*ratio))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratios(figures: &str, pairs: &[(Name<'_>, Name<'_>)]) -> String {
        let figures = Figures::parse(figures).unwrap();
        let aim = Aim::ratios(&figures, "little".to_owned(), pairs, |ratio| ratio <= 1.1);
        render(vec![aim])
    }

    #[test]
    fn the_limit_itself_is_within() {
        let text = ratios(
            "own\tx\t1100\nother\tx\t1000\n",
            &[(("own", "x"), ("other", "x"))],
        );
        assert!(text.contains("| little | 1.10 times | met |"), "{text}");
    }

    #[test]
    fn one_ratio_of_many_can_miss_the_aim() {
        let pairs = [
            (("own", "x"), ("other", "x")),
            (("own", "y"), ("other", "y")),
        ];
        let figures = "own\tx\t5\nother\tx\t5\nown\ty\t6\nother\ty\t5\n";
        let text = ratios(figures, &pairs);
        assert!(text.contains("| 1.00, 1.20 times | **missed** |"), "{text}");
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let figures = "own\tx\t3\nabsent\ty\tno valgrind\n";
        let text = ratios(figures, &[(("own", "y"), ("other", "y"))]);
        assert!(text.contains("| no valgrind | open |"), "{text}");
    }
}
