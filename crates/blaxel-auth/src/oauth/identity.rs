//! The client that sends a token request.

use blaxel_core::Secret;

/// The client id for users who sign in to the platform.
pub(crate) const PUBLIC_CLIENT: &str = "blaxel";

/// The id and secret of an OAuth client, and whether they are sent in the body of a request.
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
