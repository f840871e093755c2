//! A session, and the form in which it is given away.

use std::fmt;

use blaxel_core::{Secret, Timestamp};
use blaxel_management::sandboxes::{Preview, PreviewToken};
use serde::{Deserialize, Serialize};

/// A session: the address of a sandbox and a token, which together are all that a program needs to use it.
///
/// The token is a secret, so a session is not serializable by itself; [`expose`](Self::expose) is the explicit way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// The name of the session.
    pub name: String,
    /// The address.
    pub url: String,
    /// The token, to be sent in the header `X-Blaxel-Preview-Token`.
    pub token: Secret,
    /// The time at which the session ends, or `None` if it does not.
    pub expires_at: Option<Timestamp>,
}

impl Session {
    /// Returns the session of a preview and one of its tokens, or `None` without an address or a token.
    pub(super) fn of(preview: &Preview, token: &PreviewToken) -> Option<Self> {
        let url = preview.spec.url.as_deref()?.trim();
        let secret = Secret::from(token.spec.token.clone()?);
        // Both end, and a text that is not a time ends nothing.
        let ends = [&preview.spec.expires, &token.spec.expires_at];
        let ends = ends.into_iter().flatten();
        let first = ends.filter(|end| end.unix().is_some()).min();
        (!url.is_empty() && !secret.is_empty()).then(|| Self {
            name: preview.metadata.name.clone(),
            url: url.to_owned(),
            token: secret,
            expires_at: first.cloned(),
        })
    }

    /// Returns the session in a form that can be serialized, with its token as plain text: to give it to the program
    /// that will use it.
    #[must_use]
    pub fn expose(&self) -> ExposedSession {
        ExposedSession {
            name: self.name.clone(),
            url: self.url.clone(),
            token: self.token.expose().to_owned(),
            expires_at: self.expires_at.clone(),
        }
    }
}

/// A session that can be serialized. Its JSON is a secret.
///
/// ```
/// use blaxel_sandbox::Session;
/// use blaxel_sandbox::sessions::ExposedSession;
///
/// let json = r#"{"name": "session-1", "url": "https://1a2b.preview.bl.run", "token": "s3cret"}"#;
/// let session = Session::from(serde_json::from_str::<ExposedSession>(json)?);
/// assert_eq!(session.token.expose(), "s3cret");
/// assert!(!format!("{session:?}").contains("s3cret"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExposedSession {
    /// The name of the session.
    pub name: String,
    /// The address.
    pub url: String,
    /// The token as plain text.
    pub token: String,
    /// The time at which the session ends, or `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl From<ExposedSession> for Session {
    fn from(exposed: ExposedSession) -> Self {
        Self {
            name: exposed.name,
            url: exposed.url,
            token: Secret::new(exposed.token),
            expires_at: exposed.expires_at,
        }
    }
}

/// Formats everything but the token.
impl fmt::Debug for ExposedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposedSession")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
