//! [`StoredManifest`], a resource that was applied.

use std::fmt;

use blaxel_core::__private::ErrorParts;
use blaxel_core::Error;
use serde_json::Value;

use crate::resource::Document;

/// A resource as the server has stored it.
///
/// The `Debug` output does not contain the members, which may be secrets: the response to the first request of a
/// resource can have some that later ones mask, such as the token of a preview and the secret of a callback.
#[derive(Clone, PartialEq)]
pub struct StoredManifest(Value);

impl StoredManifest {
    #[allow(dead_code, reason = "the features decide which kinds exist")]
    pub(super) fn of(resource: &impl Document) -> Result<Self, Error> {
        let stored = serde_json::to_value(resource);
        stored.map(Self).map_err(undecodable)
    }

    /// Decodes the resource as the type of its kind, such as [`Agent`](crate::agents::Agent).
    ///
    /// # Errors
    ///
    /// [`Error::is_decode`] if the resource is of another type.
    pub fn decode<R: Document>(&self) -> Result<R, Error> {
        R::deserialize(&self.0).map_err(undecodable)
    }

    /// Returns the resource as JSON.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for StoredManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredManifest").finish_non_exhaustive()
    }
}

fn undecodable(problem: serde_json::Error) -> Error {
    Error::decode("the resource is not of the expected type").caused_by(problem)
}
