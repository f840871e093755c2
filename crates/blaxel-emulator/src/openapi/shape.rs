//! The shapes of JSON values.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What a JSON value looks like.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Any,
    Boolean,
    Number,
    /// A whole number within the bounds that there are.
    Integer {
        least: Option<i64>,
        most: Option<i64>,
    },
    /// A string, not longer than the bound if there is one.
    Text {
        most: Option<usize>,
    },
    /// A string of certain characters.
    Pattern(Pattern),
    /// One of these strings.
    Choice(Vec<&'static str>),
    List(Box<Shape>),
    /// An object with any names.
    Map(Box<Shape>),
    /// An object with members of these names, and any others.
    Object(Vec<Member>),
    /// A schema by its name.
    Named(&'static str),
    /// One of these shapes at least.
    Either(Vec<Shape>),
}

/// A member of an object, or a parameter of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// The server's own: it heeds none that a client sends.
    pub(super) read_only: bool,
    /// May be `null`, which says something else than nothing: that the member be cleared.
    pub(super) clearable: bool,
    pub(super) default: Option<Value>,
}

/// So many characters of a set, which is written as in a regular expression: `a-z0-9-`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pattern {
    pub(super) set: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
}

/// A shape that has a name.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) shape: Shape,
    /// What is of this schema is the server's own.
    pub(super) read_only: bool,
}

/// The schemas that are known so far, whose members others may take over.
pub(super) type Schemas = BTreeMap<&'static str, Schema>;

impl Schema {
    pub(super) fn new(shape: Shape, read_only: bool) -> Self {
        Self { shape, read_only }
    }
}

impl fmt::Display for Pattern {
    /// As a regular expression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]{{{},{}}}", self.set, self.least, self.most)
    }
}

impl Pattern {
    pub(super) fn fits(self, text: &str) -> bool {
        let length = text.chars().count();
        (self.least..=self.most).contains(&length) && text.chars().all(|char| self.has(char))
    }

    fn has(self, wanted: char) -> bool {
        let mut rest = self.set.chars();
        while let Some(first) = rest.next() {
            let mut range = rest.clone();
            let last = match (range.next(), range.next()) {
                (Some('-'), Some(last)) => {
                    rest = range;
                    last
                }
                _ => first,
            };
            if (first..=last).contains(&wanted) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_knows_its_ranges_and_its_length() {
        let name = Pattern {
            set: "a-z0-9-",
            least: 1,
            most: 3,
        };
        assert_eq!(name.to_string(), "[a-z0-9-]{1,3}");
        for good in ["a", "z-9", "-", "abc"] {
            assert!(name.fits(good), "{good}");
        }
        for bad in ["", "abcd", "A", "ä", "a_b", "a b"] {
            assert!(!name.fits(bad), "{bad}");
        }
    }
}
