//! The client that a token endpoint is asked for.

use blaxel_core::Secret;

/// The client id of everyone who signs in to the platform as a person.
pub(crate) const PUBLIC_CLIENT: &str = "blaxel";

/// Id and secret of an OAuth client, and where a request carries them.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    pub(crate) in_body: bool,
}

impl Identity {
    pub(crate) fn public(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: None,
            in_body: false,
        }
    }
}
