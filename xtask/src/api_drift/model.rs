//! A document in the form in which it is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// An OpenAPI document.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The path of the first server, such as `/v0`.
    pub(super) base: String,
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) schemas: BTreeMap<String, Shape>,
    /// The schemas that something refers to.
    pub(super) referred: BTreeSet<String>,
    /// The schemas whose members another one takes over.
    pub(super) parts: BTreeSet<String>,
    /// Something that the parser does not understand.
    pub(super) unknown: BTreeSet<Finding>,
}

#[derive(Debug)]
pub(super) struct Operation {
    /// In capitals.
    pub(super) method: String,
    /// With the parameters in braces.
    pub(super) path: String,
    pub(super) query: Members,
    /// The bodies of the request (`request`) and of the successes (`200`).
    pub(super) bodies: BTreeMap<String, Shape>,
}

/// A JSON value, no finer than the comparison needs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// `boolean`, `integer`, `number`, `string`, `anything`, or `nothing` for a body that is none.
    Plain(&'static str),
    /// One of these texts.
    Values(BTreeSet<String>),
    Array(Box<Shape>),
    /// An object with any names.
    Map(Box<Shape>),
    Object(Members),
    /// The schema of this name.
    Reference(String),
    Either(Vec<Shape>),
    /// Noted already as something that the parser does not understand.
    Unknown,
}

/// The members of an object, or the parameters of a query. Those of any other name are `*`.
pub(super) type Members = BTreeMap<String, Member>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// A difference: the thing, its place and the kind, as in `member Region.allowed type`, and a detail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) key: String,
    pub(super) detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.detail)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(items: impl IntoIterator<Item = T>, separator: &str) -> String {
            let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
            items.join(separator)
        }
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Values(texts) => write!(f, "one of {}", list(texts, ", ")),
            Self::Array(item) => write!(f, "array of {item}"),
            Self::Map(item) => write!(f, "map of {item}"),
            Self::Object(members) => write!(f, "object of {}", list(members.keys(), ", ")),
            Self::Reference(name) => f.write_str(name),
            Self::Either(shapes) => f.write_str(&list(shapes, " or ")),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
