//! How two snapshots differ, by their lines.

use std::collections::BTreeMap;

/// How two snapshots differ, by whole lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) removed: Vec<String>,
    pub(crate) added: Vec<String>,
}

impl Difference {
    /// Whether nothing was removed and nothing added.
    pub(crate) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Compares two snapshots as bags of lines: where a line stands says nothing of the API.
pub(crate) fn difference(before: &str, after: &str) -> Difference {
    Difference {
        removed: without(before, after),
        added: without(after, before),
    }
}

/// The lines of a text that another has not, or has less often.
fn without(text: &str, other: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines(other) {
        *counts.entry(line).or_default() += 1;
    }
    let mut left = Vec::new();
    for line in lines(text) {
        match counts.get_mut(line) {
            Some(count) if *count > 0 => *count -= 1,
            _ => left.push(line.to_owned()),
        }
    }
    left
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_came_and_lines_that_went_are_told_apart() {
        let found = difference(
            "mod a\nfn a::b()\nfn a::c()\n",
            "mod a\nfn a::c(u8)\nfn a::b()\n",
        );
        assert_eq!(found.removed, ["fn a::c()"]);
        assert_eq!(found.added, ["fn a::c(u8)"]);
    }

    #[test]
    fn neither_order_nor_the_last_line_break_is_a_difference() {
        assert!(difference("a\nb\n", "b\n\na").is_empty());
        assert!(!difference("a\nb\n", "b\n").is_empty());
    }

    #[test]
    fn one_of_two_like_lines_counts() {
        let found = difference("a\na\nb\n", "b\na\nc\n");
        assert_eq!(found.removed, ["a"]);
        assert_eq!(found.added, ["c"]);
    }
}
