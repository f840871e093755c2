//! The changelog: its unreleased entries, and the sections that a release makes of them.
//!
//! An entry starts with the names of its crates: "`a`: ..." or "`a`, `b` and `c`: ...". An entry of
//! several crates goes into the section of each, and stays unreleased for the others. An entry
//! without a name is about the workspace, and goes along with the next release of any crate. A name
//! that no crate has is an error: the entry would be taken for one about the workspace.

use anyhow::{Context, Result, bail, ensure};

use super::plan::Release;

/// A changelog with its unreleased part taken apart.
#[derive(Debug)]
pub(super) struct Changelog<'a> {
    /// All above the unreleased entries, with their title.
    before: String,
    unreleased: Vec<Entry<'a>>,
    after: &'a str,
}

#[derive(Debug)]
struct Entry<'a> {
    /// The line of the heading above it; empty if there is none.
    heading: &'a str,
    /// The names of the crates that it is about, in backticks.
    crates: Vec<String>,
    /// The text after the names of the crates, without the mark of the list.
    text: String,
}

impl<'a> Changelog<'a> {
    /// Takes a changelog apart, in which these names are those of crates.
    pub(super) fn parse(text: &'a str, known: &[&str]) -> Result<Self> {
        const TITLE: &str = "\n## [Unreleased]";
        let start = text.find(TITLE).map(|at| at + TITLE.len());
        let start = start.context("the changelog has no section `## [Unreleased]`")?;
        let (before, rest) = text.split_at(start);
        let end = lines(rest).find(|line| !line.is_code && line.text.starts_with("## "));
        let (body, after) = rest.split_at(end.map_or(rest.len(), |line| line.at));
        let (before, unreleased) = (before.to_owned(), Vec::new());
        let mut changelog = Self {
            before,
            unreleased,
            after,
        };
        let mut heading = "";
        for Line { text, is_code, .. } in lines(body) {
            let entry = text.strip_prefix("- ").filter(|_| !is_code);
            if text.starts_with("### ") && !is_code {
                heading = text.trim_end();
            } else if let Some(text) = entry {
                let (crates, text) = names(text, known)?;
                let text = text.to_owned();
                changelog.unreleased.push(Entry {
                    heading,
                    crates,
                    text,
                });
            } else {
                let last = changelog.unreleased.last_mut();
                let before = &mut changelog.before;
                match last.filter(|entry| entry.heading == heading) {
                    Some(entry) => entry.text += text,
                    None if heading.is_empty() => *before += text,
                    None => ensure!(
                        text.trim().is_empty(),
                        "below `{heading}`, `{}` belongs to no entry",
                        text.trim_end()
                    ),
                }
            }
        }
        Ok(changelog)
    }

    /// Returns `true` if an unreleased entry is about this crate.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.unreleased.iter().any(|entry| entry.names(name))
    }

    /// Returns the changelog with a section for each release, and one for the entries about the
    /// workspace. The rest stays unreleased.
    pub(super) fn released(&self, releases: &[Release], date: &str) -> String {
        let entries = self.unreleased.iter();
        let left = entries.clone().filter_map(|entry| entry.without(releases));
        let mut text = format!("{}\n\n{}", self.before.trim_end(), grouped(left));
        for release in releases {
            let own = entries.clone().filter(|entry| entry.names(&release.name));
            let own = own.map(|entry| (entry.heading, capitalized(&entry.text)));
            let follows = release.follows.iter();
            let follows = follows.map(|(name, version)| format!("Follows `{name}` {version}."));
            let own = own.chain(follows.map(|text| ("### Changed", text)));
            text += &format!("## {} - {date}\n\n{}", release.title(), grouped(own));
        }
        let workspace = entries.filter(|entry| entry.crates.is_empty());
        let workspace = grouped(workspace.map(|entry| (entry.heading, entry.text.clone())));
        if !workspace.is_empty() {
            text += &format!("## Workspace - {date}\n\n{workspace}");
        }
        if self.after.is_empty() {
            text.pop();
        }
        text + self.after
    }
}

impl Entry<'_> {
    fn names(&self, name: &str) -> bool {
        self.crates.contains(&format!("`{name}`"))
    }

    /// Returns the heading and the text of the entry that is left after these releases.
    fn without(&self, releases: &[Release]) -> Option<(&str, String)> {
        let released: Vec<String> = releases.iter().map(|it| format!("`{}`", it.name)).collect();
        let mut crates = self.crates.clone();
        crates.retain(|name| !released.contains(name));
        let text = format!("{}: {}", crates.join(", "), self.text);
        (!crates.is_empty()).then_some((self.heading, text))
    }
}

/// A line with its end.
struct Line<'a> {
    at: usize,
    text: &'a str,
    /// In fenced code, or its fence.
    is_code: bool,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let (mut next, mut is_open) = (0, false);
    text.split_inclusive('\n').map(move |text| {
        let at = next;
        next += text.len();
        let is_fence = text.trim_start().starts_with("```");
        is_open ^= is_fence;
        let is_code = is_open || is_fence;
        Line { at, text, is_code }
    })
}

/// Returns entries below their headings.
fn grouped<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut groups: Vec<(&str, String)> = Vec::new();
    for (heading, text) in entries {
        let item = format!("- {}\n", text.trim_end());
        match groups.iter_mut().find(|group| group.0 == heading) {
            Some(group) => group.1 += &item,
            None if heading.is_empty() => groups.push((heading, item)),
            None => groups.push((heading, format!("{heading}\n\n{item}"))),
        }
    }
    groups.into_iter().map(|(_, text)| text + "\n").collect()
}

/// Splits an entry into the names of crates that it starts with, in backticks, and the rest.
///
/// # Errors
///
/// Fails if it starts with a list of names, and one of them is not that of a crate.
fn names<'a>(entry: &'a str, known: &[&str]) -> Result<(Vec<String>, &'a str)> {
    let (names, text) = entry.split_once(':').unwrap_or_default();
    let names = names.replace(", and ", ", ").replace(" and ", ", ");
    let names: Vec<&str> = names.split(", ").collect();
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let inner = |name: &'_ str| Some(name.strip_prefix('`')?.strip_suffix('`')?.to_owned());
    let Some(inner) = names
        .iter()
        .map(|name| inner(name))
        .collect::<Option<Vec<_>>>()
    else {
        return Ok((Vec::new(), entry));
    };
    // Other code, such as a command with its arguments.
    if !inner.iter().all(|name| name.chars().all(is_name_char)) {
        return Ok((Vec::new(), entry));
    }
    if let Some(unknown) = inner.iter().find(|name| !known.contains(&name.as_str())) {
        bail!(
            "the changelog has an entry of `{unknown}`, which is no crate; the crates are {}",
            known.join(", ")
        );
    }
    Ok((
        names.into_iter().map(str::to_owned).collect(),
        text.trim_start(),
    ))
}

/// Returns the text with its first letter in upper case.
fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    const UNRELEASED: &str = "#

## [Unreleased]

All of it.

- `kite`: flies,
  - `wind`: no entry

  and more.
- `wind`, `line` and `kite`: knots.

### Fixed

- `fly kite`, `wind`: no crates.
- `wind`: blows again.
- `kite`: the tear.

## kite 0.1.0 - 2026-01-01

- `kite`:  old,   kept.
";
    const RELEASED: &str = "#

## [Unreleased]

All of it.

- `wind`, `line`: knots.

### Fixed

- `wind`: blows again.

## kite 0.2.0 - 2026-11-25

- Flies,
  - `wind`: no entry

  and more.
- Knots.

### Fixed

- The tear.

### Changed

- Follows `wind` 0.2.0.

## Workspace - 2026-11-25

### Fixed

- `fly kite`, `wind`: no crates.

## kite 0.1.0 - 2026-01-01

- `kite`:  old,   kept.
";

    #[test]
    fn a_release_gets_its_entries_and_the_rest_stays_unreleased() {
        let known = ["kite", "line", "wind"];
        let version = Version::new(0, 2, 0);
        let mut kite = Release::new("kite", version.clone());
        kite.follows.push(("wind".to_owned(), version));
        let changelog = Changelog::parse(UNRELEASED, &known).unwrap();
        assert!(known.iter().all(|name| changelog.mentions(name)));
        assert_eq!(changelog.released(&[kite], "2026-11-25"), RELEASED);
        assert!(!Changelog::parse(RELEASED, &known).unwrap().mentions("kite"));
        assert!(Changelog::parse("# Changelog\n", &known).is_err());
    }

    #[test]
    fn an_entry_of_an_unknown_crate_is_refused_with_the_known_ones() {
        for (entry, unknown) in [
            ("`kit`: flies", Some("kit")),
            ("`kite`, `boat`: flies", Some("boat")),
            ("`kite` and `lines`: flies", Some("lines")),
            ("`kite fly`, `boat`: a command", None),
            ("`kit` flies: no list", None),
            ("Kites: fly", None),
        ] {
            let text = format!("a\n\n## [Unreleased]\n\n- {entry}\n");
            let error = Changelog::parse(&text, &["kite", "line"]).err();
            let error = error.map(|error| error.to_string());
            let expected = unknown.map(|name| {
                format!(
                    "the changelog has an entry of `{name}`, which is no crate; the crates are kite, line"
                )
            });
            assert_eq!(error, expected, "{entry}");
        }
    }

    #[test]
    fn code_belongs_to_its_entry_and_a_heading_has_entries_alone() {
        let code = "  ```\n- `line`: x\n## y\n  ```\n";
        let text = format!("a\n\n## [Unreleased]\n\n- `kite`: flies\n{code}- `line`: holds\n");
        let known = ["kite", "line"];
        let changelog = Changelog::parse(&text, &known).unwrap();
        let kite = Release::new("kite", Version::new(0, 2, 0));
        let released = changelog.released(&[kite], "2026-11-25");
        let (unreleased, section) = released.split_once("\n## kite").unwrap();
        assert!(unreleased.contains("- `line`: holds\n"), "{released}");
        assert!(section.contains(code), "{released}");
        let text = "a\n\n## [Unreleased]\n\n### Fixed\n\nWith thanks:\n\n- `kite`: flies\n";
        let error = Changelog::parse(text, &known).unwrap_err().to_string();
        assert!(
            error.contains("`With thanks:` belongs to no entry"),
            "{error}"
        );
    }
}
