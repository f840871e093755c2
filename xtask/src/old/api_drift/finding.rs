//! One difference, under a key by which it can be allowed.

use std::fmt;

/// What a difference is about; also the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Operation,
    Query,
    Schema,
    Answer,
    Member,
    Value,
    Alias,
    Source,
}

/// In which way the two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The document has it, we do not.
    Missing,
    /// We have it, the document does not.
    Extra,
    /// The same operation under two names.
    Name,
    Method,
    Path,
    /// One side may leave it out.
    Required,
    Type,
    /// The document lists values, we take any text.
    Values,
    /// It cannot be compared.
    Unknown,
}

impl Thing {
    pub(super) const ALL: [Self; 8] = [
        Self::Operation,
        Self::Query,
        Self::Schema,
        Self::Answer,
        Self::Member,
        Self::Value,
        Self::Alias,
        Self::Source,
    ];

    /// The word in a key, and the heading in the report.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Operation => ("operation", "operations"),
            Self::Query => ("query", "query parameters"),
            Self::Schema => ("schema", "schemas"),
            Self::Answer => ("answer", "answers without a schema's name"),
            Self::Member => ("member", "members"),
            Self::Value => ("value", "values of closed lists"),
            Self::Alias => ("alias", "aliases"),
            Self::Source => ("source", "sources"),
        }
    }

    pub(super) const fn heading(self) -> &'static str {
        self.words().1
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|thing| thing.words().0 == word)
    }
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Missing,
        Self::Extra,
        Self::Name,
        Self::Method,
        Self::Path,
        Self::Required,
        Self::Type,
        Self::Values,
        Self::Unknown,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Name => "name",
            Self::Method => "method",
            Self::Path => "path",
            Self::Required => "required",
            Self::Type => "type",
            Self::Values => "values",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a difference is known by: `member Region.allowed type`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) thing: Thing,
    pub(super) subject: String,
    pub(super) kind: Kind,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (thing, _) = self.thing.words();
        write!(f, "{thing} {} {}", self.subject, self.kind.word())
    }
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) key: Key,
    /// What each side has.
    pub(super) detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.detail)
    }
}
