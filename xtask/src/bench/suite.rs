//! A section of BENCHMARKS.md as data: its table, a note below it, and aims with their bounds.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::figures::{Figures, written};

type Texts = (String, String);

/// Benchmarks whose figures make up a section; `suites.toml` describes the fields.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Suite {
    pub(super) benches: Vec<String>,
    pub(super) packages: Vec<String>,
    pub(super) projects: Vec<String>,
    pub(super) users: Vec<Texts>,
    subjects: Vec<String>,
    titles: Vec<String>,
    more: Vec<Texts>,
    less: Vec<Texts>,
    note: String,
    ratios: Vec<(String, f64, f64, Vec<Texts>)>,
    differences: Vec<(String, f64, Texts)>,
    better: Vec<(String, String, String)>,
}

impl Suite {
    /// Returns the table, the note and the aims. Fails if a figure is missing without a reason.
    pub(super) fn render(&self, figures: &Figures) -> Result<String> {
        let rule = "--:|".repeat(self.titles.len());
        let mut text = format!("| | {} |\n|---|{rule}\n", self.titles.join(" | "));
        for (measure, title) in self.more.iter().chain(&self.less) {
            text += &format!("| {title} |");
            for subject in &self.subjects {
                let figure = figures.get(&format!("{subject} {measure}"))?.as_ref();
                text += &format!(" {} |", figure.map_or("—", |(_, cell)| cell));
            }
            text += "\n";
        }
        for (at, part) in self.note.split(['{', '}']).enumerate() {
            match at % 2 {
                0 => text += part,
                _ => text.extend(figures.get(part)?.iter().map(|(value, _)| written(*value))),
            }
        }
        let aims = self.aims(figures)?;
        if !aims.is_empty() {
            text += &format!("\n| aim | found | |\n|---|---|---|\n{aims}");
        }
        Ok(text)
    }

    /// Returns the rows of the aims.
    fn aims(&self, figures: &Figures) -> Result<String> {
        let mut rows = String::new();
        let mut row = |text: &str, found: &str, is_met: Option<bool>| {
            let verdict = is_met.map_or("open", |met| if met { "met" } else { "**missed**" });
            rows += &format!("| {text} | {found} | {verdict} |\n");
        };
        for (text, least, most, pairs) in &self.ratios {
            let (mut ratios, mut absence) = (Vec::new(), None);
            for (one, other) in pairs {
                match figures.pair(one, other)? {
                    Ok((_, 0.0)) => bail!("cannot divide by the figure `{other}`: it is 0"),
                    Ok((one, other)) => ratios.push(one / other),
                    Err(reason) => absence = Some(reason),
                }
            }
            let is_met = ratios.iter().all(|one| (least..=most).contains(&one));
            let ratios: Vec<String> = ratios.iter().map(|one| format!("{one:.2}")).collect();
            match absence {
                Some(reason) => row(text, reason, None),
                None => row(text, &(ratios.join(", ") + " times"), Some(is_met)),
            }
        }
        for (text, most, (one, other)) in &self.differences {
            match figures.pair(one, other)?.map(|(one, other)| one - other) {
                Ok(more) if more < 0.0 => row(text, &(written(-more) + " fewer"), Some(true)),
                // Figures have one decimal place.
                Ok(more) => row(text, &written(more), Some(more < most + 0.05)),
                Err(reason) => row(text, reason, None),
            }
        }
        for (text, own, other) in &self.better {
            let (mut lost, mut is_open) = (Vec::new(), false);
            let more = self.more.iter().map(|row| (row, own, other));
            let less = self.less.iter().map(|row| (row, other, own));
            for ((measure, title), one, other) in more.chain(less) {
                match figures.pair(&format!("{one} {measure}"), &format!("{other} {measure}"))? {
                    Ok((one, other)) if one > other => {}
                    Ok(_) => lost.push(&title[..]),
                    Err(_) => is_open = true,
                }
            }
            match (lost.is_empty(), is_open) {
                (false, _) => row(text, &format!("not in: {}", lost.join("; ")), Some(false)),
                (true, true) => row(text, "in every row that was measured", None),
                (true, false) => row(text, "in every row", Some(true)),
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = r#"
subjects = ["own", "other"]
titles = ["**own**", "another"]
more = [["x", "calls/s"]]
less = [["y", "bytes"]]
note = "\nA server gives {server x} items.\n"
ratios = [["most", 0, 1.1, [["own x", "other x"], ["own y", "own y"]]], ["least", 1.1, inf, [["own x", "other x"]]]]
differences = [["beside", 100, ["own x", "other x"]]]
better = [["win", "own", "other"]]"#;

    /// Renders figures of `own x`, `other x`, `own y` and `other y`; for `-` the first is absent.
    fn rendered(values: &str) -> Result<String> {
        let mut lines = "running\nserver\tx\t1234567\t1\n".to_owned();
        let keys = ["own\tx", "other\tx", "own\ty", "other\ty"];
        for (key, value) in keys.iter().zip(values.split(' ')) {
            lines += &format!("{key}\t{value}\n");
        }
        let lines = lines.replace("own\tx\t-", "absent\tx\tno valgrind");
        toml_edit::de::from_str::<Suite>(SUITE)?.render(&Figures::parse(&lines)?)
    }

    #[test]
    fn tables_and_aims_follow_from_figures_and_bad_figures_are_named() {
        let all = "| | **own** | another |\n|---|--:|--:|\n| calls/s | 1,100 (990.4) | 1,000 |\n\
                   | bytes | 7 | 7.5 |\n\nA server gives 1,234,567 items.\n\n\
                   | aim | found | |\n|---|---|---|\n| most | 1.10, 1.00 times | met |\n\
                   | least | 1.10 times | met |\n| beside | 100 | met |\n| win | in every row | met |\n";
        for (values, expected) in [
            ("1100\t990.4 1000 7 7.5", all),
            ("1101 1000 1 2", "| most | 1.10, 1.00 times | **missed** |"),
            ("1099 1000 1 2", "| least | 1.10 times | **missed** |"),
            ("1101 1000 1 2", "| beside | 101 | **missed** |"),
            ("1000 1001 1 2", "| beside | 1 fewer | met |"),
            ("1001 1000 2 2", "| win | not in: bytes | **missed** |"),
            ("7 7 1 2", "| win | not in: calls/s | **missed** |"),
            ("- 7 1 2", "| calls/s | — | 7 |"),
            ("- 7 1 2", "| most | no valgrind | open |"),
            ("- 7 1 2", "| beside | no valgrind | open |"),
            ("- 7 1 2", "| win | in every row that was measured | open |"),
            ("7 7 7", "no figure `other y`"),
            ("7 0 7 7", "`other x`: it is 0"),
            ("7 7 many 7", "`own\ty\tmany`: expected"),
            ("7 7 -1 7", "`own\ty\t-1`: expected"),
            ("7 7 7\tNaN 7", "`own\ty\t7\tNaN`: expected"),
            ("7 7 7\t7\t7 7", "`own\ty\t7\t7\t7`: expected"),
        ] {
            let text = rendered(values).unwrap_or_else(|error| error.to_string());
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }
}
