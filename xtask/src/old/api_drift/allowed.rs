//! The list of differences that are meant: a line `member Region.allowed type = "reason"` for each.

use std::collections::BTreeSet;

use super::finding::{Finding, Key, Kind, Thing};

/// The differences that are meant.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    entries: Vec<Entry>,
}

/// One of them, and the line it stands on.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) line: usize,
}

/// Findings by whether they are meant.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) unexplained: Vec<Finding>,
    pub(super) meant: usize,
    /// Entries that match nothing any more.
    pub(super) stale: Vec<Entry>,
}

impl Allowed {
    /// Reads the list. Empty lines and those that begin with `#` say nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for (line, content) in (1..).zip(text.lines().map(str::trim)) {
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let key = entry(content).map_err(|problem| format!("line {line}: {problem}"))?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                return Err(format!(
                    "line {line}: `{key}` is on line {} too",
                    first.line
                ));
            }
            entries.push(Entry { key, line });
        }
        Ok(Self { entries })
    }

    /// Sorts findings by whether the list has them.
    pub(super) fn sort(self, findings: BTreeSet<Finding>) -> Sorted {
        let (meant, unexplained): (Vec<Finding>, Vec<Finding>) = findings
            .into_iter()
            .partition(|finding| self.entries.iter().any(|entry| entry.key == finding.key));
        let mut stale = self.entries;
        stale.retain(|entry| !meant.iter().any(|finding| finding.key == entry.key));
        Sorted {
            unexplained,
            meant: meant.len(),
            stale,
        }
    }
}

/// Reads a line. The reason is for people: that there is one is all that is asked of it.
fn entry(line: &str) -> Result<Key, String> {
    let (key, reason) = line
        .split_once('=')
        .ok_or("there is no reason: a line ends in `= \"reason\"`")?;
    let reason = reason.trim();
    let quoted = reason
        .strip_prefix('"')
        .and_then(|reason| reason.strip_suffix('"'));
    match quoted.map(str::trim) {
        None => return Err("the reason does not stand in quotes".to_owned()),
        Some("") => return Err("the reason is empty".to_owned()),
        Some(_) => {}
    }
    let words: Vec<&str> = key.split_whitespace().collect();
    let [thing, subject @ .., kind] = words.as_slice() else {
        return Err("there is no difference before the `=`".to_owned());
    };
    if subject.is_empty() {
        return Err("a difference is given as `member Region.allowed type`".to_owned());
    }
    Ok(Key {
        thing: Thing::parse(thing).ok_or_else(|| format!("no report speaks of a `{thing}`"))?,
        subject: subject.join(" "),
        kind: Kind::parse(kind).ok_or_else(|| format!("nothing differs by `{kind}`"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(subject: &str) -> Finding {
        Finding {
            key: Key {
                thing: Thing::Member,
                subject: subject.to_owned(),
                kind: Kind::Type,
            },
            detail: "object in the document, string in regions::Region".to_owned(),
        }
    }

    #[test]
    fn what_is_listed_is_meant_and_the_rest_is_unexplained() {
        let list = "# Theirs is wrong.\n\nmember Region.allowed type = \"sent as text\"\n";
        let findings = [finding("Region.allowed"), finding("Region.name")];
        let sorted = Allowed::parse(list).unwrap().sort(findings.into());
        assert_eq!(sorted.unexplained, [finding("Region.name")]);
        assert_eq!(sorted.meant, 1);
        assert_eq!(sorted.stale, []);
    }

    #[test]
    fn an_entry_that_matches_nothing_any_more_is_stale() {
        let list = "\nmember Region.allowed type = \"sent as text\"";
        let sorted = Allowed::parse(list).unwrap().sort(BTreeSet::new());
        let [stale] = sorted.stale.as_slice() else {
            panic!("{sorted:?}");
        };
        assert_eq!(
            (stale.line, stale.key.to_string().as_str()),
            (2, "member Region.allowed type")
        );
    }

    #[test]
    fn another_way_to_differ_is_not_covered() {
        let list = "member Region.allowed required = \"why\"\nmember Region type = \"why\"";
        let findings = [finding("Region.allowed")];
        let sorted = Allowed::parse(list).unwrap().sort(findings.into());
        assert_eq!((sorted.unexplained.len(), sorted.stale.len()), (1, 2));
    }

    #[test]
    fn a_line_that_cannot_be_understood_is_refused_with_its_number() {
        for (line, problem) in [
            ("member Region.allowed type", "there is no reason"),
            ("member Region.allowed type =", "does not stand in quotes"),
            (
                "member Region.allowed type = because",
                "does not stand in quotes",
            ),
            (
                "member Region.allowed type = \"",
                "does not stand in quotes",
            ),
            ("member Region.allowed type = \" \"", "the reason is empty"),
            ("field Region.allowed type = \"why\"", "speaks of a `field`"),
            ("member Region.allowed kind = \"why\"", "differs by `kind`"),
            ("member type = \"why\"", "is given as"),
            ("= \"why\"", "no difference before"),
        ] {
            let refused = Allowed::parse(&format!("# A list.\n{line}\n")).unwrap_err();
            assert!(
                refused.starts_with("line 2: ") && refused.contains(problem),
                "{refused}"
            );
        }
    }

    #[test]
    fn the_same_difference_is_explained_once() {
        let line = "member Region.allowed type = \"why\"\n";
        let refused = Allowed::parse(&line.repeat(2)).unwrap_err();
        assert_eq!(
            refused,
            "line 2: `member Region.allowed type` is on line 1 too"
        );
    }

    #[test]
    fn a_subject_may_have_spaces_and_a_reason_an_equals_sign() {
        let key = entry("value Status.not yet missing = \"a = b\"").unwrap();
        assert_eq!(key.subject, "Status.not yet");
    }
}
