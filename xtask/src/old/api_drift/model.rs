//! What is compared: operations, and the shapes of JSON. The document and our own sources are both
//! brought into this form first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// An operation: its name, where its request goes, and what may stand in the query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) name: String,
    /// In capitals.
    pub(super) method: String,
    /// With the parameters in braces.
    pub(super) path: String,
    pub(super) query: BTreeSet<String>,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What a value looks like in JSON, no finer than a comparison needs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Anything,
    Boolean,
    Integer,
    Number,
    Text,
    /// One of these texts.
    Values(BTreeSet<String>),
    Array(Box<Shape>),
    /// An object whose members have names of the user's choice.
    Map(Box<Shape>),
    Object(Members),
    /// What is declared under this name.
    Named(String),
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// The members of an object by their names in JSON.
pub(super) type Members = BTreeMap<String, Member>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) required: bool,
    pub(super) shape: Shape,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anything => f.write_str("anything"),
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Text => f.write_str("string"),
            Self::Values(texts) => write!(f, "one of {}", listed(texts)),
            Self::Array(element) => write!(f, "array of {element}"),
            Self::Map(value) => write!(f, "map of {value}"),
            Self::Object(_) => f.write_str("object"),
            Self::Named(name) => f.write_str(name),
            Self::Unknown(_) => f.write_str("unknown"),
        }
    }
}

/// Names as a list: `a, b, c`.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    names.join(", ")
}
