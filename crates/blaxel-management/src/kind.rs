//! Traits for the capabilities of a kind of resource.
//!
//! A kind implements one trait for each operation that the API has for it, and its
//! [`Collection`](crate::Collection) has exactly the corresponding methods: a VPC cannot be replaced, so its
//! collection has no `replace`.

use blaxel_core::{Error, OperationInfo, response};
use bytes::Bytes;

use crate::resource::{Document, Resource};

// The features decide which of these are used.

/// The query parameters of paginated lists without the `externalId` parameter.
#[allow(dead_code)]
pub(crate) const PAGE_QUERY: &[&str] = &["cursor", "limit", "sort", "q", "anchor", "status"];

/// The query parameters of most paginated lists.
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

/// The query parameters of paginated lists without the `status` and `anchor` parameters.
#[allow(dead_code)]
pub(crate) const PLAIN_PAGE_QUERY: &[&str] = &["cursor", "limit", "sort", "q"];

/// The query parameter that unmasks secrets.
#[allow(dead_code)]
pub(crate) const SHOW_SECRETS: &[&str] = &["show_secrets"];

/// A kind that can be listed.
///
/// The query parameters of [`LIST`](Self::LIST) determine the pagination: a list that takes a `cursor` is
/// paginated; any other list is returned as one page.
pub trait Listed: Send + 'static {
    /// The operation that lists the resources.
    const LIST: OperationInfo;
    /// The type of an item of the list: the resource, or the part of it that the list returns.
    type Item: Resource;
}

/// A kind that can be created.
pub trait Created: Send + 'static {
    /// The operation that creates a resource.
    const CREATE: OperationInfo;
    /// The type of the request body.
    type Draft: Document;
    /// The type of the response.
    type Made: Document;

    /// Returns a copy of the draft in this region, or `None` if the draft already names a region or the kind
    /// has none.
    #[must_use]
    fn with_region(_draft: &Self::Draft, _region: &str) -> Option<Self::Draft> {
        None
    }
}

/// A kind whose resources can be read by name.
pub trait Fetched: Resource {
    /// The operation that reads a resource.
    const GET: OperationInfo;
}

/// A kind whose secrets are masked by default, and can be requested in plain text.
pub trait Secretive: Fetched {}

/// A kind whose resources can be replaced as a whole.
pub trait Replaced: Resource {
    /// The operation that replaces a resource.
    const REPLACE: OperationInfo;
}

/// A kind that supports create-or-replace ([`Collection::apply`](crate::Collection::apply)).
pub trait Applied: Replaced + Created<Draft = Self, Made = Self> {
    /// The order in which [`apply`](crate::Collection::apply) tries to replace and to create.
    const ORDER: ApplyOrder = ApplyOrder::ReplaceFirst;
}

/// The order of the requests of [`Collection::apply`](crate::Collection::apply).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApplyOrder {
    /// Replace the resource; create it if it does not exist.
    ReplaceFirst,
    /// Create the resource; replace it if it exists.
    CreateFirst,
    /// Create the resource; keep the existing one unchanged.
    KeepExisting,
}

/// A kind whose resources can be deleted.
pub trait Deleted: Send + 'static {
    /// The operation that deletes a resource.
    const DELETE: OperationInfo;
    /// The type of the response, mostly the deleted resource.
    type Response: Document;

    /// Decodes the response.
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the body is not a document of the expected type.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Response, Error> {
        response::json(response)
    }
}

/// A kind whose revisions the server keeps.
pub trait Revised: Send + 'static {
    /// The operation that lists the revisions of a resource.
    const REVISIONS: OperationInfo;
    /// The type of a revision.
    type Revision: Resource;
}

/// A kind that can be looked up by an external id: an id from a system of the user's own.
pub trait ExternallyNamed: Fetched {
    /// The operation that looks a resource up by its external id.
    const BY_EXTERNAL_ID: OperationInfo;
}
