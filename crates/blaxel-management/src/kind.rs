//! What all kinds of resources have in common.

use blaxel_core::{OperationInfo, Replay};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of resource that is kept under a name: it is listed, created, read, replaced and deleted
/// alike.
pub trait Resource: DeserializeOwned + Serialize + Send + Sync + 'static {
    /// The operations of this kind.
    const KIND: Kind;

    /// The name under which this one is kept.
    fn name(&self) -> &str;
}

/// The five operations of a kind of resource.
#[derive(Debug)]
#[non_exhaustive]
pub struct Kind {
    /// `GET` on the collection.
    pub list: OperationInfo,
    /// `POST` on the collection.
    pub create: OperationInfo,
    /// `GET` on one.
    pub get: OperationInfo,
    /// `PUT` on one, which replaces all of it.
    pub replace: OperationInfo,
    /// `DELETE` on one.
    pub delete: OperationInfo,
}

impl Kind {
    /// Describes a kind by the names of its operations and its two paths.
    pub(crate) const fn new(
        [list, create, get, replace, delete]: [&'static str; 5],
        collection: &'static str,
        one: &'static str,
    ) -> Self {
        Self {
            list: OperationInfo::new(list, Method::GET, collection),
            create: OperationInfo::new(create, Method::POST, collection).replayed(Replay::Keyed),
            get: OperationInfo::new(get, Method::GET, one),
            replace: OperationInfo::new(replace, Method::PUT, one),
            delete: OperationInfo::new(delete, Method::DELETE, one),
        }
    }
}
