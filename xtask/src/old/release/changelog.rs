//! The changelog: what is unreleased, crate by crate, and how a release turns it into sections.
//!
//! An entry of crates starts with their names: "`a`: ..." or "`a`, `b` and `c`: ...". One of several
//! crates goes into the section of each, and waits on for those that are not released yet. An entry
//! that names no crate is about the workspace, and goes along with the next release of any.

use semver::Version;

/// What the changelog has to know of a release.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) version: Version,
    /// The crates that it is released for, with their new versions.
    pub(super) follows: Vec<(String, Version)>,
}

/// The changelog with its unreleased part taken apart.
#[derive(Debug)]
pub(super) struct Changelog<'a> {
    before: &'a str,
    blocks: Vec<Block<'a>>,
    after: &'a str,
}

/// Lines of the unreleased part that belong together, with the blank ones behind them.
#[derive(Debug)]
struct Block<'a> {
    /// The sub-heading it stands under.
    heading: Option<&'a str>,
    text: &'a str,
    kind: Kind<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind<'a> {
    /// A sub-heading.
    Heading,
    /// An entry of these crates, and what it says after their names.
    Entry(Vec<&'a str>, &'a str),
    /// What is no entry, and stays where it is.
    Other,
}

/// Where an entry of ours goes.
const CHANGED: &str = "### Changed";

impl<'a> Changelog<'a> {
    /// Takes the text apart; names of crates are those of `crates`.
    pub(super) fn parse(text: &'a str, crates: &[&str]) -> Result<Self, String> {
        let mut lines = lines(text);
        let start = lines
            .find(|(_, line)| line.trim_end().eq_ignore_ascii_case("## [unreleased]"))
            .map(|(at, line)| at + line.len())
            .ok_or("the changelog has no section `## [Unreleased]`")?;
        let end = lines
            .find(|(_, line)| line.starts_with("## ") || is_link(line))
            .map_or(text.len(), |(at, _)| at);
        let (text, after) = text.split_at(end);
        let (before, body) = text.split_at(start);
        Ok(Self {
            before,
            blocks: blocks(body, crates),
            after,
        })
    }

    /// Whether something unreleased is said of this crate.
    pub(super) fn speaks_of(&self, name: &str) -> bool {
        let mut blocks = self.blocks.iter();
        blocks.any(|block| matches!(&block.kind, Kind::Entry(crates, _) if crates.contains(&name)))
    }

    /// The text with a section for each release, in their order, and one for the workspace's own
    /// entries. What is not released stays as it is.
    pub(super) fn turned(&self, releases: &[Section], date: &str) -> String {
        let mut text = format!("{}\n", self.before);
        let waiting = self.waiting(releases);
        if !waiting.is_empty() {
            text.push_str(&waiting);
            text.push('\n');
        }
        for release in releases {
            let title = format!("## {} {} - {date}", release.name, release.version);
            text.push_str(&self.section(release).under(&title));
        }
        let workspace = self.of_workspace();
        if !workspace.0.is_empty() {
            text.push_str(&workspace.under(&format!("## Workspace - {date}")));
        }
        if self.after.is_empty() {
            // The last line of a file ends, and no blank one follows it.
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text + self.after
    }

    fn section(&self, release: &Section) -> Groups<'a> {
        let mut groups = Groups::default();
        for block in &self.blocks {
            if let Kind::Entry(crates, said) = &block.kind
                && crates.contains(&release.name.as_str())
            {
                groups.add(block.heading, &format!("- {}", capitalised(said)));
            }
        }
        for (name, version) in &release.follows {
            groups.add(Some(CHANGED), &format!("- Follows `{name}` {version}."));
        }
        groups
    }

    fn of_workspace(&self) -> Groups<'a> {
        let mut groups = Groups::default();
        for block in &self.blocks {
            if matches!(&block.kind, Kind::Entry(crates, _) if crates.is_empty()) {
                groups.add(block.heading, block.text);
            }
        }
        groups
    }

    /// What stays unreleased.
    fn waiting(&self, releases: &[Section]) -> String {
        let mut text = String::new();
        let mut heading = None;
        for block in &self.blocks {
            if block.kind == Kind::Heading {
                // It is written with the first that stays under it.
                heading = Some(block.text);
                continue;
            }
            let Some(left) = block.without(releases) else {
                continue;
            };
            if let Some(heading) = heading.take() {
                if !text.is_empty() && !text.ends_with("\n\n") {
                    text.push('\n');
                }
                text.push_str(heading);
            }
            text.push_str(&left);
        }
        match text.trim_end() {
            "" => String::new(),
            text => format!("{text}\n"),
        }
    }
}

impl Block<'_> {
    /// What is left of it once these releases are made.
    fn without(&self, releases: &[Section]) -> Option<String> {
        let Kind::Entry(crates, said) = &self.kind else {
            return Some(self.text.to_owned());
        };
        let is_released = |name: &str| releases.iter().any(|release| release.name == name);
        let left: Vec<&str> = crates
            .iter()
            .copied()
            .filter(|name| !is_released(name))
            .collect();
        if left.is_empty() {
            None
        } else if left.len() == crates.len() {
            Some(self.text.to_owned())
        } else {
            Some(format!("- {}: {said}", crate::old::list(&left)))
        }
    }
}

/// Entries by their sub-headings, in the order in which these were first seen.
#[derive(Default)]
struct Groups<'a>(Vec<(Option<&'a str>, String)>);

impl<'a> Groups<'a> {
    fn add(&mut self, heading: Option<&'a str>, entry: &str) {
        let entry = format!("{}\n", entry.trim_end());
        match self.0.iter_mut().find(|group| group.0 == heading) {
            Some(group) => group.1.push_str(&entry),
            None => self.0.push((heading, entry)),
        }
    }

    /// The section of this title, with a blank line behind it.
    fn under(mut self, title: &str) -> String {
        // What stands under no sub-heading would fall under one that came before it.
        self.0.sort_by_key(|group| group.0.is_some());
        let mut text = format!("{title}\n\n");
        for (heading, entries) in &self.0 {
            if let Some(heading) = heading {
                text.push_str(&format!("{heading}\n\n"));
            }
            text.push_str(entries);
            text.push('\n');
        }
        text
    }
}

/// The lines with their ends, and where each begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

/// Whether the line says where a link of the document leads, as they do at its end.
fn is_link(line: &str) -> bool {
    line.starts_with('[') && line.contains("]: ")
}

/// Takes the unreleased part apart.
fn blocks<'a>(body: &'a str, crates: &[&str]) -> Vec<Block<'a>> {
    let mut starts = Vec::new();
    let mut after_blank = true;
    for (at, line) in lines(body) {
        let is_blank = line.trim().is_empty();
        let is_mark = line.starts_with("### ") || entry(line).is_some();
        let is_indented = line.starts_with([' ', '\t']);
        if is_mark || (after_blank && !is_blank && !is_indented) {
            starts.push(at);
        }
        after_blank = is_blank;
    }
    let ends = starts.iter().skip(1).copied().chain([body.len()]);
    let mut heading = None;
    let mut blocks = Vec::new();
    for (start, end) in starts.iter().copied().zip(ends) {
        let text = &body[start..end];
        let kind = if text.starts_with("### ") {
            heading = text.lines().next().map(str::trim_end);
            Kind::Heading
        } else if let Some(entry) = entry(text) {
            let (names, said) = named(entry, crates);
            Kind::Entry(names, said)
        } else {
            Kind::Other
        };
        blocks.push(Block {
            heading,
            text,
            kind,
        });
    }
    blocks
}

/// What an entry says, if this is one.
fn entry(text: &str) -> Option<&str> {
    text.strip_prefix("- ").or_else(|| text.strip_prefix("* "))
}

/// The crates that an entry starts with, and the rest of it.
fn named<'a>(entry: &'a str, crates: &[&str]) -> (Vec<&'a str>, &'a str) {
    let mut names = Vec::new();
    let mut rest = entry;
    while let Some((name, after)) = rest.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        if !crates.contains(&name) {
            break;
        }
        names.push(name);
        if let Some(said) = after.strip_prefix(':') {
            return (names, said.trim_start());
        }
        let separators = [", and ", ", ", " and "];
        let Some(next) = separators.iter().find_map(|mark| after.strip_prefix(mark)) else {
            break;
        };
        rest = next;
    }
    (Vec::new(), entry)
}

/// The text as a sentence starts.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), rest.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
