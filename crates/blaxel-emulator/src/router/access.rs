//! Checks of versions, credentials and workspaces.

use blaxel_core::ApiVersion;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::engine::Engine;
use crate::errors::{ErrorResponse, Gateway};
use crate::journal::CredentialKind;
use crate::state;

pub(crate) const VERSION: HeaderName = HeaderName::from_static("blaxel-version");
pub(crate) const WORKSPACE: HeaderName = HeaderName::from_static("x-blaxel-workspace");
/// Takes precedence over `authorization` if both are sent.
pub(crate) const OWN_AUTHORIZATION: HeaderName = HeaderName::from_static("x-blaxel-authorization");
/// The headers that carry credentials.
pub(crate) const CREDENTIALS: [HeaderName; 2] = [AUTHORIZATION, OWN_AUTHORIZATION];

/// Returns `true` if a request carries a credential.
pub(super) fn has_credential(headers: &HeaderMap) -> bool {
    CREDENTIALS.iter().any(|name| headers.contains_key(name))
}

/// The name of the API key's holder.
pub(crate) const OWNER: &str = "developer@example.com";
/// The name of the person who signs in with a device login.
pub(crate) const PERSON: &str = "emulator-person";

/// All versions. The first one is used for requests that name none.
pub(crate) const VERSIONS: [ApiVersion; 3] = [
    ApiVersion::V2026_04_16,
    ApiVersion::V2026_04_28,
    ApiVersion::V2026_09_22,
];

/// The identity of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// No bearer credential was sent.
    Anonymous,
    /// The credential is invalid.
    Rejected,
    /// The holder of the API key.
    Owner,
    /// A client with an access token.
    Client(Holder),
    /// The holder of an API key of a service account.
    ServiceAccount(Holder),
}

/// The holder of a credential, and the id of the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) credential: String,
}

impl Identity {
    /// Verifies the credential of a request.
    pub(crate) fn of(engine: &Engine, headers: &HeaderMap) -> Self {
        let credential = match bearer(headers) {
            None => return Self::Anonymous,
            Some(None) => return Self::Rejected,
            Some(Some(credential)) => credential,
        };
        if credential == engine.config.api_key {
            return Self::Owner;
        }
        if state::access::is_key(credential) {
            let found = state::access::key_holder(engine.store.open().rows(), credential);
            return found.map_or(Self::Rejected, |(name, credential)| {
                Self::ServiceAccount(Holder { name, credential })
            });
        }
        let Some(claims) = engine.access_tokens.claims(credential) else {
            return Self::Rejected;
        };
        let expires = claims
            .get("exp")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        let subject = claims.get("sub").and_then(serde_json::Value::as_str);
        match subject {
            Some(subject) if engine.seconds() < expires && is_known(engine, subject) => {
                let number = claims.get("jti").and_then(serde_json::Value::as_u64);
                Self::Client(Holder {
                    name: subject.to_owned(),
                    credential: number.unwrap_or_default().to_string(),
                })
            }
            _ => Self::Rejected,
        }
    }

    pub(crate) fn kind(&self) -> CredentialKind {
        match self {
            Self::Anonymous => CredentialKind::None,
            Self::Rejected => CredentialKind::Rejected,
            Self::Owner | Self::ServiceAccount(_) => CredentialKind::ApiKey,
            Self::Client(_) => CredentialKind::AccessToken,
        }
    }

    /// Returns the name for `createdBy` and `updatedBy`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Client(holder) | Self::ServiceAccount(holder) => &holder.name,
            _ => OWNER,
        }
    }

    /// Returns the holder of a valid credential, and the credential's id.
    pub(crate) fn holder(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Anonymous | Self::Rejected => (None, None),
            Self::Owner => (Some(OWNER), None),
            Self::Client(holder) | Self::ServiceAccount(holder) => {
                (Some(&holder.name), Some(&holder.credential))
            }
        }
    }
}

/// Returns the bearer credential of a request: `None` without a credential, and `Some(None)` for one of
/// another scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let header = headers
        .get(OWN_AUTHORIZATION)
        .or_else(|| headers.get(AUTHORIZATION))?;
    Some(header.to_str().ok().and_then(|text| scheme(text, "bearer")))
}

/// Returns `true` if tokens of a subject are still valid. Those of a service account end with it.
pub(crate) fn is_known(engine: &Engine, subject: &str) -> bool {
    [engine.config.client_id.as_str(), PERSON].contains(&subject)
        || state::access::client_secret(engine.store.open().rows(), subject).is_some()
}

/// Returns the credentials after the name of an authentication scheme, which is case-insensitive.
pub(crate) fn scheme<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (given, credential) = header.trim().split_once(' ')?;
    given
        .eq_ignore_ascii_case(scheme)
        .then(|| credential.trim_start())
}

/// Returns the API version of a request.
pub(crate) fn version(headers: &HeaderMap) -> Result<ApiVersion, ErrorResponse> {
    let Some(header) = headers.get(VERSION) else {
        return Ok(VERSIONS[0]);
    };
    let text = String::from_utf8_lossy(header.as_bytes());
    text.parse()
        .ok()
        .filter(|version| VERSIONS.contains(version))
        .ok_or_else(|| ErrorResponse::invalid_version(&text, &VERSIONS))
}

/// Requires a valid credential on the control plane.
pub(crate) fn authenticated(identity: &Identity) -> Result<(), ErrorResponse> {
    match identity {
        Identity::Anonymous | Identity::Rejected => Err(ErrorResponse::unauthorized()),
        Identity::Owner | Identity::Client(_) | Identity::ServiceAccount(_) => Ok(()),
    }
}

/// Requires that no other workspace is named. It may be left out, since a credential has only one.
pub(crate) fn workspace(engine: &Engine, named: Option<&str>) -> Result<(), ErrorResponse> {
    match named {
        Some(named) if named != engine.config.workspace => Err(ErrorResponse::explained(
            StatusCode::FORBIDDEN,
            "Forbidden",
            format!("The credential has no access to workspace {named:?}."),
        )),
        _ => Ok(()),
    }
}

/// Requires a valid credential and the right workspace for a workload. `addressed` is the workspace
/// in the path, `named` the one in the header.
pub(crate) fn workload(
    engine: &Engine,
    identity: &Identity,
    addressed: &str,
    named: Option<&str>,
) -> Result<(), ErrorResponse> {
    let (what, message) = match identity {
        Identity::Anonymous => (Gateway::AuthenticationRequired, "No credential was sent."),
        Identity::Rejected => (
            Gateway::AuthenticationFailed,
            "The credential is not valid.",
        ),
        _ if addressed != engine.config.workspace => {
            (Gateway::WorkspaceNotFound, "No workspace has this name.")
        }
        _ if named.is_some_and(|named| named != addressed) => (
            Gateway::Forbidden,
            "The credential has no access to the workspace in the header.",
        ),
        _ => return Ok(()),
    };
    Err(ErrorResponse::gateway(what, message, &engine.clock.now()))
}
