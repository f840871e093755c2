//! What kinds of resources have in common, one trait for each thing that can be done with them.
//!
//! A kind implements what the API lets be done with it, and its [`Collection`](crate::Collection) has
//! the methods for that and no others: a VPC, which cannot be replaced, has no `replace`.

use blaxel_core::{Error, OperationInfo, response};
use bytes::Bytes;

use crate::resource::{Document, Resource};

// Which of these lists there are is a matter of features.

/// The query parameters of most lists that come in pages.
#[allow(dead_code)]
pub(crate) const PAGE_QUERY: &[&str] = &["cursor", "limit", "sort", "q", "anchor", "status"];

/// The query parameters of lists whose items also bear an id of the user's own.
#[allow(dead_code)]
pub(crate) const NAMED_PAGE_QUERY: &[&str] = &[
    "cursor",
    "limit",
    "sort",
    "q",
    "anchor",
    "externalId",
    "status",
];

/// The query parameters of lists that know neither states nor their end.
#[allow(dead_code)]
pub(crate) const PLAIN_PAGE_QUERY: &[&str] = &["cursor", "limit", "sort", "q"];

/// The query parameter by which secrets are shown.
#[allow(dead_code)]
pub(crate) const SHOW_SECRETS: &[&str] = &["show_secrets"];

/// A kind that can be listed.
///
/// The query parameters of [`LIST`](Self::LIST) tell how the list comes: page by page if it takes a
/// `cursor`; all at once, as a list of one page, if it takes none.
pub trait Listed: Send + 'static {
    /// The operation that lists it.
    const LIST: OperationInfo;
    /// The item of a list: the resource, or the part of it that a list returns.
    type Item: Resource;
}

/// A kind that can be made.
pub trait Created: Send + 'static {
    /// The operation that makes one.
    const CREATE: OperationInfo;
    /// What is handed in.
    type Draft: Document;
    /// What comes back.
    type Made: Document;

    /// Returns a copy of a draft that names no region, with this one filled in; `None` if the draft names
    /// one, or the kind takes none.
    #[must_use]
    fn with_region(_draft: &Self::Draft, _region: &str) -> Option<Self::Draft> {
        None
    }
}

/// A kind of which one can be read.
pub trait Fetched: Resource {
    /// The operation that reads one.
    const GET: OperationInfo;
}

/// A kind whose secrets are masked unless they are asked for.
pub trait Secretive: Fetched {}

/// A kind of which one can be replaced as a whole.
pub trait Replaced: Resource {
    /// The operation that replaces one.
    const REPLACE: OperationInfo;
}

/// A kind that can be brought to be as a document says, whether it is there or not.
pub trait Applied: Replaced + Created<Draft = Self, Made = Self> {
    /// In which order that is tried.
    const ORDER: ApplyOrder = ApplyOrder::ReplaceFirst;
}

/// In which order a kind is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApplyOrder {
    /// It is replaced, and made if there is none.
    ReplaceFirst,
    /// It is made, and replaced if there is one.
    CreateFirst,
    /// It is made, and left alone if there is one.
    KeepExisting,
}

/// A kind of which one can be deleted.
pub trait Deleted: Send + 'static {
    /// The operation that deletes one.
    const DELETE: OperationInfo;
    /// What comes back: mostly the resource as it was.
    type Answer: Document;

    /// Reads what comes back.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if it is not what was expected.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Answer, Error> {
        response::json(response)
    }
}

/// A kind whose revisions are kept.
pub trait Revised: Send + 'static {
    /// The operation that lists the revisions of one.
    const REVISIONS: OperationInfo;
    /// A revision.
    type Revision: Resource;
}

/// A kind of which one can be found by an id in a system of the user's own.
pub trait ExternallyNamed: Fetched {
    /// The operation that finds one.
    const BY_EXTERNAL_ID: OperationInfo;
}
