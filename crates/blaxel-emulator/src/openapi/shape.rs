//! The shapes of JSON values.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// The shape of a JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Any,
    Boolean,
    Number,
    /// A whole number, with optional bounds.
    Integer {
        least: Option<i64>,
        most: Option<i64>,
    },
    /// A string, with an optional maximum length.
    Text {
        most: Option<usize>,
    },
    /// A string that matches a pattern.
    Pattern(Pattern),
    /// One of these strings.
    Choice(Vec<&'static str>),
    List(Box<Shape>),
    /// An object with any names.
    Map(Box<Shape>),
    /// An object with these members, and any others.
    Object(Vec<Member>),
    /// A schema by its name.
    Named(&'static str),
    /// A value of at least one of these shapes.
    Either(Vec<Shape>),
}

/// A member of an object, or a parameter of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// Set if only the server sets the member. Values from clients are ignored.
    pub(super) read_only: bool,
    /// Set if `null` clears the member instead of counting as absent.
    pub(super) clearable: bool,
    pub(super) default: Option<Value>,
}

/// A pattern: characters of a set, written as in a regular expression such as `a-z0-9-`, and their
/// number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pattern {
    pub(super) set: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
}

/// A named shape.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) shape: Shape,
    /// Set if only the server sets values of this schema.
    pub(super) read_only: bool,
}

/// The schemas parsed so far, whose members others may include.
pub(super) type Schemas = BTreeMap<&'static str, Schema>;

impl Schema {
    pub(super) fn new(shape: Shape, read_only: bool) -> Self {
        Self { shape, read_only }
    }
}

impl fmt::Display for Pattern {
    /// Formats the pattern as a regular expression.
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
    fn a_pattern_checks_ranges_and_length() {
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
