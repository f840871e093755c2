//! Figures held against the budgets.

use super::budget::{Budget, Limit};
use super::{FILE, Figures, Scope};

/// What is wrong, in lines.
pub(super) fn complaints(
    figures: &[Figures],
    budget: &Budget,
    scope: &Scope,
    with_times: bool,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in figures {
        match budget.limit(&one.entry) {
            None => complaints.push(format!(
                "{}: has no budget; it has {} crates compiled",
                one.entry,
                one.tree.crates.len()
            )),
            Some(limit) => {
                complaints.extend(over_crates(one, limit, budget));
                if with_times {
                    complaints.extend(over_time(one, limit));
                }
            }
        }
    }
    for (package, choice) in budget.stale(figures, scope) {
        complaints.push(format!(
            "[{package}.{choice}]: there is no such package or feature"
        ));
    }
    complaints
}

fn over_crates(one: &Figures, limit: &Limit, budget: &Budget) -> Option<String> {
    let crates = one.tree.crates.len();
    if crates <= limit.crates {
        return None;
    }
    let new = budget.added(one);
    Some(format!(
        "{}: {crates} crates, {} allowed; new: {}",
        one.entry,
        limit.crates,
        if new.is_empty() {
            "none, the budget was below before".to_owned()
        } else {
            new
        }
    ))
}

fn over_time(one: &Figures, limit: &Limit) -> Option<String> {
    let entry = &one.entry;
    match (one.time, limit.time) {
        (None, _) => Some(format!("{entry}: its time was not taken")),
        (Some(time), None) => Some(format!("{entry}: {time:.2} of the control, no time set")),
        (Some(time), Some(limit)) => (time > limit)
            .then(|| format!("{entry}: {time:.2} of the control's time, {limit:.2} allowed")),
    }
}

/// All figures, the complaints, and what to do about them.
pub(super) fn report(figures: &[Figures], budget: &Budget, complaints: &[String]) -> String {
    let mut text = String::new();
    for Figures { entry, tree, time } in figures {
        let time = time.map_or(String::new(), |time| format!("{time:>7.2}"));
        let title = entry.to_string();
        text += &format!("{title:<38}{:>5}{time}\n", tree.crates.len());
    }
    text.push('\n');
    // Not wrong, but a new crate could take the place unseen.
    for Figures { entry, tree, .. } in figures {
        let allowed = budget.limit(entry).map_or(0, |limit| limit.crates);
        if allowed > tree.crates.len() {
            text += &format!("{entry}: {allowed} crates are not needed, `--update` lowers that\n");
        }
    }
    for complaint in complaints {
        text += &format!("{complaint}\n");
    }
    text += &match complaints.len() {
        0 => "lean: all is well\n".to_owned(),
        many => {
            let s = if many == 1 { "" } else { "s" };
            format!(
                "lean: {many} complaint{s}\n\nWhat is over its budget costs every user. Where it is \
                 worth that, `cargo xtask lean --update` writes the new figures into {FILE} \
                 (`--update --crates` the counts alone); the commit that holds them says why.\n"
            )
        }
    };
    text
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::super::entry::{BARE, Entry};
    use super::super::tree::Tree;
    use super::*;
    use crate::old::outside::{Compiled, Features};

    /// Figures of an entry with these crates, all of them in version 1.
    pub(in super::super) fn figures(package: &str, choice: &str, crates: &[&str]) -> Figures {
        let features = match choice {
            "default" => Features::Default,
            BARE => Features::Bare,
            feature => Features::Only(feature.to_owned()),
        };
        let crates: BTreeSet<Compiled> = crates
            .iter()
            .map(|name| Compiled {
                name: (*name).to_owned(),
                version: "1.0.0".to_owned(),
            })
            .collect();
        Figures {
            entry: Entry {
                package: package.to_owned(),
                features,
            },
            tree: Tree {
                crates: crates.into_iter().collect(),
            },
            time: None,
        }
    }

    const TEXT: &str = "\
[kite.bare]
crates = 2
time = 1.0
packages = [\"air\", \"kite\"]

[kite.wind]
crates = 3
time = 1.5
adds = [\"rain\"]
";

    fn complain(text: &str, wind: &[&str], time: Option<f64>) -> Vec<String> {
        let budget = Budget::parse(text).unwrap();
        let bare = Figures {
            time: Some(1.0),
            ..figures("kite", "bare", &["air", "kite"])
        };
        let wind = Figures {
            time,
            ..figures("kite", "wind", wind)
        };
        complaints(&[bare, wind], &budget, &Scope::default(), time.is_some())
    }

    #[test]
    fn what_is_within_its_budget_is_no_complaint() {
        assert!(complain(TEXT, &["air", "kite", "rain"], Some(1.5)).is_empty());
        assert!(complain(TEXT, &["air", "kite"], None).is_empty());
    }

    #[test]
    fn crates_over_the_budget_are_named() {
        assert_eq!(
            complain(TEXT, &["air", "hail", "kite", "rain"], Some(1.0)),
            ["kite with `wind`: 4 crates, 3 allowed; new: hail 1.0.0"]
        );
    }

    #[test]
    fn a_second_version_is_named_with_the_first() {
        let mut wind = figures("kite", "wind", &["air", "kite", "rain"]);
        wind.tree.crates.push(Compiled {
            name: "rain".to_owned(),
            version: "2.0.0".to_owned(),
        });
        let budget = Budget::parse(TEXT).unwrap();
        let limit = budget.limit(&wind.entry).unwrap();
        assert_eq!(
            over_crates(&wind, limit, &budget).unwrap(),
            "kite with `wind`: 4 crates, 3 allowed; new: rain 1.0.0 and 2.0.0"
        );
    }

    #[test]
    fn time_over_the_budget_or_without_one_is_a_complaint() {
        let crates = ["air", "kite", "rain"];
        assert_eq!(
            complain(TEXT, &crates, Some(1.51)),
            ["kite with `wind`: 1.51 of the control's time, 1.50 allowed"]
        );
        let without = TEXT.replace("time = 1.5\n", "");
        assert_eq!(complain(&without, &crates, Some(1.0)).len(), 1);
        assert!(complain(&without, &crates, None).is_empty());
    }

    #[test]
    fn an_entry_without_a_budget_and_a_budget_without_an_entry_are_complaints() {
        let text = TEXT.replace("kite.wind", "kite.sun");
        assert_eq!(
            complain(&text, &["air", "kite"], None),
            [
                "kite with `wind`: has no budget; it has 2 crates compiled",
                "[kite.sun]: there is no such package or feature"
            ]
        );
    }

    #[test]
    fn the_report_says_how_to_raise_a_budget_only_where_one_is_over() {
        let budget = Budget::parse(TEXT).unwrap();
        let figures = [figures("kite", "bare", &["air", "kite"])];
        let well = report(&figures, &budget, &[]);
        assert!(
            well.contains("kite bare") && well.contains(" 2\n"),
            "{well}"
        );
        assert!(!well.contains("--update"));
        let ill = report(&figures, &budget, &["why".to_owned()]);
        assert!(ill.contains("why\nlean: 1 complaint\n"), "{ill}");
        assert!(ill.contains("cargo xtask lean --update"));
    }

    #[test]
    fn a_budget_that_is_not_used_up_is_shown() {
        let budget = Budget::parse(TEXT).unwrap();
        let text = report(&[figures("kite", "wind", &["kite"])], &budget, &[]);
        assert!(
            text.contains("kite with `wind`: 3 crates are not needed"),
            "{text}"
        );
        assert!(text.ends_with("lean: all is well\n"), "{text}");
    }
}
